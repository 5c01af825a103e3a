"""What is seen of the pod, and what of it is worth a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubexit.domain import reports
from kubexit.domain.pods import Pod, container_of, one_line, read_pod
from kubexit.helpers.failures import GoneError, HopelessError, TroubleError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubexit.helpers.wish import Wish

LONGEST_LIST = 400  # characters of names in a message


class Sight:
    """Takes states of the pod as they come, and reports what differs from what was reported last."""

    def __init__(self, wish: Wish, write: Callable[[bytes], None]) -> None:
        self._wish, self._write = wish, write
        self._uid = ""  # of the pod that was seen first: no other one is ours
        self._snapshot = b""  # as it was reported last
        self._said: set[str] = set()  # what is said only once; as many as there are names, at most

    def look(self, value: object, *, deleted: bool = False) -> None:
        """Take the decoded JSON of a pod of our name. TroubleError: it is no pod; HopelessError: what is wished can never come true."""
        try:
            pod = read_pod(value)
        except ValueError as error:
            raise TroubleError(f"the API server's answer is no pod: {one_line(str(error), 200)}") from None
        if pod.uid != (self._uid or pod.uid):
            raise GoneError(f"the pod {self._wish.pod} is gone: another pod has its name now")
        self._uid = pod.uid
        if deleted:
            raise GoneError(f"the pod {self._wish.pod} is gone: it was deleted")
        self._look_for_names(pod)
        if pod.deleting and self._wish.names:  # not the end of the watch: others may want to know how the containers end
            self._say_once("", reports.GONE, f"the pod {self._wish.pod} is being deleted")
        self._report(pod)

    def miss(self) -> str:
        """Take that there is no pod of our name; give that in words. HopelessError: there was one."""
        pod, namespace, found = self._wish.pod, self._wish.namespace, self._wish.found
        if self._uid:
            raise GoneError(f"the pod {pod} is gone: it was deleted")
        advice = "if that is not this pod's name, set KUBEXIT_POD_NAME from the field metadata.name"
        return f"there is no pod {pod} in the namespace {namespace}; its name is from {found}: {advice}"

    def forget(self) -> None:
        """Report the next state, whatever it is: what was reported has been put in doubt."""
        self._snapshot = b""

    def _report(self, pod: Pod) -> None:
        names = [name for name in self._wish.all_names if not pod.names or name in pod.names]
        snapshot = b"".join(reports.format_container(name, container_of(pod, name)) for name in names) + reports.format_report(reports.POD)
        if snapshot != self._snapshot:
            self._snapshot = snapshot
            self._write(snapshot)

    def _look_for_names(self, pod: Pod) -> None:
        """Find the names that no container has, if the pod tells which it has."""
        for name in self._wish.all_names if pod.names else ():
            if name in pod.names:
                continue
            there = one_line(", ".join(pod.names), LONGEST_LIST)
            message = f'the pod {self._wish.pod} has no container "{one_line(name, 100)}"; those that it has: {there}'
            if name in self._wish.names:
                raise HopelessError(message)
            self._say_once(name, reports.TROUBLE, f"{message}; its end will never be seen")

    def _say_once(self, about: str, kind: str, message: str) -> None:
        if about not in self._said:
            self._said.add(about)
            self._write(reports.format_report(kind, message))
