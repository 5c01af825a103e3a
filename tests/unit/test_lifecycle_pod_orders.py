"""Things that happen in the same instant of a wait for the pod: every order in which they can be told."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from kubexit.domain.actions import Warn
from kubexit.domain.events import PodTroubled, PodWatchFailed
from unit.situations import (
    DONE,
    END_WATCH,
    FAILED,
    READY,
    SERVING,
    START,
    STARTED,
    SURVEYED,
    TIME_IS_UP,
    UP,
    WELL,
    Story,
    config,
    peer,
    pod,
    sent,
    signal,
)

if TYPE_CHECKING:
    from kubexit.domain.events import Event

GRAVEYARD, KUBERNETES = "graveyard", "kubernetes"
READINESS, TIMEOUT, TERM, DEATH, BIRTH_DEATH, FAILURE, TROUBLE = "readiness", "timeout", "SIGTERM", "death", "birth death", "failure", "trouble"
WHAT = (READINESS, TIMEOUT, TERM, DEATH, BIRTH_DEATH, FAILURE, TROUBLE)
FIRST_WINS = {
    TIMEOUT: (1, "BirthTimeout"),
    TERM: (143, "Terminated"),
    DEATH: (0, "DependencyDied"),
    BIRTH_DEATH: (1, "DependencyFailed"),
    FAILURE: (1, "DependencyFailed"),
}
SOURCES = [(KUBERNETES, GRAVEYARD), (KUBERNETES, KUBERNETES), (GRAVEYARD, KUBERNETES)]  # of births, and of deaths


def events_of(births: str, deaths: str) -> dict[str, Event]:
    """Give each thing that may happen as the source of that list tells it."""
    lives = {} if deaths == GRAVEYARD else {"main": SERVING}
    return {
        READINESS: peer("db", READY) if births == GRAVEYARD else pod(db=SERVING, **lives),
        TIMEOUT: TIME_IS_UP,
        TERM: signal("TERM"),
        DEATH: peer("main", WELL) if deaths == GRAVEYARD else pod(db=UP, main=DONE),
        BIRTH_DEATH: peer("db", WELL) if births == GRAVEYARD else pod(db=FAILED, **lives),
        FAILURE: PodWatchFailed("forbidden"),
        TROUBLE: PodTroubled("refused"),
    }


def at_the_timeout(births: str, deaths: str) -> Story:
    """Give a wait for db, which is there but not ready, in the instant of its timeout."""
    story = Story(config(births="db", deaths="main", readiness=births, death_source=deaths), peer("db", STARTED), peer("main", READY), SURVEYED)
    story.tell(pod(db=UP, main=SERVING))
    assert story.goes_on
    assert story.state.deadline is not None
    story.now = story.state.deadline
    return story


@pytest.mark.parametrize(("births", "deaths"), SOURCES)
@pytest.mark.parametrize("first", FIRST_WINS)
def test_what_comes_first_ends_the_wait(first: str, births: str, deaths: str) -> None:
    """But trouble, which may come before it; whatever follows starts no child and changes nothing."""
    told = events_of(births, deaths)
    for others in itertools.permutations([what for what in WHAT if what not in (first, TROUBLE)], 3):
        for order in ((first, *others, TROUBLE), (TROUBLE, first, *others)):
            story = at_the_timeout(births, deaths)
            story.tell(*(told[what] for what in order))
            assert story.outcome == FIRST_WINS[first], order
            assert story.done == [Warn("refused")] * (order[0] == TROUBLE), order


@pytest.mark.parametrize(("births", "deaths"), SOURCES)
def test_when_readiness_comes_first_the_child_gets_what_follows(births: str, deaths: str) -> None:
    """One start; SIGTERM and the death each reach the child, as one SIGTERM; the timeout and the birth dependency mean nothing any more."""
    told = events_of(births, deaths)
    nobody_tells = () if deaths == KUBERNETES else (FAILURE, TROUBLE)  # the watch has ended
    after = [what for what in WHAT if what not in (READINESS, *nobody_tells)]
    for order in itertools.permutations(after):
        story = at_the_timeout(births, deaths)
        ends_at_start = [END_WATCH] if deaths == GRAVEYARD else []
        assert story.tell(told[READINESS]) == [*ends_at_start, START]
        expected = []
        for what in order:
            if what == DEATH:
                expected += [END_WATCH] * (deaths == KUBERNETES) + sent("TERM") * (order.index(DEATH) < order.index(TERM))
            expected += sent("TERM") * (what == TERM)
        done = story.tell(*(told[what] for what in order))
        assert [action for action in done if not isinstance(action, Warn)] == expected, order
        assert len(done) - len(expected) == (TROUBLE in order)
        assert story.wait(30) == sent("KILL")


def test_one_snapshot_may_tell_several_things_at_once() -> None:
    """A death goes before a lost birth dependency, and that before readiness."""
    for db, main, outcome in [(SERVING, DONE, (0, "DependencyDied")), (FAILED, DONE, (0, "DependencyDied")), (FAILED, UP, (1, "DependencyFailed"))]:
        story = at_the_timeout(KUBERNETES, KUBERNETES)
        story.tell(pod(db=db, main=main), TIME_IS_UP, signal("TERM"))
        assert story.outcome == outcome
        assert story.done == []
    late = at_the_timeout(KUBERNETES, KUBERNETES)
    assert late.tell(pod(db=SERVING, main=UP), TIME_IS_UP) == [START]


@pytest.mark.parametrize("order", list(itertools.permutations([READINESS, TERM, DEATH])), ids=", ".join)
@pytest.mark.parametrize("births", [KUBERNETES, GRAVEYARD])
def test_the_first_state_of_the_pod_with_a_signal_and_the_first_look(births: str, order: tuple[str, ...]) -> None:
    """A signal that came while we started is looked at before anything is decided."""
    told = events_of(births, GRAVEYARD)
    first = [told[what] for what in order if what in (TERM, DEATH) or births == GRAVEYARD]
    story = Story(config(births="db", deaths="main", readiness=births), *first, SURVEYED, pod(db=SERVING))
    assert story.outcome == (143, "Terminated")
    assert START not in story.done
