"""Which pod this is: by variables, by the files of a downwardAPI volume, by what every container knows of itself."""

from __future__ import annotations

from kubexit.domain.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NAME_FILE = "/etc/podinfo/name"
NAMESPACE_FILE = "/etc/podinfo/namespace"
HOST_NAME_FILE = "/proc/sys/kernel/hostname"  # the pod's name, unless it sets a hostname or uses the node's network
SERVICE_ACCOUNT_NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"


class PodIdentity(Record):
    """The pod's name and namespace, "" where unknown. `name_from` says for messages where the name was found."""

    name: str = ""
    name_from: str = ""
    namespace: str = ""


def from_podinfo(read: Callable[[str], str]) -> PodIdentity:
    """Give what the files say that are usually mounted by a downwardAPI volume. `read` gives the trimmed text of a file, "" if there is none."""
    return PodIdentity(read(NAME_FILE), NAME_FILE, read(NAMESPACE_FILE))


def from_container(read: Callable[[str], str]) -> PodIdentity:
    """Give what a container knows of itself, the first of what can be found of name and namespace."""
    files = from_podinfo(read)
    name = (files.name, files.name_from) if files.name else (read(HOST_NAME_FILE), "the host name")
    return PodIdentity(*name, files.namespace or read(SERVICE_ACCOUNT_NAMESPACE_FILE))
