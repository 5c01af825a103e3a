"""Signals, once there is a child: all of them are the child's, each once; and job control."""

from __future__ import annotations

import pytest

from kubexit.domain.actions import SignalChild
from kubexit.domain.events import ChildExited, SignalReceived
from kubexit.domain.signal_names import KILL, NUMBERS
from unit.situations import (
    BIRTH,
    CHILD_STOPPED,
    READY,
    START,
    STARTED_CHILD,
    SURVEYED,
    SUSPEND,
    WELL,
    Story,
    config,
    exits,
    peer,
    running,
    sent,
    signal,
)

ALL = [number for number in range(1, 65) if number not in (KILL, NUMBERS["STOP"], NUMBERS["CHLD"])]


@pytest.mark.parametrize("number", ALL)
@pytest.mark.parametrize("ignored", [False, True])
def test_every_signal_is_passed_on_once_each_time(number: int, ignored: bool) -> None:
    """Whether it was ignored at our start or not: the child has it ignored then, too."""
    for story in (running(config()), Story(config(), SURVEYED)):
        event = SignalReceived(number, ignored=ignored)
        assert story.tell(event, event) == [SignalChild(number)] * 2
        assert story.goes_on


@pytest.mark.parametrize("name", ["INT", "QUIT", "TSTP", "WINCH"])
def test_what_a_terminal_sends_to_the_whole_group_is_not_doubled(name: str) -> None:
    """Ctrl-C, Ctrl-Z, a quit and a resize reach the child by themselves."""
    assert running(config()).tell(signal(name, terminal=True)) == []


@pytest.mark.parametrize("name", ["INT", "QUIT", "TSTP", "WINCH"])
def test_a_child_with_its_own_group_gets_what_the_terminal_sends_to_ours(name: str) -> None:
    """KUBEXIT_SIGNAL_GROUP: the terminal's foreground group is not ours then, or the child is not in it."""
    assert running(config(signal_group=True)).tell(signal(name, terminal=True)) == sent(name)


@pytest.mark.parametrize("number", [number for number in ALL if number not in (2, 3, 20, 28)])
def test_everything_else_that_the_kernel_sends_is_passed_on(number: int) -> None:
    """HUP above all: on hang-up only the session's leader gets it."""
    assert running(config()).tell(SignalReceived(number, from_terminal=True)) == [SignalChild(number)]


@pytest.mark.parametrize(("name", "code"), [("TERM", 143), ("INT", 130), ("QUIT", 131)])
def test_an_outside_stop_is_left_to_its_caller(name: str, code: int) -> None:
    """No grace of ours: whoever wants more sends SIGKILL."""
    story = running(config())
    assert story.tell(signal(name)) == sent(name)
    assert story.state.deadline is None
    assert story.wait(10**6) == []
    story.tell(exits(0, name))
    assert story.outcome == (code, "Terminated")


def test_ctrl_c_is_an_outside_stop_too() -> None:
    """Although the child got it from the terminal."""
    assert running(config(), signal("INT", terminal=True), exits(0, "INT")).outcome == (130, "Terminated")


def test_an_image_s_own_stop_signal_is_an_outside_stop() -> None:
    """STOPSIGNAL SIGUSR1: what comes of it is no error."""
    story = running(config(stop="USR1"), signal("USR1"), exits(0, "USR1"))
    assert (story.outcome, story.ending.failed) == ((138, "Terminated"), False)
    other = running(config(), signal("USR1"), exits(0, "USR1"))
    assert (other.outcome, other.ending.failed) == ((138, "Error"), True)


def test_when_the_child_stops_we_stop_too() -> None:
    """Ctrl-Z: the shell waits for its own child, which is us; `fg` sends SIGCONT to the group, and we pass it on."""
    story = running(config())
    assert story.tell(CHILD_STOPPED) == [SUSPEND]
    assert story.tell(signal("CONT")) == sent("CONT")
    assert story.tell(CHILD_STOPPED, signal("CONT")) == [SUSPEND, *sent("CONT")]


def test_a_child_may_stop_before_it_has_begun() -> None:
    """Ctrl-Z between fork and exec."""
    assert Story(config(), SURVEYED, CHILD_STOPPED, signal("CONT"), STARTED_CHILD).done == [START, SUSPEND, *sent("CONT"), BIRTH]


def test_an_outside_stop_does_not_continue_a_stopped_child() -> None:
    """As if there were no supervisor: the caller stopped it, the caller continues it, or kills it."""
    assert running(config(), CHILD_STOPPED).tell(signal("TERM")) == sent("TERM")


def test_signals_go_on_to_a_child_that_is_being_stopped() -> None:
    """A second SIGTERM from outside is the caller's wish."""
    story = running(config(deaths="main"), peer("main", WELL))
    assert story.tell(signal("TERM"), signal("HUP"), signal("INT", terminal=True)) == sent("TERM", "HUP")


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (exits(0), (0, "Completed")),
        (exits(3), (3, "Error")),
        (exits(0, "SEGV"), (139, "Error")),
        (exits(0, "RTMIN"), (162, "Error")),
        (ChildExited(0, KILL, out_of_memory=True), (137, "OOMKilled")),
    ],
)
def test_the_child_s_end_is_ours(event: ChildExited, outcome: tuple[int, str]) -> None:
    """n, or 128+n."""
    story = running(config(), event)
    assert story.outcome == outcome
    assert story.state.deadline is None


def test_the_traces_follow_the_originals() -> None:
    """What people grep their logs for."""
    story = Story(config(births="db", deaths="main"), SURVEYED, peer("db", READY), STARTED_CHILD, signal("HUP"), peer("main", WELL))
    story.wait(30)
    story.tell(exits(0, "KILL"))
    assert story.traces == [
        ("birth dependencies watcher", "db: ready"),
        ("supervisor", "Received signal: SIGHUP"),
        ("death graveyard watcher", "New death: main"),
        ("supervisor", "Terminating child process"),
        ("supervisor", "Killing child process"),
        ("supervisor", "Received signal: child exited"),
    ]


def test_a_death_is_new_once() -> None:
    """Other news of a dead peer are none; a peer that lives again can die again."""
    story = running(config(deaths="a,b", death_mode="all"), peer("a", WELL), peer("a", WELL.replace(lock="none")), peer("a", READY), peer("a", WELL))
    assert [message for _, message in story.traces] == ["New death: a", "New death: a"]
    assert running(config(births="a"), peer("a", WELL)).traces == [("birth dependencies watcher", "a: ready")]
