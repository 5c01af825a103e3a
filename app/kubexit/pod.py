"""The pod's side: what its status says of our dependencies, as the helper program reports it, and requests that ask the child to stop."""

from __future__ import annotations

import select
import time

from kubexit.domain import events, reports
from kubexit.domain.dependencies import KUBERNETES
from kubexit.helper import Helper
from kubexit.linux.process import stop_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kubexit.domain.actions import RequestStop
    from kubexit.domain.config import Config
    from kubexit.domain.dependencies import Container
    from kubexit.domain.events import Event
    from kubexit.linux.handover import Start

SECOND = 1_000_000_000  # nanoseconds
FIRST_PAUSE, LAST_PAUSE = SECOND, 60 * SECOND  # before a helper that ended is started again


class Pod:
    """All that helper programs do for one supervisor."""

    def __init__(self, config: Config, start: Start, poll: select.poll, trace: Callable[[str], None]) -> None:
        self._start, self._poll = start, poll
        self._watch = PodWatch(config, start, trace) if config.waits_for_pod or config.watches_pod else None
        self._call: StopCall | None = None

    def begin_watch(self) -> Iterator[Event]:
        """Start to read the pod's status, if anything depends on it."""
        if self._watch:
            self._poll.register(self._watch.helper, select.POLLIN)
            yield from self._watch.begin()

    def end_watch(self) -> None:
        """Read it no longer. The helper's process is reaped like any other."""
        if self._watch and self._watch.helper.fileno() >= 0:
            self._poll.unregister(self._watch.helper)
            self._watch.end()

    def request_stop(self, action: RequestStop) -> Iterator[Event]:
        """Ask the child to stop."""
        self._call = StopCall(action, self._start)
        yield from self._call.begin()

    def deadline(self) -> int | None:
        """Give the time (monotonic, nanoseconds) at which something is to be done even if nothing is heard; None if there is nothing."""
        return self._watch.start_at if self._watch else None

    def news(self) -> Iterator[Event]:
        """Give what was reported of the pod."""
        if self._watch:
            yield from self._watch.news()

    def reaped(self, pid: int, status: int) -> Iterator[Event]:
        """Be told of the end of a process, which may be a helper's."""
        for run in (self._watch, self._call):
            if run and pid == run.helper.pid and not stop_signal(status):
                yield from run.reaped(status)

    def end(self) -> None:
        """End all helpers."""
        for run in (self._watch, self._call):
            if run:
                run.end()

    def wait_gone(self) -> None:
        """Wait until helpers that were ended are gone, and with them what they have unpacked."""
        for run in (self._watch, self._call):
            if run:
                run.helper.wait_gone()


class PodWatch:
    """Watches our pod by a helper, which is started again when it breaks down, until `end`."""

    def __init__(self, config: Config, start: Start, trace: Callable[[str], None]) -> None:
        wait = -(-config.birth_timeout // SECOND)
        self.helper = Helper(start, ["pod", config.pod_name, config.namespace, config.pod_name_from, str(wait), *_names(config)])
        self._trace = trace
        self._told: dict[str, Container] = {}  # of the snapshot that is not whole yet
        self._failed = False  # it said itself why it ends
        self._over = False
        self._pause = FIRST_PAUSE
        self.start_at: int | None = None  # the time (monotonic, nanoseconds) at which the helper is to be started again
        self._started_at = 0

    def begin(self) -> Iterator[Event]:
        """Start the helper."""
        self._told, self._failed = {}, False
        self.start_at, self._started_at = None, time.monotonic_ns()
        try:
            self.helper.run()
        except OSError as error:
            yield from self._broke_down(f"cannot be started: {error.strerror}")

    def news(self) -> Iterator[Event]:
        """Give what it has reported, and start it again if it is time."""
        for kind, *fields in self.helper.reports():
            if self._over:  # what was reported since has no meaning any more
                return
            if kind == reports.TRACE:
                self._trace(fields[0])
            elif kind == reports.CONTAINER:
                name, container = reports.parse_container(tuple(fields))
                self._told[name] = container
            elif kind == reports.POD:
                told, self._told = self._told, {}
                yield events.PodChanged(told)
            elif kind == reports.TROUBLE:
                yield events.PodTroubled(fields[0])
            elif kind == reports.FAILED:
                self._failed = True
                yield events.PodWatchFailed(fields[0])
            elif kind == reports.GONE:
                self._failed = True
                yield events.PodGone(fields[0])
        if self.start_at is not None and time.monotonic_ns() >= self.start_at:
            yield from self.begin()

    def reaped(self, status: int) -> Iterator[Event]:
        """Be told of the helper's end."""
        yield from self.news()
        how = self.helper.reaped(status)
        if not self._over:
            yield from self._broke_down(how)

    def _broke_down(self, how: str) -> Iterator[Event]:
        now = time.monotonic_ns()
        self._pause = FIRST_PAUSE if now - self._started_at > LAST_PAUSE else min(2 * self._pause, LAST_PAUSE)
        self.start_at = now + self._pause
        if not self._failed:
            yield events.PodWatchFailed(f"the helper program that reads the pod's status {how}", internal=True)

    def end(self) -> None:
        """End it for good."""
        self._over, self.start_at = True, None
        self.helper.end()


class StopCall:
    """One HTTP request that asks the child to stop, made by a helper."""

    def __init__(self, action: RequestStop, start: Start) -> None:
        self.helper = Helper(start, ["http", action.request.method, action.request.url, str(max(1, action.patience // SECOND))])
        self._answer = "the helper program that sends it ended without a word"

    def begin(self) -> Iterator[Event]:
        """Start the helper."""
        try:
            self.helper.run()
        except OSError as error:
            yield events.StopRequestAnswered(f"the helper program that sends it cannot be started: {error.strerror}")

    def reaped(self, status: int) -> Iterator[Event]:
        """Be told of the helper's end: the answer is known."""
        answer: str | None = None
        for kind, *fields in self.helper.reports():
            if kind == reports.DONE:
                answer = ""
            elif kind == reports.FAILED:
                answer = fields[0]
        how = self.helper.reaped(status)
        self.end()
        yield events.StopRequestAnswered(f"the helper program that sends it {how}" if answer is None else answer)

    def end(self) -> None:
        """End it, answered or not."""
        self.helper.end()


def _names(config: Config) -> list[str]:
    """Give the containers to report on. One that only a death depends on is marked: its absence keeps nothing from starting."""
    births = dict.fromkeys(dependency.name for dependency in config.birth_deps if dependency.source == KUBERNETES)
    others = dict.fromkeys(dependency.name for dependency in config.death_deps if dependency.source == KUBERNETES)
    others |= dict.fromkeys([config.name] if config.watches_pod and config.name else [])
    return [*births, *("?" + name for name in others if name not in births)]
