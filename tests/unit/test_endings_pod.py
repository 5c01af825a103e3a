"""Ends that the pod's status brings about, and what koordinator's exit codes make of an end."""

from __future__ import annotations

import pytest

from kubexit.domain import endings
from kubexit.domain.config import Config
from kubexit.domain.dependencies import KUBERNETES, Container, Dependency, Facts
from kubexit.domain.endings import Ending, Stop
from kubexit.domain.events import ChildExited, PodWatchFailed
from kubexit.domain.exit_codes import ExitRule, parse_exit_rules
from unit.situations import DONE, DONE_ONCE, FAILED, FAILED_ONCE, PULLING, SERVING, UP

KILL = 9
DB = Dependency("db", "ready", "db", KUBERNETES)
MAIN = Dependency("main", "exited", "main", KUBERNETES)
KOORDINATOR = (ExitRule("killed", 137), ExitRule("told", 0), ExitRule("not-started", 0))


def config(rules: tuple[ExitRule, ...] = KOORDINATOR, stop_signal: int = 15) -> Config:
    """Give a configuration with these rules; the durations are shown in messages."""
    return Config("me", "", exit_rules=rules, stop_signal=stop_signal, birth_timeout=90_000_000_000, grace_period=1_000_000_000)


def end(event: ChildExited, stop: Stop | None, *, killed: bool = False, of: Config | None = None) -> Ending:
    """Give the end that this child's end is."""
    return endings.child_exited(of or config(), event, stop, killed=killed, outside_stops=())


@pytest.mark.parametrize(("internal", "reason"), [(False, "DependencyFailed"), (True, "Internal")])
def test_a_pod_that_cannot_be_read_fails_the_start(internal: bool, reason: str) -> None:
    """With the reason that the helper gives, or with what became of the helper."""
    ending = endings.pod_watch_failed(PodWatchFailed("pods is forbidden: apply a Role", internal))
    assert ending == Ending(1, reason, "pods is forbidden: apply a Role; the command was not started")
    assert ending.failed


def test_a_timeout_names_each_missing_container_with_its_last_known_state() -> None:
    """What `kubectl get pod` would show."""
    unmet: list[tuple[Dependency, Facts]] = [(DB, PULLING), (Dependency("cache", "succeeded"), UP)]
    assert endings.birth_timeout(config(), unmet, "").message == (
        "birth dependencies not met within 1m30s: db (wanted: ready): not ready, waiting: ImagePullBackOff, "
        "cache (wanted: succeeded): started, but not ready; the command was not started: see their logs, or give them longer by KUBEXIT_BIRTH_TIMEOUT"
    )


def test_a_timeout_after_trouble_tells_that_trouble() -> None:
    """It is the likely cause, and their logs are not."""
    ending = endings.birth_timeout(config(), [(DB, Container())], "connection refused")
    assert ending.message == (
        "birth dependencies not met within 1m30s: db (wanted: ready): not seen in the pod's status yet; last trouble: connection refused; "
        "the command was not started: see to that, or give it longer by KUBEXIT_BIRTH_TIMEOUT"
    )
    assert (ending.exit_code, ending.reason, ending.failed) == (1, "BirthTimeout", True)


@pytest.mark.parametrize("trouble", ["", "connection refused"])
def test_a_pod_that_was_not_read_in_time_is_a_timeout_of_its_own(trouble: str) -> None:
    """Where deaths alone are read from it."""
    message = endings.birth_timeout(config(), [], trouble).message
    assert message.startswith("the pod's status was not read within 1m30s;")
    assert ("last trouble: connection refused" in message) == bool(trouble)
    assert "KUBEXIT_BIRTH_TIMEOUT" in message


def test_a_container_that_is_lost_is_named_with_its_end() -> None:
    """And with what was waited for."""
    assert endings.birth_failed(DB, FAILED).message == (
        "birth dependency db exited 3 before it was ready; the command was not started: see the log of db"
    )


@pytest.mark.parametrize(
    ("death", "event", "code"),
    [
        (DONE, ChildExited(0, 15), 0),
        (DONE_ONCE, ChildExited(143), 0),
        (FAILED, ChildExited(0, 15), 143),
        (FAILED_ONCE, ChildExited(143), 143),
        (DONE, ChildExited(1), 1),
        (SERVING, ChildExited(0, 15), 0),  # main:ready as a reason to stop: no death, so no failure
    ],
)
def test_the_rule_stopped_is_the_same_for_both_sources(death: Container, event: ChildExited, code: int) -> None:
    """A sidecar that did what it was told does not fail a job that succeeded, however its end was learned of."""
    ending = end(event, Stop(((MAIN, death),)), of=config(parse_exit_rules(["stopped:0"])))
    assert (ending.exit_code, ending.reason) == (code, "DependencyDied")


