"""An API server out of a script, with a clock of its own, for the tests of the watch on the pod."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kubexit.domain.reports import parse_report
from kubexit.helpers.failures import HopelessError
from kubexit.helpers.pod_watch import PodWatch, World
from kubexit.helpers.wish import Wish
from unit.pod_objects import POD, UID

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

WISH = Wish(POD, "shop", "KUBEXIT_POD_NAME", 30, ("main",), ())


class Over(BaseException):
    """The script is at its end."""


class Later:
    """A part of a script: time goes by."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Server:
    """Answers each request as its script says: bytes or JSON of a list, the parts of a watch, an exception, time that goes by."""

    def __init__(self, script: Iterable[Any]) -> None:
        self._script = iter(script)
        self.now = 1000.0
        self.requests: list[str] = []
        self.pauses: list[float] = []
        self.hang_ups = 0
        self.written = b""

    def list_pod(self, seconds: float) -> bytes:
        """Give the next part of the script."""
        self.requests.append(f"list within {seconds}")
        part = self._next()
        self._pass(part)
        if isinstance(part, list | Later):  # made for a watch
            return b"no list"
        return part if isinstance(part, bytes) else json.dumps(part).encode()

    def watch_pod(self, version: str, seconds: int) -> Generator[bytes]:
        """Give the next part of the script: a list of pieces."""
        self.requests.append(f"watch from {version} for {seconds}")
        parts = self._next()
        for part in parts if isinstance(parts, list) else [parts]:
            self._pass(part)
            if not isinstance(part, Later):
                yield part if isinstance(part, bytes) else json.dumps(part).encode() + b"\n"

    def hang_up(self) -> None:
        """Count it."""
        self.hang_ups += 1

    def sleep(self, seconds: float) -> None:
        """Let the time go by."""
        self.pauses.append(round(seconds, 3))
        self.now += seconds

    def write(self, data: bytes) -> None:
        """Keep what is reported."""
        assert data.endswith(b"\n")
        self.written += data

    def _next(self) -> Any:
        try:
            return next(self._script)
        except StopIteration:
            raise Over from None

    def _pass(self, part: Any) -> None:
        if isinstance(part, Later):
            self.now += part.seconds
        if isinstance(part, Exception):
            raise part

    def reports(self, *kinds: str) -> list[str]:
        """Give what was reported, as text, of these kinds or of all but the traces."""
        lines = [parse_report(line) for line in self.written.splitlines()]
        assert all(lines), self.written
        return [" ".join(line) for line in lines if line and (line[0] in kinds if kinds else line[0] != "trace")]


def play(*script: Any, wish: Wish = WISH, jitter: float = 0.5) -> tuple[Server, str]:
    """Let a watch meet the script; give the server, and why the watch has ended itself ("": it has not)."""
    server = Server(script)
    watch = PodWatch(wish, World(server, server.write, lambda: server.now, server.sleep, lambda: jitter))
    try:
        watch.run()
    except HopelessError as error:
        return server, str(error)
    except Over:
        return server, ""


def listed(*pods: dict[str, Any], version: str = "5") -> dict[str, Any]:
    """Give a PodList."""
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": list(pods)}


def event(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """Give a line of a watch."""
    return {"type": kind, "object": value}


def bookmark(version: str) -> dict[str, Any]:
    """Give the event that says no more than how far the watch has come."""
    return event("BOOKMARK", {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": version}})


def gone(code: Any = 410) -> dict[str, Any]:
    """Give the event with which a server says that the version is too old."""
    return event("ERROR", {"kind": "Status", "status": "Failure", "message": "too old resource version", "code": code})


def another(pod: dict[str, Any]) -> dict[str, Any]:
    """Give a pod of the same name that was made in place of this one."""
    return {**pod, "metadata": {**pod["metadata"], "uid": UID.replace("0", "1")}}


def deleting(pod: dict[str, Any]) -> dict[str, Any]:
    """Give the pod while it is being deleted."""
    return {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": "2026-11-20T03:12:18Z"}}
