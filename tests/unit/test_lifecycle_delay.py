"""KUBEXIT_STOP_DELAY: an outside stop is held back for a while, and is never lost."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from kubexit.domain.signal_names import signal_number
from unit.situations import (
    BADLY,
    BIRTH,
    CHILD_STOPPED,
    END_WATCH,
    READY,
    SECOND,
    SERVING,
    START,
    STARTED_CHILD,
    SURVEYED,
    SUSPEND,
    TIME_IS_UP,
    WELL,
    Story,
    config,
    exits,
    peer,
    pod,
    pod_config,
    running,
    sent,
    signal,
)
from unit.situations import DONE as CONTAINER_DONE

if TYPE_CHECKING:
    from kubexit.domain.config import Config


def delayed(seconds: float = 5, stop: str = "TERM", signals: str = "", **others: Any) -> Config:
    """Give a configuration with a delay; as kubexit's variables make it, unless the signals that are held back are said."""
    names = signals.split() if signals else ["TERM", "INT", "QUIT", stop]
    numbers = tuple(dict.fromkeys(signal_number(name) for name in names))
    return config(stop=stop, stop_delay=int(seconds * SECOND), delayed_signals=numbers, **others)


@pytest.mark.parametrize(
    ("stop", "name"),
    [("TERM", "TERM"), ("TERM", "INT"), ("TERM", "QUIT"), ("USR1", "USR1"), ("USR1", "TERM"), ("WINCH", "WINCH")],
)
def test_an_outside_stop_is_held_back_and_passed_on_after_the_delay(stop: str, name: str) -> None:
    """Once, at that time and not before; then the end is left to the caller."""
    story = running(delayed(stop=stop))
    assert story.tell(signal(name)) == []
    held_until = story.state.deadline
    assert story.wait(4.999) == []
    assert story.wait(0.001) == sent(name)
    assert (held_until, story.state.deadline) == (5 * SECOND, None)
    assert story.wait(10**6) == []
    story.tell(exits(0, name))
    assert story.outcome == (128 + signal_number(name), "Terminated")


def test_without_a_delay_it_is_passed_on_at_once() -> None:
    """The default."""
    assert running(delayed(0)).tell(signal("TERM")) == sent("TERM")


def test_between_fork_and_exec_it_is_held_back_too() -> None:
    """There is a child, so it is no wait any more; the start of the program changes nothing about the delay."""
    story = Story(delayed(), SURVEYED)
    assert story.tell(signal("TERM")) == []
    story.wait(2)
    assert story.tell(STARTED_CHILD) == [BIRTH]
    assert story.wait(2.999) == []
    assert story.wait(0.001) == sent("TERM")


def test_a_timer_that_fires_early_does_not_shorten_it() -> None:
    """It was set for something else."""
    assert running(delayed(), signal("TERM")).tell(TIME_IS_UP, TIME_IS_UP) == []


@pytest.mark.parametrize("name", ["HUP", "USR1", "USR2", "WINCH", "RTMIN", "CONT"])
def test_another_signal_is_passed_on_at_once_and_does_not_end_the_delay(name: str) -> None:
    """Where koordinator holds it back until the delay is over."""
    story = running(delayed(), signal("TERM"))
    story.wait(1)
    assert story.tell(signal(name), signal(name)) == sent(name, name)
    assert story.wait(3.999) == []
    assert story.wait(0.001) == sent("TERM")


# ── what ends the delay ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("first", "second"), [("TERM", "TERM"), ("INT", "INT")])
def test_a_second_one_ends_the_delay(first: str, second: str) -> None:
    """Who asks twice wants it now; the child is told once."""
    story = running(delayed(), signal(first))
    story.wait(1)
    assert story.tell(signal(second)) == sent(first)
    assert story.state.deadline is None
    assert story.tell(signal(second)) == sent(second)
    assert story.wait(100) == []


@pytest.mark.parametrize(("first", "second"), [("TERM", "INT"), ("INT", "TERM"), ("QUIT", "TERM")])
def test_a_second_one_of_another_kind_ends_it_too(first: str, second: str) -> None:
    """The child gets both, in the order in which they came."""
    story = running(delayed(), signal(first))
    assert story.tell(signal(second)) == sent(first, second)
    assert story.wait(100) == []
    story.tell(exits(0, second))
    assert story.outcome == (128 + signal_number(second), "Terminated")


