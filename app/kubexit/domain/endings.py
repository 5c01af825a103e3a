"""How it can end: exit status, reason and message of every end that there is, in one place."""

from __future__ import annotations

from kubexit.domain import exit_codes, tombstone
from kubexit.domain.durations import format_duration
from kubexit.domain.exit_codes import KILLED, NOT_STARTED, SIGNALLED, STOPPED, STOPPED_ALWAYS, TOLD, reported_code
from kubexit.domain.record import Record
from kubexit.domain.signal_names import KILL, TERM, signal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubexit.domain.config import Config
    from kubexit.domain.dependencies import Dependency, Facts
    from kubexit.domain.events import ChildExited, PodGone, PodWatchFailed, StartFailed
    from kubexit.domain.tombstone import Tombstone


LONGEST_MESSAGE = 1_000  # characters in a tombstone, which readers take up to 64 KiB of


class Stop(Record):
    """A stop that dead dependencies caused."""

    deaths: tuple[tuple[Dependency, Facts], ...]

    @property
    def all_succeeded(self) -> bool:
        """No death among its causes was a failure. A cause may be no death at all, as with `main:started`."""
        return all(peer.succeeded or not peer.ended for _, peer in self.deaths)

    @property
    def message(self) -> str:
        return "death " + _names(self.deaths)


class Ending(Record):
    """The last word: what the tombstone, the log and the exit status say."""

    exit_code: int
    reason: str
    message: str
    child_code: int | None = None  # n or 128+n of the child itself; None if it was never started
    signal: int = 0  # that ended the child

    @property
    def failed(self) -> bool:
        """An error in the log. Whoever stops us from outside knows why."""
        return self.exit_code != 0 and self.reason != tombstone.TERMINATED

    def bury(self, stone: Tombstone, died: str) -> Tombstone:
        """Give the tombstone with this end on it."""
        return stone.replace(
            died=died,
            exit_code=self.exit_code,
            child_exit_code=self.child_code if self.child_code != self.exit_code else None,
            signal=signal_name(self.signal) if self.signal else None,
            reason=self.reason,
            message=self.message[:LONGEST_MESSAGE],
        )


def dead_before_start(config: Config, deaths: Sequence[tuple[Dependency, Facts]]) -> Ending:
    """End because dependencies are dead and the child was not started yet."""
    stop = Stop(tuple(deaths))
    code = reported_code(exit_codes.STOPPED_BEFORE_START, _stop_causes(stop) | {NOT_STARTED}, config.exit_rules)
    return Ending(code, tombstone.DEPENDENCY_DIED, f"{stop.message}; the command was not started")


def birth_failed(dependency: Dependency, peer: Facts) -> Ending:
    """End because a birth dependency died during the wait and its condition can no longer come true."""
    what = f"birth dependency {dependency.name} {peer.describe()} before it was {dependency.condition}"
    return Ending(exit_codes.FAILURE, tombstone.DEPENDENCY_FAILED, f"{what}; the command was not started: see the log of {dependency.name}")


def birth_timeout(config: Config, unmet: Sequence[tuple[Dependency, Facts]], trouble: str) -> Ending:
    """End because the birth dependencies took too long, or the pod's status could not be read in time."""
    missing = ", ".join(f"{dependency.name} (wanted: {dependency.condition}): {facts.describe()}" for dependency, facts in unmet)
    what = f"birth dependencies not met within {format_duration(config.birth_timeout)}: {missing}"
    if not unmet:
        what = f"the pod's status was not read within {format_duration(config.birth_timeout)}"
    advice = "see their logs, or give them longer by KUBEXIT_BIRTH_TIMEOUT"
    if trouble:
        told = trouble.removesuffix("; trying again")  # which was true when it was said
        what, advice = f"{what}; last trouble: {told}", "see to that, or give it longer by KUBEXIT_BIRTH_TIMEOUT"
    return Ending(exit_codes.FAILURE, tombstone.BIRTH_TIMEOUT, f"{what}; the command was not started: {advice}")


def pod_watch_failed(event: PodWatchFailed) -> Ending:
    """End because the pod's status, on which the start depends, cannot be read or says that the start can never come."""
    reason = tombstone.INTERNAL if event.internal else tombstone.DEPENDENCY_FAILED
    return Ending(exit_codes.FAILURE, reason, f"{event.why}; the command was not started")


def pod_gone(event: PodGone) -> Ending:
    """End because the pod is being deleted while we waited: as by the SIGTERM that comes with it."""
    return Ending(SIGNALLED + TERM, tombstone.TERMINATED, f"{event.why}; the command was not started")


def signalled_before_start(number: int, unmet: Sequence[Dependency]) -> Ending:
    """End because a signal came while we waited."""
    waiting = " while waiting for " + ", ".join(dependency.name for dependency in unmet) if unmet else ""
    return Ending(SIGNALLED + number, tombstone.TERMINATED, f"received {signal_name(number)}{waiting}; the command was not started")


def start_failed(event: StartFailed) -> Ending:
    """End because there is no child."""
    return Ending(event.code, tombstone.START_FAILED, event.reason)


def child_exited(config: Config, event: ChildExited, stop: Stop | None, *, killed: bool, outside_stops: tuple[int, ...]) -> Ending:
    """End because the child did."""
    own = SIGNALLED + event.signal if event.signal else event.code
    how = f"the child ended by {signal_name(event.signal)}" if event.signal else f"the child exited {event.code}"
    causes: frozenset[str] = frozenset()
    obeyed = next((number for number in outside_stops if number in (event.signal, own - SIGNALLED)), 0)
    reason, message = _plain_reason(event, obeyed), how
    if stop is not None:
        causes = frozenset((TOLD,))
        reason, message = tombstone.DEPENDENCY_DIED, f"{stop.message}; {how}"
        if killed and event.signal == KILL:
            causes = frozenset((KILLED,))
            reason = tombstone.GRACE_EXPIRED
            message = f"{stop.message}; the child did not end within {format_duration(config.grace_period)} and was killed"
        elif config.stop_signal and config.stop_signal in (event.signal, own - SIGNALLED):
            causes |= _stop_causes(stop)
    elif obeyed:
        message = f"{how} after {signal_name(obeyed)} from outside"
    return Ending(reported_code(own, causes, config.exit_rules), reason, message, own, event.signal)


def _plain_reason(event: ChildExited, obeyed: int) -> str:
    if event.signal == KILL and event.out_of_memory:
        return tombstone.OOM_KILLED
    if obeyed:
        return tombstone.TERMINATED
    return tombstone.ERROR if event.code or event.signal else tombstone.COMPLETED


def _stop_causes(stop: Stop) -> frozenset[str]:
    return frozenset((STOPPED, STOPPED_ALWAYS) if stop.all_succeeded else (STOPPED_ALWAYS,))


def _names(deaths: tuple[tuple[Dependency, Facts], ...]) -> str:
    """Give "dependency main exited 3", "dependencies a exited 0, b vanished"."""
    described = ", ".join(f"{dependency.name} {peer.describe()}" for dependency, peer in deaths)
    return f"{'dependency' if len(deaths) == 1 else 'dependencies'} {described}"
