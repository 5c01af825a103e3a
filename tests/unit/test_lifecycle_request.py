"""Other ways in which dead dependencies tell the child to stop, as koordinator has them: an HTTP request, or nothing but the kill."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from kubexit.domain.actions import RequestStop, Warn
from kubexit.domain.config import Config, StopRequest
from kubexit.domain.events import StopRequestAnswered
from kubexit.domain.exit_codes import ExitRule
from unit.situations import (
    CHILD_STOPPED,
    DONE,
    END_WATCH,
    FAILED,
    SECOND,
    START,
    SURVEYED,
    TIME_IS_UP,
    Story,
    exits,
    pod,
    pod_config,
    running,
    sent,
    signal,
)

if TYPE_CHECKING:
    from kubexit.domain.events import Event

REQUEST = StopRequest("POST", "http://127.0.0.1:15020/quitquitquit")
TAKEN, REFUSED = StopRequestAnswered(), StopRequestAnswered("connection refused")
RULES = (ExitRule("killed", 137), ExitRule("told", 0), ExitRule("not-started", 0))


def koordinator(rules: tuple[ExitRule, ...] = RULES, number: int = 15, **others: Any) -> Config:
    """Give a configuration as a koordinator spec makes it, with stopDeps main."""
    return pod_config(deaths="main", birth_timeout=0, **{"grace_period": 5 * SECOND, **others}).replace(exit_rules=rules, stop_signal=number)


def asked(**others: Any) -> Story:
    """Give the story of a child that was asked by a request to stop."""
    story = running(koordinator(stop_request=REQUEST, **others))
    assert story.tell(pod(main=DONE)) == [END_WATCH, RequestStop(REQUEST, 5 * SECOND)]
    return story


# ── by a request ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_takes_the_place_of_the_signal() -> None:
    """When it is taken, the rest is the child's: no signal."""
    story = asked()
    story.wait(1)
    assert story.tell(TAKEN) == []
    assert story.tell(exits(9)) == []
    assert story.outcome == (0, "DependencyDied")


def test_a_request_that_fails_sends_the_signal_with_a_warning() -> None:
    """termSignal; the warning says what failed and what is done about it."""
    story = asked()
    (warning, *signals) = story.tell(REFUSED)
    assert isinstance(warning, Warn)
    assert "connection refused" in warning.message
    assert "SIGTERM" in warning.message
    assert signals == sent("TERM")


@pytest.mark.parametrize("answers", [[], [(1, TAKEN)], [(1, REFUSED)], [(4.5, REFUSED)]], ids=["none", "taken", "refused", "late"])
def test_the_grace_period_counts_from_the_request_whatever_becomes_of_it(answers: list[tuple[float, StopRequestAnswered]]) -> None:
    """A server that takes the request and does nothing, or that never answers."""
    story = asked()
    for at, answer in answers:
        assert sent("KILL")[0] not in story.wait(at)
        story.tell(answer)
    story.wait(4.5 - story.now / SECOND)
    assert sent("KILL")[0] not in story.done
    assert story.wait(0.5) == sent("KILL")
    story.tell(exits(0, "KILL"))
    assert story.outcome == (137, "GraceExpired")


def test_an_answer_after_the_kill_changes_nothing() -> None:
    """It may be given up in the same instant in which the grace period ends."""
    events: list[Event] = [TIME_IS_UP, REFUSED]
    for order in itertools.permutations(events):
        story = asked()
        story.now = 5 * SECOND
        done = [action for action in story.tell(*order) if not isinstance(action, Warn)]
        assert done == (sent("KILL") if order[0] is TIME_IS_UP else sent("TERM", "KILL"))


def test_the_child_is_asked_once() -> None:
    """Whatever the pod says then."""
    story = asked()
    assert story.tell(pod(main=FAILED), pod(), pod(main=DONE)) == []


def test_a_stopped_child_is_continued_so_that_it_can_take_the_request() -> None:
    """It would not answer."""
    story = running(koordinator(stop_request=REQUEST), CHILD_STOPPED)
    assert story.tell(pod(main=DONE)) == [END_WATCH, RequestStop(REQUEST, 5 * SECOND), *sent("CONT")]


