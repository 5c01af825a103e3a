"""Things that happen in the same instant: every order in which they can be told."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from unit.situations import (
    BADLY,
    CHILD_STOPPED,
    READY,
    SECOND,
    START,
    STARTED,
    STARTED_CHILD,
    SURVEYED,
    TIME_IS_UP,
    WELL,
    Story,
    config,
    exits,
    peer,
    running,
    sent,
    signal,
)

if TYPE_CHECKING:
    from kubexit.domain.events import Event

READINESS, TIMEOUT, TERM, DEATH, BIRTH_DEATH = "readiness", "timeout", "SIGTERM", "a death dependency's death", "a birth dependency's death"
TOLD: dict[str, Event] = {
    READINESS: peer("db", READY),
    TIMEOUT: TIME_IS_UP,
    TERM: signal("TERM"),
    DEATH: peer("main", WELL),
    BIRTH_DEATH: peer("db", BADLY),
}
FIRST_WINS = {TIMEOUT: (1, "BirthTimeout"), TERM: (143, "Terminated"), DEATH: (0, "DependencyDied"), BIRTH_DEATH: (1, "DependencyFailed")}
SUBSETS = [order for size in range(1, 6) for order in itertools.permutations(TOLD, size)]


def at_the_timeout(order: tuple[str, ...]) -> Story:
    """Give a wait for db, which is there but not ready, in the instant of its timeout, with these things told in this order."""
    story = Story(config(births="db", deaths="main"), peer("db", STARTED), peer("main", READY), SURVEYED)
    assert story.state.deadline is not None
    story.now = story.state.deadline
    story.tell(*(TOLD[what] for what in order))
    return story


@pytest.mark.parametrize("order", [order for order in SUBSETS if order[0] != READINESS], ids=", ".join)
def test_what_comes_first_ends_the_wait(order: tuple[str, ...]) -> None:
    """And whatever comes then, in the same instant, starts no child and changes nothing."""
    story = at_the_timeout(order)
    assert story.outcome == FIRST_WINS[order[0]]
    assert story.done == []


@pytest.mark.parametrize("order", [order for order in SUBSETS if order[0] == READINESS], ids=", ".join)
def test_when_readiness_comes_first_the_child_gets_what_follows(order: tuple[str, ...]) -> None:
    """One start; SIGTERM and the death each reach the child, as one SIGTERM; the timeout and the birth dependency mean nothing any more."""
    story = at_the_timeout(order)
    told = {TERM, DEATH} & set(order)
    assert story.done == [START, *sent(*["TERM"] * (2 if told == {TERM, DEATH} and order.index(DEATH) < order.index(TERM) else bool(told)))]
    assert (story.state.deadline is not None) == (DEATH in told)
    if DEATH in told:
        assert story.wait(30) == sent("KILL")


@pytest.mark.parametrize("order", list(itertools.permutations([READINESS, TERM, DEATH])), ids=", ".join)
def test_before_the_first_look_only_signals_count(order: tuple[str, ...]) -> None:
    """What the peers say is put together first: then a death goes before readiness, in any order of the two."""
    story = Story(config(births="db", deaths="main"), *(TOLD[what] for what in order), SURVEYED)
    assert story.outcome == (143, "Terminated")
    without_signal = Story(config(births="db", deaths="main"), *(TOLD[what] for what in order if what != TERM), SURVEYED)
    assert without_signal.outcome == (0, "DependencyDied")
    assert START not in story.done + without_signal.done


ENDS = {"exit": exits(5), "SIGTERM": signal("TERM"), "death": peer("main", WELL), "stop": CHILD_STOPPED, "started": STARTED_CHILD, "time": TIME_IS_UP}


@pytest.mark.parametrize("order", list(itertools.permutations(ENDS)), ids=", ".join)
def test_the_child_s_end_is_the_end_whatever_else_happens_in_that_instant(order: tuple[str, ...]) -> None:
    """With its own exit code, and nothing is done after it."""
    story = Story(config(deaths="main", grace_period=0), SURVEYED)
    before = [ENDS[what] for what in order[: order.index("exit")]]
    story.tell(*before, ENDS["exit"])
    assert story.ending.exit_code == 5
    assert story.ending.reason == ("DependencyDied" if ENDS["death"] in before else "Error")
    assert story.tell(*(ENDS[what] for what in order[order.index("exit") + 1 :])) == []


@pytest.mark.parametrize("first", ["obeys", "killed"])
def test_the_grace_period_ends_in_the_instant_in_which_the_child_does(first: str) -> None:
    """Either it obeyed, or it was killed too late to matter: the child's own end tells."""
    story = running(config(deaths="main", grace_period=5 * SECOND), peer("main", WELL))
    story.now = 5 * SECOND
    if first == "killed":
        assert story.tell(TIME_IS_UP) == sent("KILL")
    story.tell(exits(0, "TERM"))
    assert story.outcome == (0, "DependencyDied")
    assert story.tell(TIME_IS_UP) == []