@pytest.mark.parametrize("death", [DONE, FAILED, DONE_ONCE, FAILED_ONCE])
@pytest.mark.parametrize(
    ("event", "killed", "code"),
    [
        (ChildExited(9), False, 0),
        (ChildExited(0, 15), False, 0),
        (ChildExited(143), False, 0),
        (ChildExited(0), False, 0),
        (ChildExited(0, 11), False, 0),
        (ChildExited(0, KILL), False, 0),  # somebody else's
        (ChildExited(0, KILL), True, 137),
        (ChildExited(9), True, 0),  # just before it was killed
    ],
)
def test_koordinator_tells_told_from_killed_and_nothing_else(death: Container, event: ChildExited, killed: bool, code: int) -> None:
    """Any end within the timeout is terminatedByStopDepExitCode, the kill after it killedByStopDepExitCode, however the dependency ended."""
    assert end(event, Stop(((MAIN, death),)), killed=killed).exit_code == code
    other = config((ExitRule("killed", 5), ExitRule("told", 4), ExitRule("not-started", 4)))
    assert end(event, Stop(((MAIN, death),)), killed=killed, of=other).exit_code == (5 if code else 4)


@pytest.mark.parametrize(("event", "code"), [(ChildExited(9), 9), (ChildExited(0, 15), 143), (ChildExited(0, 11), 139), (ChildExited(0), 0)])
def test_without_a_rule_for_told_the_child_s_own_end_counts(event: ChildExited, code: int) -> None:
    """A negative terminatedByStopDepExitCode."""
    assert end(event, Stop(((MAIN, DONE),)), of=config((ExitRule("killed", 137),))).exit_code == code


@pytest.mark.parametrize("event", [ChildExited(9), ChildExited(0, 15), ChildExited(0), ChildExited(0, KILL)])
def test_without_a_stop_there_are_no_causes(event: ChildExited) -> None:
    """The child's own end, n or 128+n."""
    ending = end(event, None)
    assert ending.exit_code == (128 + event.signal if event.signal else event.code)
    assert ending.reason in ("Completed", "Error")


@pytest.mark.parametrize("death", [DONE, FAILED])
def test_a_stop_dependency_that_is_dead_already_is_an_end_of_its_own_rule(death: Container) -> None:
    """`not-started`; without that rule the status is 143, unless `stopped` says something else."""
    deaths: list[tuple[Dependency, Facts]] = [(MAIN, death)]
    assert endings.dead_before_start(config(), deaths).exit_code == 0
    assert endings.dead_before_start(config((ExitRule("not-started", 4),)), deaths).exit_code == 4
    assert endings.dead_before_start(config((ExitRule("told", 4), ExitRule("killed", 5))), deaths).exit_code == 143
    assert endings.dead_before_start(config((ExitRule("stopped", 6),)), deaths).exit_code == (6 if death is DONE else 143)


def test_told_is_no_cause_of_a_child_that_was_killed_nor_of_one_that_was_never_started() -> None:
    """The three do not overlap."""
    told = config((ExitRule("told", 4),))
    assert end(ChildExited(0, KILL), Stop(((MAIN, DONE),)), killed=True, of=told).exit_code == 137
    assert endings.dead_before_start(told, [(MAIN, DONE)]).exit_code == 143
    assert end(ChildExited(9), Stop(((MAIN, DONE),)), of=config((ExitRule("not-started", 4),))).exit_code == 9


@pytest.mark.parametrize("event", [ChildExited(3), ChildExited(0), ChildExited(128), ChildExited(0, 15)])
def test_where_no_stop_signal_is_sent_nobody_obeys_one(event: ChildExited) -> None:
    """As with koordinator's {"signal": 0}: only the kill after the grace period is ours."""
    ending = end(event, Stop(((MAIN, DONE),)), of=config(parse_exit_rules(["stopped:7", "stopped-always:7"]), stop_signal=0))
    assert ending.exit_code == (128 + event.signal if event.signal else event.code)
    assert end(ChildExited(0, KILL), Stop(((MAIN, DONE),)), killed=True, of=config(stop_signal=0)).reason == "GraceExpired"