def test_an_outside_stop_is_still_a_signal() -> None:
    """The request is for dead dependencies alone; and an outside stop of before takes nothing away from it."""
    story = running(koordinator(stop_request=REQUEST))
    assert story.tell(signal("TERM")) == sent("TERM")
    assert story.tell(pod(main=DONE)) == [END_WATCH, RequestStop(REQUEST, 5 * SECOND)]
    assert story.tell(signal("TERM")) == sent("TERM")


def test_a_request_in_the_delay_takes_the_place_of_what_was_held_back() -> None:
    """It is a stop, and it is told; if it fails, the signal is sent, once."""
    story = running(koordinator(stop_request=REQUEST, stop_delay=60 * SECOND), signal("TERM"))
    assert story.tell(pod(main=DONE)) == [END_WATCH, RequestStop(REQUEST, 5 * SECOND)]
    assert story.tell(REFUSED)[1:] == sent("TERM")
    assert story.wait(100) == sent("KILL")


def test_an_answer_after_the_child_s_end_is_none() -> None:
    """Its own end was the end."""
    assert asked().tell(exits(0), REFUSED) == []


def test_the_trace_tells_that_the_request_was_taken() -> None:
    """Without it nobody could tell why the child ended."""
    story = asked()
    story.tell(TAKEN)
    assert story.traces[-2:] == [("supervisor", "Terminating child process"), ("supervisor", "The child has taken the request to stop")]


# ── by nothing ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_stop_signal_0_sends_none_and_the_kill_follows() -> None:
    """{"signal": 0}: the child may see for itself; else it has until the end of the timeout."""
    story = running(koordinator(number=0))
    assert story.tell(pod(main=DONE)) == [END_WATCH]
    assert story.wait(4.999) == []
    assert story.wait(0.001) == sent("KILL")
    story.tell(exits(0, "KILL"))
    assert story.outcome == (137, "GraceExpired")


def test_with_stop_signal_0_what_was_held_back_is_passed_on() -> None:
    """Nothing else tells the child."""
    story = running(koordinator(number=0, stop_delay=60 * SECOND), signal("TERM"))
    assert story.tell(pod(main=DONE)) == [END_WATCH, *sent("TERM")]
    assert story.wait(5) == sent("KILL")


def test_with_stop_signal_0_what_was_passed_on_is_not_sent_again() -> None:
    """An outside stop of a moment ago."""
    story = running(koordinator(number=0), signal("TERM"))
    assert story.tell(pod(main=DONE)) == [END_WATCH]


# ── koordinator's exit codes ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("death", [DONE, FAILED])
@pytest.mark.parametrize(("killed", "told"), [(137, 0), (44, 5), (0, 143)])
def test_koordinator_s_exit_codes(death: Any, killed: int, told: int) -> None:
    """From killedByStopDepExitCode and terminatedByStopDepExitCode, however the dependency ended."""
    wanted = koordinator((ExitRule("killed", killed), ExitRule("told", told), ExitRule("not-started", told)))
    for event in (exits(9), exits(0), exits(0, "TERM"), exits(0, "SEGV")):
        assert running(wanted, pod(main=death), event).outcome == (told, "DependencyDied")
    story = running(wanted, pod(main=death))
    story.wait(5)
    story.tell(exits(0, "KILL"))
    assert story.outcome == (killed, "GraceExpired")
    before = Story(wanted, SURVEYED, pod(main=death))
    assert before.outcome == (told, "DependencyDied")
    assert START not in before.done


def test_koordinator_s_exit_codes_are_for_dead_dependencies_alone() -> None:
    """An outside stop and the child's own end are what they are."""
    wanted = koordinator((ExitRule("killed", 4), ExitRule("told", 5), ExitRule("not-started", 6)))
    assert running(wanted, exits(9)).outcome == (9, "Error")
    assert running(wanted, signal("TERM"), exits(0, "TERM")).outcome == (143, "Terminated")
    assert Story(wanted, SURVEYED, signal("TERM")).outcome == (143, "Terminated")


def test_without_a_rule_for_told_it_is_the_child_s_own() -> None:
    """A negative terminatedByStopDepExitCode."""
    wanted = koordinator((ExitRule("killed", 137),))
    assert running(wanted, pod(main=DONE), exits(9)).outcome == (9, "DependencyDied")
    assert running(wanted, pod(main=DONE), exits(0, "TERM")).outcome == (143, "DependencyDied")
