"""Deaths that the pod's status tells of: which count, and for how long the pod is watched."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from unit.situations import (
    BIRTH,
    CHILD_STOPPED,
    DONE,
    DONE_ONCE,
    END_WATCH,
    FAILED,
    FAILED_ONCE,
    ME,
    ME_AGAIN,
    PULLING,
    READY,
    SECOND,
    SERVING,
    START,
    STARTED_CHILD,
    SURVEYED,
    UP,
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

if TYPE_CHECKING:
    from kubexit.domain.dependencies import Container

MY_FORMER_LIFE = FAILED_ONCE.replace(exit_code=143, state="exited 143")


@pytest.mark.parametrize("death", [DONE, DONE_ONCE, FAILED, FAILED_ONCE])
def test_a_death_tells_the_child_once(death: Container) -> None:
    """Any end counts, whether the kubelet starts it again or not; what follows changes nothing."""
    story = running(pod_config(deaths="main,db"))
    assert story.tell(pod(main=death, db=UP)) == [END_WATCH, *sent("TERM")]
    assert story.tell(pod(main=UP, db=FAILED), pod(main=SERVING, db=SERVING), pod()) == []
    assert story.wait(30) == sent("KILL")


@pytest.mark.parametrize(
    ("condition", "fires", "silent"),
    [
        ("exited", [DONE, DONE_ONCE, FAILED, FAILED_ONCE], [PULLING, UP, SERVING]),
        ("succeeded", [DONE, DONE_ONCE], [PULLING, UP, FAILED, FAILED_ONCE]),
        ("failed", [FAILED, FAILED_ONCE], [PULLING, UP, DONE, DONE_ONCE]),
        ("started", [UP, SERVING], [PULLING, DONE, FAILED]),
        ("ready", [SERVING], [PULLING, UP, DONE, FAILED]),
    ],
)
def test_each_death_condition_fires_or_not(condition: str, fires: list[Container], silent: list[Container]) -> None:
    """The same vocabulary as for births, in the first state and in a later one."""
    wanted = pod_config(deaths=f"main:{condition}")
    for state in fires:
        assert Story(wanted, SURVEYED, pod(), STARTED_CHILD, pod(main=state)).done == [START, BIRTH, END_WATCH, *sent("TERM")]
        assert Story(wanted, SURVEYED, pod(main=state)).ending.reason == "DependencyDied"
    for state in silent:
        assert Story(wanted, SURVEYED, pod(), STARTED_CHILD, pod(main=state)).done == [START, BIRTH]
        assert Story(wanted, SURVEYED, pod(main=state)).done == [START]


@pytest.mark.parametrize(("death", "code"), [(DONE, 0), (DONE_ONCE, 0), (FAILED, 143), (FAILED_ONCE, 143)])
def test_the_first_state_counts(death: Container, code: int) -> None:
    """Nobody is started only to be stopped by the next event."""
    for wanted in (pod_config(deaths="main"), pod_config(births="db", deaths="main")):
        story = Story(wanted, SURVEYED, pod(main=death, db=SERVING))
        assert story.outcome == (code, "DependencyDied")
        assert story.done == []


def test_a_death_goes_before_readiness_and_before_a_lost_birth_dependency_in_the_same_snapshot() -> None:
    """The job is over: that is no failure."""
    wanted = pod_config(births="db", deaths="main")
    assert Story(wanted, SURVEYED, pod(db=UP, main=UP), pod(db=SERVING, main=DONE)).outcome == (0, "DependencyDied")
    assert Story(wanted, SURVEYED, pod(db=UP, main=UP), pod(db=FAILED, main=DONE)).outcome == (0, "DependencyDied")
    assert Story(pod_config(births="db", deaths="db"), SURVEYED, pod(db=DONE)).outcome == (0, "DependencyDied")


def test_all_mode_needs_every_death_in_one_snapshot() -> None:
    """One that came back is alive."""
    story = running(pod_config(deaths="a,b", death_mode="all"))
    assert story.tell(pod(a=DONE, b=UP), pod(a=UP, b=DONE)) == []
    assert story.tell(pod(a=DONE, b=FAILED)) == [END_WATCH, *sent("TERM")]
    story.tell(exits(0, "TERM"))
    assert story.outcome == (143, "DependencyDied")
    assert story.ending.message.startswith("death dependencies a exited 0, b exited 3;")


def test_a_child_that_obeys_ends_with_the_status_that_the_rules_give() -> None:
    """The same as for a tombstone."""
    assert running(pod_config(deaths="main"), pod(main=DONE), exits(0, "TERM")).outcome == (0, "DependencyDied")
    assert running(pod_config(deaths="main"), pod(main=FAILED), exits(0, "TERM")).outcome == (143, "DependencyDied")


def test_a_stopped_child_is_continued_so_that_it_can_obey() -> None:
    """As for any death."""
    assert running(pod_config(deaths="main"), CHILD_STOPPED).tell(pod(main=DONE)) == [END_WATCH, *sent("TERM", "CONT")]


# ── the wait for the first state ─────────────────────────────────────────────────────────────────────────────────


def test_without_births_the_child_starts_when_the_pod_was_read() -> None:
    """A death that was there before us would be missed otherwise."""
    story = Story(pod_config(deaths="main"), SURVEYED)
    assert (story.done, story.goes_on) == ([], True)
    assert story.tell(pod(main=PULLING)) == [START]


def test_the_birth_timeout_limits_the_wait_for_the_first_state() -> None:
    """Else a sidecar would wait for ever for an API server that does not answer."""
    story = Story(pod_config(deaths="main", birth_timeout=5 * SECOND), SURVEYED)
    story.wait(4.999)
    assert story.goes_on
    story.wait(0.001)
    assert story.outcome == (1, "BirthTimeout")
    assert "the pod's status was not read within 5s" in story.ending.message
    assert story.tell(pod(main=UP)) == []


def test_deaths_from_the_graveyard_wait_for_no_pod() -> None:
    """They are known at the first look."""
    assert Story(config(deaths="main", readiness="kubernetes"), peer("main", READY), SURVEYED).done == [START]


# ── our own restart ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("death", [FAILED_ONCE, FAILED_ONCE.replace(restarts=4)])
@pytest.mark.parametrize("wanted", ["main", "main:failed"])
def test_after_our_own_restart_an_earlier_failure_is_about_to_be_restarted_too(death: Container, wanted: str) -> None:
    """With restartPolicy OnFailure the kubelet brings the pod's containers back one by one: whoever failed before us counts as absent."""
    story = Story(pod_config(deaths=wanted), SURVEYED, pod(me=ME_AGAIN, main=death), STARTED_CHILD)
    assert story.done == [START, BIRTH]
    assert story.tell(pod(me=ME_AGAIN, main=death, other=UP), pod(me=SERVING.replace(restarts=1), main=death)) == []
    again = UP.replace(restarts=death.restarts + 1)
    assert story.tell(pod(me=ME_AGAIN, main=again)) == []
    assert story.tell(pod(me=ME_AGAIN, main=death.replace(restarts=death.restarts + 1))) == [END_WATCH, *sent("TERM")]


