"""The child's start: it fails, or other things happen between fork and exec."""

from __future__ import annotations

from kubexit.domain.events import StartFailed
from unit.situations import BADLY, BIRTH, GONE, READY, START, STARTED_CHILD, SURVEYED, WELL, Story, config, exits, peer, sent, signal


def test_a_start_that_fails_has_its_own_exit_status() -> None:
    """126, 127 or 1 are ours: no rule of the user's changes them, and there is no Born."""
    story = Story(config(rules="*:5,stopped:0"), SURVEYED, StartFailed(127, "not found"))
    assert story.outcome == (127, "StartFailed")
    assert story.done == [START]


def test_a_signal_that_comes_between_fork_and_exec_reaches_the_child() -> None:
    """It is no longer a wait: the child exists, so the signal is the child's."""
    story = Story(config(), SURVEYED)
    assert story.tell(signal("TERM")) == sent("TERM")
    assert story.tell(STARTED_CHILD) == [BIRTH]
    story.tell(exits(0, "TERM"))
    assert story.outcome == (143, "Terminated")


def test_a_death_between_fork_and_exec_stops_the_child() -> None:
    """The same for a dead dependency, whose grace period begins at once."""
    story = Story(config(deaths="main"), SURVEYED)
    assert story.tell(peer("main", WELL)) == sent("TERM")
    assert story.tell(STARTED_CHILD) == [BIRTH]
    assert story.wait(30) == sent("KILL")


def test_a_birth_dependency_that_dies_after_the_start_is_no_concern() -> None:
    """It was for the start alone."""
    story = Story(config(births="db"), SURVEYED, peer("db", READY))
    assert story.tell(peer("db", BADLY), STARTED_CHILD, peer("db", GONE)) == [BIRTH]
    assert story.goes_on