def test_ctrl_c_ends_the_delay_too() -> None:
    """The child has had that one from the terminal, and what was held back is not lost."""
    story = running(delayed(), signal("TERM"))
    assert story.tell(signal("INT", terminal=True)) == sent("TERM")
    assert story.state.deadline is None
    story.tell(exits(0, "INT"))
    assert story.outcome == (130, "Terminated")


def test_ctrl_c_after_a_held_back_sigint_is_that_sigint() -> None:
    """The child has had it by now: a second one means "at once" to many programs."""
    story = running(delayed(), signal("INT"))
    assert story.tell(signal("INT", terminal=True)) == []
    assert story.wait(100) == []
    story.tell(exits(0, "INT"))
    assert story.outcome == (130, "Terminated")


def test_resizing_a_terminal_ends_no_delay() -> None:
    """Although WINCH may be what stops a container."""
    story = running(delayed(stop="WINCH"), signal("WINCH"))
    assert story.tell(signal("WINCH", terminal=True)) == []
    assert story.wait(5) == sent("WINCH")


@pytest.mark.parametrize(("event", "outcome"), [(exits(0), (0, "Completed")), (exits(7), (7, "Error")), (exits(0, "SEGV"), (139, "Error"))])
def test_a_child_that_exits_in_the_delay_is_the_end_at_once(event: Any, outcome: tuple[int, str]) -> None:
    """Where koordinator sees it when the delay is over. The signal never reached the child, so the end is its own."""
    story = running(delayed(), signal("TERM"))
    story.wait(1)
    assert story.tell(event) == []
    assert story.outcome == outcome
    assert story.state.deadline is None
    assert story.wait(10) == []


@pytest.mark.parametrize("first", ["TERM", "INT"])
def test_a_dependency_that_dies_in_the_delay_stops_the_child_at_once(first: str) -> None:
    """One stop signal, the configured one: what was held back asked for the same. The grace period begins now."""
    story = running(delayed(deaths="main", grace_period=3 * SECOND), signal(first))
    story.wait(1)
    assert story.tell(peer("main", WELL)) == sent("TERM")
    assert story.wait(2.999) == []
    assert story.wait(0.001) == sent("KILL")
    assert story.wait(100) == []
    told = running(delayed(deaths="main"), signal(first), peer("main", WELL), exits(0, "TERM"))
    assert told.outcome == (0, "DependencyDied")


def test_a_container_that_dies_in_the_delay_stops_the_child_at_once_too() -> None:
    """Where koordinator waits for the delay."""
    story = running(pod_config(deaths="main", stop_delay=5 * SECOND), signal("TERM"))
    assert story.tell(pod(main=CONTAINER_DONE)) == [END_WATCH, *sent("TERM")]
    assert story.wait(29.999) == []
    assert story.wait(0.001) == sent("KILL")


def test_a_dependency_that_dies_after_the_delay_finds_the_child_told() -> None:
    """The grace period counts from the death; the signal is not sent a second time, unless the first is long ago."""
    story = running(delayed(deaths="main", grace_period=10 * SECOND), signal("TERM"))
    assert story.wait(5) == sent("TERM")
    story.wait(4)
    assert story.tell(peer("main", WELL)) == []
    assert story.wait(10) == sent("KILL")
    late = running(delayed(deaths="main", grace_period=10 * SECOND), signal("TERM"))
    late.wait(15)
    assert late.tell(peer("main", WELL)) == sent("TERM")


# ── where there is no delay ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("source", ["graveyard", "kubernetes"])
def test_a_wait_ends_without_delay(source: str) -> None:
    """There is nobody yet who would have to be spared."""
    story = Story(delayed(births="db", readiness=source), SURVEYED, signal("TERM"))
    assert story.outcome == (143, "Terminated")
    story.tell(peer("db", READY), pod(db=SERVING))
    assert START not in story.done


def test_a_stop_that_has_begun_is_not_held_back() -> None:
    """The child was told already, by a dead dependency."""
    story = running(delayed(deaths="main"), peer("main", WELL))
    assert story.tell(signal("TERM"), signal("INT")) == sent("TERM", "INT")
    assert story.wait(30) == sent("KILL")


