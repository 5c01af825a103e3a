"""From our own start to the child's: what is waited for, and what ends the wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from unit.situations import (
    BADLY,
    BADLY_AND_HELD,
    BIRTH,
    GO_READY,
    GONE,
    NEVER_BORN,
    READY,
    SECOND,
    START,
    STARTED,
    STARTED_CHILD,
    STARTING,
    SURVEYED,
    SUSPEND,
    TIME_IS_UP,
    VANISHED,
    WELL,
    Story,
    config,
    exits,
    peer,
    signal,
)

if TYPE_CHECKING:
    from kubexit.domain.dependencies import Peer


def test_without_dependencies_the_child_starts_after_the_first_look() -> None:
    """Not before it: signals that came with the start are looked at first."""
    story = Story(config())
    assert story.done == []
    assert story.tell(SURVEYED) == [START]
    assert story.tell(STARTED_CHILD) == [BIRTH]
    assert story.state.deadline is None


def test_the_first_look_is_taken_as_a_whole() -> None:
    """While peer after peer is told nothing is decided: what the last one says may matter most."""
    story = Story(config(births="a", deaths="b"))
    assert story.tell(peer("a", READY)) == []
    assert story.tell(peer("b", WELL)) == []
    assert story.goes_on
    story.tell(SURVEYED)
    assert story.outcome == (0, "DependencyDied")
    assert START not in story.done


@pytest.mark.parametrize(
    ("condition", "met", "unmet"),
    [
        ("ready", [READY, GO_READY], [GONE, STARTING, STARTED]),
        ("started", [STARTED, READY, GO_READY], [GONE, STARTING]),
        ("exited", [WELL, BADLY, VANISHED, NEVER_BORN], [GONE, STARTING, STARTED, READY]),
        ("succeeded", [WELL], [GONE, STARTING, READY]),
        ("failed", [BADLY, VANISHED, NEVER_BORN], [GONE, STARTING, READY]),
    ],
)
def test_each_birth_condition_counts_the_same_before_the_first_look_and_after_it(condition: str, met: list[Peer], unmet: list[Peer]) -> None:
    """Facts are level-triggered."""
    wanted = config(births=f"a:{condition}")
    for state in met:
        assert Story(wanted, peer("a", state)).tell(SURVEYED) == [START]
        assert Story(wanted, SURVEYED).tell(peer("a", state)) == [START]
    for state in unmet:
        assert Story(wanted, peer("a", state), SURVEYED).goes_on
        assert Story(wanted, SURVEYED, peer("a", state)).done == []


def test_all_birth_dependencies_have_to_hold_at_the_same_time() -> None:
    """One that was ready and went is waited for again."""
    story = Story(config(births="a,b"), SURVEYED, peer("a", READY), peer("a", STARTING))
    assert story.tell(peer("b", READY)) == []
    assert story.tell(peer("a", READY)) == [START]


def test_the_child_is_started_once() -> None:
    """Whatever the peers do afterwards."""
    story = Story(config(births="a"), SURVEYED, peer("a", READY))
    assert story.tell(peer("a", STARTING), peer("a", READY), STARTED_CHILD, peer("a", GONE), peer("a", READY)) == [BIRTH]


def test_the_timeout_names_what_is_missing() -> None:
    """With the last known state of each."""
    story = Story(config(births="a,b,c", birth_timeout=5 * SECOND), peer("b", STARTED), peer("c", READY), SURVEYED)
    story.wait(4.999)
    assert story.goes_on
    assert story.wait(0.001) == []
    assert story.outcome == (1, "BirthTimeout")
    assert "a (wanted: ready): not seen, b (wanted: ready): started, but not ready;" in story.ending.message
    assert "c (" not in story.ending.message


def test_the_timeout_counts_from_the_first_look_and_is_not_made_longer() -> None:
    """News of the peers do not start it anew; it is for all of them together."""
    story = Story(config(births="a,b", birth_timeout=5 * SECOND), SURVEYED)
    story.wait(4)
    story.tell(peer("a", READY), peer("b", STARTED))
    story.wait(1)
    assert story.outcome == (1, "BirthTimeout")


def test_a_timeout_of_zero_is_none() -> None:
    """It waits for ever, without a timer."""
    story = Story(config(births="a", birth_timeout=0), SURVEYED)
    assert story.state.deadline is None
    story.wait(10**6)
    assert story.tell(peer("a", READY)) == [START]


def test_there_is_no_timer_once_the_wait_is_over() -> None:
    """Idle means idle."""
    story = Story(config(births="a"), SURVEYED)
    before = story.state.deadline
    story.tell(peer("a", READY))
    assert (before, story.state.deadline) == (30 * SECOND, None)
    assert Story(config(), SURVEYED).state.deadline is None
    assert Story(config(deaths="a"), SURVEYED).state.deadline is None


def test_a_late_timer_does_no_harm() -> None:
    """It was set for a wait that is over by now."""
    story = Story(config(births="a"), SURVEYED, peer("a", READY), TIME_IS_UP, STARTED_CHILD, TIME_IS_UP)
    assert story.done == [START, BIRTH]
    early = Story(config(births="a"), SURVEYED, TIME_IS_UP)
    assert early.goes_on


@pytest.mark.parametrize("death", [WELL, BADLY, VANISHED, NEVER_BORN])
def test_a_birth_dependency_that_dies_during_the_wait_fails_it(death: Peer) -> None:
    """Its condition can no longer come true: exit 1, and the message names it."""
    for before in (GONE, STARTING, STARTED):
        story = Story(config(births="db"), peer("db", before), SURVEYED, peer("db", death))
        assert story.outcome == (1, "DependencyFailed")
        assert "db " in story.ending.message
        assert story.done == []


@pytest.mark.parametrize(("condition", "death"), [("succeeded", BADLY), ("succeeded", VANISHED), ("failed", WELL), ("started", WELL)])
def test_any_end_that_is_not_the_one_that_was_wanted_fails_the_wait(condition: str, death: Peer) -> None:
    """Whoever waits for a success does not wait on after a failure."""
    assert Story(config(births=f"db:{condition}"), SURVEYED, peer("db", death)).outcome == (1, "DependencyFailed")


@pytest.mark.parametrize("death", [WELL, BADLY, VANISHED, NEVER_BORN, BADLY_AND_HELD])
def test_a_birth_dependency_that_was_dead_before_us_is_waited_out(death: Peer) -> None:
    """It may be about to start again: the pod's containers start in any order."""
    story = Story(config(births="db"), peer("db", death), SURVEYED)
    assert story.goes_on
    assert story.tell(peer("db", STARTING), peer("db", STARTED)) == []
    assert story.tell(peer("db", READY)) == [START]
    late = Story(config(births="db"), peer("db", death), SURVEYED)
    late.wait(30)
    assert late.outcome == (1, "BirthTimeout")


