"""Which pod this is: what is asked, and in which order."""

from __future__ import annotations

import itertools

import pytest

from kubexit.domain.pod_identity import PodIdentity, from_container, from_podinfo
from unit.container_files import Files, no_file

NAME, NAMESPACE = "/etc/podinfo/name", "/etc/podinfo/namespace"
HOST_NAME, SERVICE_ACCOUNT = "/proc/sys/kernel/hostname", "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
ALL = {NAME: "pod-1", NAMESPACE: "team", HOST_NAME: "host-1", SERVICE_ACCOUNT: "team-of-the-account"}


def having(*paths: str) -> Files:
    """Give a container with these of the files."""
    return Files({path: ALL[path] for path in paths})


def test_the_files_of_a_downward_api_volume_go_before_what_every_container_has() -> None:
    """Somebody has put them there to be read: a host name may be another than the pod's, as with hostNetwork."""
    assert from_container(having(*ALL).read) == PodIdentity("pod-1", NAME, "team")


def test_without_these_files_the_host_name_and_the_service_account_tell() -> None:
    """What the kubelet gives to every container of an ordinary pod."""
    assert from_container(having(HOST_NAME, SERVICE_ACCOUNT).read) == PodIdentity("host-1", "the host name", "team-of-the-account")


@pytest.mark.parametrize("paths", [paths for size in range(5) for paths in itertools.combinations(ALL, size)], ids=str)
def test_name_and_namespace_are_looked_for_apart(paths: tuple[str, ...]) -> None:
    """Each has its own fallback; what nothing tells is left empty."""
    found = from_container(having(*paths).read)
    name, name_from = ("pod-1", NAME) if NAME in paths else ("host-1" if HOST_NAME in paths else "", "the host name")
    namespace = "team" if NAMESPACE in paths else "team-of-the-account" if SERVICE_ACCOUNT in paths else ""
    assert found == PodIdentity(name, name_from, namespace)


def test_koordinator_asks_for_its_files_and_for_nothing_else() -> None:
    """It takes no host name for a pod's name."""
    files = having(*ALL)
    assert from_podinfo(files.read) == PodIdentity("pod-1", NAME, "team")
    assert sorted(files.asked) == [NAME, NAMESPACE]
    assert from_podinfo(no_file) == PodIdentity("", NAME, "")
