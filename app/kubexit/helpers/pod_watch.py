"""The watch on one pod: list, watch, and again whatever happens, until what is wished can never come true."""

from __future__ import annotations

import random
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Protocol

from kubexit.domain import reports
from kubexit.domain.pods import one_line
from kubexit.helpers import stream
from kubexit.helpers.failures import HopelessError, TroubleError
from kubexit.helpers.sight import Sight

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kubexit.helpers.wish import Wish

FORBIDDEN, UNAUTHORIZED, GONE = 403, 401, 410
GRANTING = 5.0  # seconds until a Role that was applied together with the pod counts
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds before another try
STEADY = 2.0  # seconds after which a watch counts as one that works
MOST_TROUBLES = 20  # that are kept, in order to report each once
LEAST_SILENCE, MOST_SILENCE = 5, 60  # seconds


class Requests(Protocol):
    """How the API server is asked. Both raise TroubleError and HopelessError."""

    def list_pod(self, seconds: float) -> bytes:
        """Give the PodList with the pod in it, within this time."""

    def watch_pod(self, version: str, seconds: int) -> Generator[bytes]:
        """Give the pieces of a watch from this version on, which the server is to end after this time."""

    def hang_up(self) -> None:
        """Use another connection for the next request."""


class World(NamedTuple):
    """What the watch needs of the world."""

    api: Requests
    write: Callable[[bytes], None]  # of reports
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


class PodWatch:
    """Watches one pod, and reports on its containers."""

    def __init__(self, wish: Wish, world: World) -> None:
        self._wish, self._world = wish, world
        self._sight = Sight(wish, world.write)
        self._begun = world.clock()
        self._version: str | None = None  # to watch from; None: to be listed
        self._told: set[str] = set()  # troubles that were reported since all was well
        self._failures = 0  # in a row
        self._forbidden_since: float | None = None
        self._seen_event = False  # in this round

    def run(self) -> NoReturn:
        """Watch for ever. A HopelessError ends it."""
        self._report(reports.TRACE, f"Watching pod {self._wish.pod} updates")
        while True:
            if pause := self._round():
                self._world.sleep(pause)

    # ── how it goes on ───────────────────────────────────────────────────────────────────────────────────────────

    def _round(self) -> float:
        """List if that is due, and watch. Give the seconds until the next round."""
        begun, failure = self._world.clock(), None
        self._seen_event = False
        try:
            if self._version is None:
                self._list()
            self._watch()
        except TroubleError as error:
            failure = error
        steady = self._world.clock() - begun >= STEADY
        self._failures = (0 if steady else self._failures) + (1 if failure or not steady else 0)
        if failure:
            return self._go_on_after(failure)
        self._forbidden_since = None
        if steady:
            self._told.clear()
        elif not self._seen_event:  # it ended at once, with nothing: what ended it may have kept an event from us
            self._version = None
        return self._pause()

    def _go_on_after(self, failure: TroubleError) -> float:
        """Report it, start anew, give the seconds to wait before. A HopelessError if waiting does not help."""
        self._version = None
        self._world.api.hang_up()
        pause = max(self._pause(), failure.pause)
        if failure.status == FORBIDDEN:
            now = self._world.clock()
            if self._forbidden_since is None:
                self._forbidden_since = now
            left = self._forbidden_since + GRANTING - now
            if left <= 0:
                raise HopelessError(str(failure))
            pause = min(pause, left)
        if failure.status in (UNAUTHORIZED, GONE) and self._failures == 1:  # the token has rotated, the version is too old: ordinary life
            self._report(reports.TRACE, str(failure))
        else:
            self._tell(str(failure))
        return pause

    def _pause(self) -> float:
        """Give the seconds to wait after so many failures in a row, none after none."""
        if not self._failures:
            return 0.0
        return min(FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10), LONGEST_PAUSE) * (0.75 + self._world.jitter() / 2)

    def _silence(self) -> int:
        """Give the seconds after which the server is taken for stalled."""
        wait = self._wish.wait
        if wait and self._world.clock() - self._begun < wait:
            return min(max(wait // 3, LEAST_SILENCE), MOST_SILENCE)
        return MOST_SILENCE

    # ── list and watch ───────────────────────────────────────────────────────────────────────────────────────────

    def _list(self) -> None:
        version, items = _read_list(self._world.api.list_pod(self._silence()))
        pods = [item for item in items if _metadata(item).get("name") == self._wish.pod]
        if pods:
            self._sight.look(pods[0])
        else:
            self._tell(self._sight.miss())
        self._version = version

    def _watch(self) -> None:
        """Watch until the server ends it, or should have."""
        splitter = stream.Splitter()
        with closing(self._world.api.watch_pod(self._version or "", self._silence())) as pieces:
            for piece in pieces:
                try:
                    for line in splitter.feed(piece):
                        if line.strip():
                            self._happened(stream.read_event(line))
                except ValueError as error:
                    raise TroubleError(f"the API server's watch cannot be read: {one_line(str(error), 100)}") from None
        if splitter.pending:
            raise TroubleError("the API server's watch ended within an object")

    def _happened(self, event: stream.Event) -> None:
        self._seen_event = True
        if event.kind == "ERROR":
            raise _failure_in(event.object)
        metadata = _metadata(event.object)
        if event.kind != "BOOKMARK" and metadata.get("name") == self._wish.pod:
            self._sight.look(event.object, deleted=event.kind == "DELETED")
        version = metadata.get("resourceVersion")
        if isinstance(version, str) and version:
            self._version = version

    def _tell(self, trouble: str) -> None:
        """Report what keeps us from reading the pod, once; and the state anew when it can be read again."""
        if trouble not in self._told:
            if len(self._told) >= MOST_TROUBLES:  # one that has a time in it, for instance
                self._told.clear()
            self._told.add(trouble)
            self._sight.forget()
            self._report(reports.TROUBLE, f"{trouble}; trying again")

    def _report(self, kind: str, message: str) -> None:
        self._world.write(reports.format_report(kind, message))


def _read_list(body: bytes) -> tuple[str, list[Any]]:
    """Give version and items of a PodList; a TroubleError if it is none."""
    try:
        answer = stream.decode(body)
    except ValueError as error:
        raise TroubleError(f"the API server's answer is no JSON: {one_line(str(error), 100)}") from None
    version = _metadata(answer).get("resourceVersion")
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(version, str) or not isinstance(items, list | None):
        raise TroubleError("the API server's answer is no list of pods")
    return version, items or []


def _metadata(value: object) -> dict[str, Any]:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _failure_in(status: dict[str, Any]) -> TroubleError:
    """Make an error of the Status that ends a watch."""
    code, message = status.get("code"), status.get("message")
    code = code if isinstance(code, int) and abs(code) < 1000 else 0
    return TroubleError(f"the API server ends the watch with {code}: {one_line(str(message), 200)}", status=code)