def test_at_our_first_start_any_earlier_death_counts() -> None:
    """Nothing was restarted; nor do the restarts of others say so."""
    story = Story(pod_config(deaths="main"), SURVEYED, pod(me=ME, main=FAILED_ONCE.replace(restarts=4), other=UP.replace(restarts=9)))
    assert story.outcome == (143, "DependencyDied")


@pytest.mark.parametrize(("death", "code"), [(DONE, 0), (DONE_ONCE, 0), (FAILED, 143)])
def test_after_our_own_restart_a_success_and_an_end_for_good_count_all_the_same(death: Container, code: int) -> None:
    """Nobody restarts them because of us."""
    assert Story(pod_config(deaths="main"), SURVEYED, pod(me=ME_AGAIN, main=death)).outcome == (code, "DependencyDied")


@pytest.mark.parametrize(
    "death",
    [FAILED, DONE, DONE_ONCE, FAILED_ONCE.replace(restarts=1), FAILED_ONCE.replace(exit_code=4, state="exited 4")],
)
def test_after_our_own_restart_another_end_than_the_earlier_one_counts(death: Container) -> None:
    """It died anew, perhaps so fast that no life of it was seen, or it comes back no more."""
    story = Story(pod_config(deaths="main"), SURVEYED, pod(me=ME_AGAIN, main=FAILED_ONCE), STARTED_CHILD, pod(me=ME_AGAIN, main=death))
    assert story.done == [START, BIRTH, END_WATCH, *sent("TERM")]