def test_only_the_first_stop_is_held_back() -> None:
    """What follows when it was passed on goes to the child at once, of whatever kind."""
    story = running(delayed(), signal("TERM"))
    story.wait(5)
    assert story.tell(signal("TERM"), signal("INT")) == sent("TERM", "INT")
    assert story.state.deadline is None


@pytest.mark.parametrize("name", ["INT", "QUIT"])
def test_what_the_terminal_gave_to_the_whole_group_cannot_be_held_back(name: str) -> None:
    """The child has it; what follows is not the first stop then."""
    story = running(delayed(), signal(name, terminal=True))
    assert story.done[2:] == []
    assert story.state.deadline is None
    assert story.tell(signal("TERM")) == sent("TERM")


def test_what_the_terminal_gave_to_us_alone_is_held_back() -> None:
    """KUBEXIT_SIGNAL_GROUP: the child leads a group of its own."""
    story = running(delayed(signal_group=True), signal("INT", terminal=True))
    assert story.done[2:] == []
    assert story.wait(5) == sent("INT")


def test_resizing_a_terminal_is_not_held_back() -> None:
    """It asks nothing, although its signal may be what stops a container."""
    story = running(delayed(stop="WINCH", signal_group=True), signal("WINCH", terminal=True))
    assert story.done[2:] == sent("WINCH")
    assert story.state.deadline is None


def test_koordinator_holds_back_its_term_signal_alone() -> None:
    """An outside TERM is forwarded at once where termSignal is SIGINT."""
    story = running(delayed(signals="INT", stop="INT"), signal("TERM"))
    assert story.done[2:] == sent("TERM")
    other = running(delayed(signals="INT", stop="INT"), signal("INT"))
    assert other.done[2:] == []
    assert other.tell(signal("TERM")) == sent("INT", "TERM")


def test_a_signal_that_is_held_back_is_an_outside_stop_whatever_it_is() -> None:
    """As koordinator's termSignal SIGUSR1 with another whenStopDepExited: it ends a wait without an error, and so does the child by it."""
    wanted = delayed(signals="USR1", stop="HUP")
    story = running(wanted, signal("USR1"))
    assert story.wait(5) == sent("USR1")
    story.tell(exits(0, "USR1"))
    assert story.outcome == (138, "Terminated")


# ── at the same instant, and in between ──────────────────────────────────────────────────────────────────────────


def test_job_control_goes_on_in_the_delay() -> None:
    """Ctrl-Z and `fg`; the time counts on."""
    story = running(delayed(), signal("TERM"))
    assert story.tell(CHILD_STOPPED) == [SUSPEND]
    story.wait(3)
    assert story.tell(signal("CONT")) == sent("CONT")
    assert story.wait(2) == sent("TERM")


def test_a_child_that_was_continued_by_what_was_held_back_needs_no_second_sigcont() -> None:
    """STOPSIGNAL SIGCONT: it arrives after the delay, as it would have without one."""
    story = running(delayed(stop="CONT", deaths="main", grace_period=0), CHILD_STOPPED, signal("CONT"))
    assert story.wait(5) == sent("CONT")
    assert story.tell(peer("main", WELL)) == sent("CONT")


ENDS = {"time": TIME_IS_UP, "SIGTERM": signal("TERM"), "death": peer("main", BADLY), "exit": exits(5)}


@pytest.mark.parametrize("order", list(itertools.permutations(ENDS)), ids=", ".join)
def test_when_the_delay_ends_in_the_instant_of_other_things_the_child_is_told_once_for_each_that_told_it(order: tuple[str, ...]) -> None:
    """The time, a second SIGTERM, a death, the child's end: nothing is lost, nothing is sent after the end."""
    story = running(delayed(deaths="main"), signal("TERM"))
    story.now = 5 * SECOND
    before = order[: order.index("exit")]
    # the first of the three passes it on; a SIGTERM that follows is one more; a death that follows needs none
    told = bool(before) + ("SIGTERM" in before[1:])
    assert story.tell(*(ENDS[what] for what in order)) == sent(*["TERM"] * told)
    assert story.outcome == (5, "DependencyDied" if "death" in before else "Error")
    assert story.wait(100) == []
