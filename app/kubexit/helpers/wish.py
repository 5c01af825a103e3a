"""What the supervisor asks of a pod watch, by the arguments of the helper program."""

from __future__ import annotations

import re
from typing import NamedTuple

from kubexit.domain.pods import one_line
from kubexit.helpers.failures import HopelessError

KUBERNETES_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
OPTIONAL = "?"  # before a name


class Wish(NamedTuple):
    """Which containers of which pod are to be reported on."""

    pod: str
    namespace: str
    found: str  # where the pod's name was found: KUBEXIT_POD_NAME, a file, the host name
    wait: int  # seconds in which dependencies have to become ready; 0: any time
    names: tuple[str, ...]  # of containers that have to be there
    others: tuple[str, ...]  # of containers that may be missing

    @property
    def all_names(self) -> tuple[str, ...]:
        return self.names + self.others


def read_wish(arguments: list[str]) -> Wish:
    """Read POD NAMESPACE WHERE_FROM WAIT_SECONDS NAME... A HopelessError if these are no names: they become parts of a URL."""
    pod, namespace, found, wait, *names = arguments
    for what, name in (("a pod", pod), ("a namespace", namespace)):
        if not KUBERNETES_NAME.fullmatch(name):
            remedy = f"the name of the pod is from {found}: set KUBEXIT_POD_NAME from the field metadata.name"
            raise HopelessError(f'"{one_line(name, 100)}" is no name of {what}; {remedy}')
    others = tuple(name.removeprefix(OPTIONAL) for name in names if name.startswith(OPTIONAL))
    return Wish(pod, namespace, found, int(wait), tuple(name for name in names if not name.startswith(OPTIONAL)), others)
