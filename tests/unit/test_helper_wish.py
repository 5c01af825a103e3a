"""The arguments of a pod watch."""

from __future__ import annotations

import pytest

from kubexit.helpers.failures import HopelessError
from kubexit.helpers.wish import Wish, read_wish


def test_reads_its_arguments() -> None:
    """A name with a question mark is one that may be missing."""
    wish = read_wish(["web-0", "shop", "the host name", "30", "main", "?proxy", "db"])
    assert wish == Wish("web-0", "shop", "the host name", 30, ("main", "db"), ("proxy",))
    assert wish.all_names == ("main", "db", "proxy")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../..", "a/b", "a?b", "a b", "a,b", "a=b", "a%2e", "A", "-a", "a-", "a\n", "\udcff", "ä", "a" * 254, "a\\", "a#"],
)
def test_what_is_no_name_never_becomes_part_of_a_url(name: str) -> None:
    """The path "namespaces/../pods" would ask for the pods of the whole cluster."""
    with pytest.raises(HopelessError, match="is no name of a pod; the name of the pod is from /etc/podinfo/name"):
        read_wish([name, "shop", "/etc/podinfo/name", "30"])
    with pytest.raises(HopelessError, match="is no name of a namespace"):
        read_wish(["web-0", name, "/etc/podinfo/name", "30"])


@pytest.mark.parametrize("name", ["a", "0", "web-0", "a.b.c", "a" * 253])
def test_takes_the_names_of_kubernetes(name: str) -> None:
    """DNS subdomains."""
    assert read_wish([name, name, "x", "0"]).pod == name