def test_a_death_before_us_stays_one_when_the_lock_is_let_go_of_afterwards() -> None:
    """Died is written before the lock is dropped, and we may look in between: that is no second death."""
    story = Story(config(births="db"), peer("db", BADLY_AND_HELD), SURVEYED, peer("db", BADLY))
    assert story.goes_on
    assert story.tell(peer("db", READY)) == [START]


def test_a_dependency_that_starts_again_and_dies_again_fails_the_wait() -> None:
    """Only the death that was there before us is waited out."""
    story = Story(config(births="db"), peer("db", BADLY), SURVEYED, peer("db", STARTING), peer("db", BADLY))
    assert story.outcome == (1, "DependencyFailed")


def test_a_vanished_dependency_that_comes_back_is_waited_for() -> None:
    """It was killed before us, holds its lock again, then has a new tombstone."""
    story = Story(config(births="db"), peer("db", VANISHED), SURVEYED, peer("db", STARTED))
    assert story.goes_on
    assert story.tell(peer("db", VANISHED)) == []
    assert story.outcome == (1, "DependencyFailed")


@pytest.mark.parametrize(("deaths", "code"), [(WELL, 0), (BADLY, 143), (VANISHED, 143), (NEVER_BORN, 143)])
@pytest.mark.parametrize("when", ["before us", "during the wait"])
def test_a_dead_death_dependency_lets_nothing_start(deaths: Peer, code: int, when: str) -> None:
    """A sidecar that comes when main is done already, or while it waits: 0 for a success, else 143."""
    told = (peer("main", deaths), SURVEYED) if when == "before us" else (SURVEYED, peer("main", deaths))
    story = Story(config(births="db", deaths="main"), *told)
    assert story.outcome == (code, "DependencyDied")
    assert story.done == []