def test_after_our_own_restart_a_death_that_was_not_in_the_first_state_counts() -> None:
    """It lived when we came."""
    for first in ({}, {"main": UP}, {"main": PULLING}):
        story = Story(pod_config(deaths="main"), SURVEYED, pod(me=ME_AGAIN, **first), pod(me=ME_AGAIN, main=FAILED_ONCE), STARTED_CHILD)
        assert sent("TERM")[0] in story.done


def test_after_our_own_restart_a_birth_wait_does_not_take_an_old_failure_for_what_was_wanted() -> None:
    """NAME:failed means a failure from now on then."""
    story = Story(pod_config(births="db:failed"), SURVEYED, pod(me=ME_AGAIN, db=FAILED_ONCE))
    assert story.done == []
    assert story.tell(pod(me=ME_AGAIN, db=FAILED_ONCE.replace(restarts=1))) == [END_WATCH, START]


def test_the_status_may_still_show_our_former_life() -> None:
    """The kubelet tells the API server of our restart after it; that we have ended is the sign then."""
    story = Story(pod_config(deaths="main"), SURVEYED, pod(me=MY_FORMER_LIFE, main=FAILED_ONCE))
    assert story.done == [START]
    assert story.tell(pod(me=ME_AGAIN, main=FAILED_ONCE), pod(me=ME_AGAIN, main=UP.replace(restarts=1)), STARTED_CHILD) == [BIRTH]
    assert story.tell(pod(me=ME_AGAIN, main=FAILED_ONCE.replace(restarts=1))) == [END_WATCH, *sent("TERM")]


@pytest.mark.parametrize("mine", [{}, {"me": ME}])
def test_the_graveyard_knows_of_our_restart_as_well(mine: dict[str, Container]) -> None:
    """Our own lock file or tombstone was there, whatever name the pod has for us."""
    story = Story(pod_config(deaths="main"), SURVEYED, pod(main=FAILED_ONCE, **mine), restarted=True)
    assert story.done == [START]
    assert story.tell(pod(main=FAILED_ONCE.replace(restarts=1), **mine)) == [END_WATCH, *sent("TERM")]


# ── how long the pod is watched ──────────────────────────────────────────────────────────────────────────────────


def test_for_births_alone_the_watch_ends_before_the_start() -> None:
    """Its memory goes back before the child needs its own; not while anything is missing."""
    story = Story(config(births="db,cache", deaths="main", readiness="kubernetes"), SURVEYED, peer("main", READY), pod(db=SERVING, cache=UP))
    assert story.done == []
    assert story.tell(pod(db=SERVING, cache=SERVING)) == [END_WATCH, START]
    story.tell(STARTED_CHILD, peer("main", WELL), exits(0, "TERM"))
    assert story.done.count(END_WATCH) == 1


def test_for_deaths_the_watch_lasts_until_the_stop() -> None:
    """Births that come from the pod too do not end it; an outside stop does not either, the child may live on for long."""
    for wanted in (pod_config(deaths="main"), pod_config(births="db", deaths="main"), config(births="db", deaths="main", death_source="kubernetes")):
        story = running(wanted, signal("TERM"), signal("HUP"), CHILD_STOPPED, signal("CONT"))
        assert END_WATCH not in story.done
        story.wait(60)
        assert story.tell(pod(main=DONE)) == [END_WATCH, *sent("TERM")]
        story.wait(30)
        story.tell(exits(0, "KILL"))
        assert story.done.count(END_WATCH) == 1


def test_without_a_dependency_on_the_pod_there_is_no_watch_to_end() -> None:
    """Neither at the start nor at the stop."""
    story = running(config(births="db", deaths="main"), peer("main", WELL), exits(0, "TERM"))
    assert END_WATCH not in story.done


def test_the_end_ends_the_watch_without_a_word() -> None:
    """Whoever ends for good ends all that it has started."""
    for order in itertools.permutations([signal("TERM"), pod(main=DONE)]):
        story = Story(pod_config(births="db", deaths="main"), SURVEYED, *order)
        assert (story.goes_on, story.done) == (False, [])
