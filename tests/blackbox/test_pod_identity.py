"""Which pod is ours: by variables, by the files of a downwardAPI volume, by what every container knows of itself."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from support.clusters import assert_never_started
from support.pods import READY, Pod

if TYPE_CHECKING:
    from support.clusters import Cluster

NOTHING = {"pod_name": ""}


def asked_for(cluster: Cluster) -> tuple[str, str]:
    """Give the namespace and the pod that were asked for."""
    first = cluster.server.requests[0]
    return first.path.split("/")[4], first.query["fieldSelector"].removeprefix("metadata.name=")


def be_called(cluster: Cluster, name: str) -> None:
    """Let the pod have another name, and all be ready in it."""
    cluster.have(Pod(name))
    cluster.tell(server=READY)


def test_variables_go_first(cluster: Cluster) -> None:
    """KUBEXIT_POD_NAME and KUBEXIT_NAMESPACE, whatever the files say."""
    cluster.podinfo.write(name="another", namespace="elsewhere")
    cluster.server.namespace = "market"
    be_called(cluster, "shop-7")
    assert cluster.start("exit 0", birth_deps="server", pod_name="shop-7", namespace="market").end() == 0
    assert asked_for(cluster) == ("market", "shop-7")


@pytest.mark.parametrize("end", ["", "\n"])
def test_files_of_a_downward_volume(cluster: Cluster, end: str) -> None:
    """/etc/podinfo/name and /etc/podinfo/namespace, with or without a final newline."""
    cluster.podinfo.write(name=f"shop-8{end}", namespace=f"shop{end}")
    be_called(cluster, "shop-8")
    assert cluster.start("exit 0", birth_deps="server", **NOTHING).end() == 0
    assert asked_for(cluster) == ("shop", "shop-8")


def test_what_every_container_knows(cluster: Cluster) -> None:
    """The host name, and the service account's namespace."""
    be_called(cluster, socket.gethostname())
    assert cluster.start("exit 0", birth_deps="server", **NOTHING).end() == 0
    assert asked_for(cluster) == ("shop", socket.gethostname())


def test_each_part_is_looked_for_by_itself(cluster: Cluster) -> None:
    """A name by a variable, the namespace from the service account; a namespace from a file, the name from the host."""
    cluster.podinfo.write(namespace="shop")
    be_called(cluster, socket.gethostname())
    assert cluster.start("exit 0", birth_deps="server", **NOTHING).end() == 0
    assert asked_for(cluster) == ("shop", socket.gethostname())


@pytest.mark.parametrize(
    ("files", "variables", "name", "found"),
    [
        ({}, {"pod_name": "shop-9"}, "shop-9", "KUBEXIT_POD_NAME"),
        ({"name": "shop-9"}, NOTHING, "shop-9", "/etc/podinfo/name"),
        ({}, NOTHING, socket.gethostname(), "the host name"),
    ],
)
def test_message_says_where_a_wrong_name_came_from(cluster: Cluster, files: dict[str, str], variables: dict[str, str], name: str, found: str) -> None:
    """With hostNetwork, the host name is the node's: whoever reads this has to know whom to blame."""
    cluster.podinfo.write(**files)
    message = assert_never_started(cluster.start(birth_deps="server", birth_timeout="2s", **variables), 1, "BirthTimeout")
    assert f"no pod {name}" in message
    assert f"from {found}" in message
    assert "KUBEXIT_POD_NAME" in message


def test_namespace_that_nothing_tells(cluster: Cluster) -> None:
    """No variable, no file: a configuration error that says why there is none, since no token will be there either."""
    cluster.account.volume.remove()
    message = assert_never_started(cluster.start(birth_deps="server"), 2, "ConfigError")
    assert "KUBEXIT_NAMESPACE" in message
    assert "automountServiceAccountToken" in message


@pytest.mark.parametrize("name", ["shop-0,metadata.namespace!=x", "shop 0", "../../secrets", "Shop-0", "x" * 300])
def test_name_that_no_pod_can_have(cluster: Cluster, name: str) -> None:
    """It is never sent anywhere: it would be a part of a request."""
    client = cluster.start(birth_deps="server", birth_timeout="0", pod_name=name)
    assert client.end() in (1, 2)
    assert "Born" not in client.stone()
    assert name[:60] in client.stone()["Message"]
    assert cluster.server.requests == []