def test_a_dead_death_dependency_goes_before_a_dead_birth_dependency() -> None:
    """The same peer in both lists: the job is over, and that is no failure."""
    assert Story(config(births="main", deaths="main"), SURVEYED, peer("main", WELL)).outcome == (0, "DependencyDied")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("TERM", 143),
        ("INT", 130),
        ("QUIT", 131),
        ("HUP", 129),
        ("USR1", 138),
        ("USR2", 140),
        ("ALRM", 142),
        ("PIPE", 141),
        ("RTMIN", 162),
        ("RTMAX", 192),
        ("SEGV", 139),
    ],
)
def test_a_signal_that_would_end_a_program_ends_the_wait(name: str, code: int) -> None:
    """128+n, the child is never started, and it is no error of ours."""
    for told in ((), (SURVEYED,)):
        story = Story(config(births="db"), *told, signal(name), SURVEYED, peer("db", READY))
        assert story.outcome == (code, "Terminated")
        assert story.done == []
    assert "while waiting for db" in story.ending.message


@pytest.mark.parametrize("name", ["WINCH", "CONT", "URG"])
def test_a_harmless_signal_does_not_end_the_wait(name: str) -> None:
    """What a program without handlers would not notice."""
    story = Story(config(births="db"), SURVEYED, signal(name), signal(name, ignored=True))
    assert story.tell(peer("db", READY)) == [START]


@pytest.mark.parametrize("name", ["WINCH", "CONT", "URG", "TSTP", "USR1"])
def test_the_configured_stop_signal_ends_the_wait_whatever_it_is(name: str) -> None:
    """Images set their own STOPSIGNAL; that of httpd is WINCH."""
    story = Story(config(births="db", stop=name), SURVEYED, signal(name))
    assert story.ending.reason == "Terminated"
    assert story.done == []


def test_resizing_a_terminal_is_no_stop_although_its_signal_is() -> None:
    """`docker run -it httpd`: the terminal sends WINCH whenever its window changes."""
    story = Story(config(births="db", stop="WINCH"), SURVEYED, signal("WINCH", terminal=True))
    assert story.tell(peer("db", READY)) == [START]


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "USR1", "RTMIN+5", "TSTP", "TTIN"])
def test_a_signal_that_was_ignored_at_our_start_does_nothing_during_the_wait(name: str) -> None:
    """nohup, and background jobs of shells, which ignore INT and QUIT."""
    story = Story(config(births="db"), SURVEYED, signal(name, ignored=True))
    assert story.done == []
    assert story.tell(peer("db", READY)) == [START]


@pytest.mark.parametrize(("stop", "name"), [("TERM", "TERM"), ("INT", "INT"), ("INT", "TERM")])
def test_an_ignored_stop_signal_ends_the_wait_all_the_same(stop: str, name: str) -> None:
    """Nobody else will: the kubelet sends TERM, or what the image says, and later SIGKILL."""
    assert Story(config(births="db", stop=stop), SURVEYED, signal(name, ignored=True)).ending.reason == "Terminated"


@pytest.mark.parametrize("name", ["TSTP", "TTIN", "TTOU"])
def test_ctrl_z_stops_the_wait_until_it_is_continued(name: str) -> None:
    """As it would stop any program."""
    story = Story(config(births="db"), SURVEYED)
    assert story.tell(signal(name)) == [SUSPEND]
    assert story.tell(signal("CONT"), peer("db", READY)) == [START]


def test_nothing_happens_after_the_end() -> None:
    """The last events of a round find everything decided."""
    story = Story(config(births="a", deaths="b"), SURVEYED, signal("TERM"))
    ending = story.ending
    assert story.tell(SURVEYED, peer("a", READY), peer("b", BADLY), signal("INT"), TIME_IS_UP, STARTED_CHILD, exits(0)) == []
    assert story.ending == ending
