"""The pod as a source: when the start comes, and what keeps it from coming."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from unit.situations import (
    BADLY,
    BIRTH,
    DONE,
    DONE_ONCE,
    END_WATCH,
    FAILED,
    FAILED_ONCE,
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
    peer,
    pod,
    pod_config,
    running,
    sent,
    signal,
)

if TYPE_CHECKING:
    from kubexit.domain.dependencies import Container
    from kubexit.domain.events import Event


@pytest.mark.parametrize(
    ("condition", "met", "unmet"),
    [
        ("ready", [SERVING], [PULLING, UP, FAILED_ONCE, DONE_ONCE]),
        ("started", [UP, SERVING], [PULLING, FAILED_ONCE, DONE_ONCE]),
        ("exited", [DONE, DONE_ONCE, FAILED, FAILED_ONCE], [PULLING, UP, SERVING]),
        ("succeeded", [DONE, DONE_ONCE], [PULLING, UP, SERVING, FAILED_ONCE]),
        ("failed", [FAILED, FAILED_ONCE], [PULLING, UP, SERVING, DONE_ONCE]),
    ],
)
def test_each_birth_condition_counts_the_same_in_the_first_state_and_in_a_later_one(
    condition: str,
    met: list[Container],
    unmet: list[Container],
) -> None:
    """The pod that is listed counts like one that is watched; an end that the kubelet follows by a new start is waited out."""
    wanted = pod_config(births=f"a:{condition}")
    for state in met:
        assert Story(wanted, SURVEYED, pod(a=state)).done == [END_WATCH, START]
        assert Story(wanted, SURVEYED, pod(), pod(a=state)).done == [END_WATCH, START]
        for before in unmet:
            assert Story(wanted, SURVEYED, pod(a=before), pod(a=state)).done == [END_WATCH, START]
    for state in unmet:
        story = Story(wanted, SURVEYED, pod(a=state))
        assert (story.done, story.goes_on) == ([], True)


@pytest.mark.parametrize(
    ("condition", "end"),
    [
        *(("ready", end) for end in (DONE, FAILED)),
        *(("started", end) for end in (DONE, FAILED)),
        *(("succeeded", end) for end in (FAILED,)),
        *(("failed", end) for end in (DONE,)),
    ],
)
def test_an_end_for_good_that_is_not_the_one_that_was_wanted_fails_the_wait(condition: str, end: Container) -> None:
    """At once, in the first state as in a later one: nobody brings it back."""
    for before in ((), (pod(),), (pod(db=SERVING, other=UP),)):
        story = Story(pod_config(births=f"other,db:{condition}"), SURVEYED, *before, pod(db=end))
        assert story.outcome == (1, "DependencyFailed")
        assert f"birth dependency db {end.describe()} before it was {condition}" in story.ending.message
        assert story.done == []


def test_a_container_that_lives_is_waited_for_although_nobody_would_start_it_again() -> None:
    """With restartPolicy Never that is so of each from its beginning."""
    only_once = [state.replace(comes_back=False) for state in (PULLING, UP)]
    story = Story(pod_config(births="db"), SURVEYED, *(pod(db=state) for state in only_once))
    assert story.goes_on
    assert story.tell(pod(db=SERVING.replace(comes_back=False))) == [END_WATCH, START]


def test_a_container_that_is_started_again_and_again_is_waited_out() -> None:
    """Whatever the reason is why it ends; only the timeout limits that."""
    story = Story(pod_config(births="db"), SURVEYED, *[pod(db=FAILED_ONCE), pod(db=PULLING), pod(db=UP), pod(db=DONE_ONCE)] * 3)
    assert story.goes_on
    assert story.tell(pod(db=SERVING)) == [END_WATCH, START]


def test_an_end_that_becomes_one_for_good_fails_the_wait() -> None:
    """The pod is told to end, and the kubelet starts nothing any more."""
    story = Story(pod_config(births="db"), SURVEYED, pod(db=FAILED_ONCE))
    assert story.goes_on
    story.tell(pod(db=FAILED))
    assert story.outcome == (1, "DependencyFailed")


def test_a_snapshot_is_all_that_is_known() -> None:
    """What was true in an earlier one is forgotten: a was ready while b was not, and then b while a was not."""
    story = Story(pod_config(births="a,b"), SURVEYED, pod(a=SERVING, b=UP), pod(a=UP, b=SERVING), pod(a=SERVING), pod(b=SERVING), pod())
    assert (story.done, story.goes_on) == ([], True)
    assert story.tell(pod(a=SERVING, b=SERVING)) == [END_WATCH, START]


def test_what_a_snapshot_says_of_others_is_no_concern() -> None:
    """We may be among them, and containers that only a death of another kind depends on."""
    story = Story(pod_config(births="a"), SURVEYED, pod(b=SERVING, me=FAILED, c=DONE))
    assert story.goes_on
    assert story.tell(pod(a=SERVING, b=FAILED)) == [END_WATCH, START]


def test_no_start_before_the_pod_has_been_read() -> None:
    """Nor before the first look at the graveyard, if the pod should be faster."""
    story = Story(pod_config(births="db"))
    assert story.tell(SURVEYED) == []
    early = Story(pod_config(births="db"))
    assert early.tell(pod(db=SERVING)) == []
    assert early.tell(SURVEYED) == [END_WATCH, START]


def test_the_child_is_started_once() -> None:
    """Whatever is told afterwards, perhaps in the same read."""
    story = Story(pod_config(births="a"), SURVEYED, pod(a=SERVING), pod(a=UP), pod(a=SERVING), STARTED_CHILD, pod(a=FAILED), pod(a=SERVING))
    assert story.done == [END_WATCH, START, BIRTH]
    assert story.goes_on


# ── who is asked ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_pod_says_nothing_of_dependencies_that_are_read_from_the_graveyard() -> None:
    """The same names there are somebody else."""
    story = Story(config(births="db", deaths="main"), SURVEYED, pod(db=SERVING, main=DONE))
    assert (story.done, story.goes_on) == ([], True)


def test_the_graveyard_says_nothing_of_dependencies_that_are_read_from_the_pod() -> None:
    """A wrapped peer leaves a tombstone, whoever is interested in it."""
    story = Story(pod_config(births="db", deaths="main"), peer("db", READY), SURVEYED, peer("main", WELL), peer("db", BADLY))
    assert (story.done, story.goes_on) == ([], True)
    assert story.tell(pod(db=SERVING, main=UP), peer("main", BADLY)) == [START]


def test_births_from_the_pod_and_deaths_from_the_graveyard() -> None:
    """The usual case inside a cluster."""
    wanted = config(births="db", deaths="main", readiness="kubernetes")
    story = Story(wanted, peer("main", READY), SURVEYED, pod(db=SERVING))
    assert story.done == [END_WATCH, START]
    assert story.tell(peer("main", WELL)) == sent("TERM")
    dead = Story(wanted, SURVEYED, pod(db=UP), peer("main", WELL))
    assert (dead.outcome, dead.done) == ((0, "DependencyDied"), [])


def test_births_from_the_graveyard_and_deaths_from_the_pod() -> None:
    """Both have to be known before the start, in either order."""
    wanted = config(births="db", deaths="main", death_source="kubernetes")
    for told in itertools.permutations([peer("db", READY), pod(main=UP)]):
        story = Story(wanted, SURVEYED, told[0])
        assert (story.done, story.goes_on) == ([], True)
        assert story.tell(told[1]) == [START]
    dead = Story(wanted, SURVEYED, peer("db", READY), pod(main=FAILED))
    assert (dead.outcome, dead.done) == ((143, "DependencyDied"), [])


def test_a_name_in_both_lists_has_its_two_sources() -> None:
    """Ready by the pod, dead by the graveyard; what the other says of it does not count."""
    wanted = config(births="db", deaths="db", readiness="kubernetes")
    assert Story(wanted, peer("db", READY), SURVEYED, pod(db=UP)).done == []
    assert Story(wanted, peer("db", READY), SURVEYED, pod(db=SERVING)).done == [END_WATCH, START]
    assert Story(wanted, peer("db", WELL), SURVEYED).outcome == (0, "DependencyDied")
    assert Story(wanted, SURVEYED, pod(db=FAILED)).outcome == (1, "DependencyFailed")


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_timeout_names_each_missing_container_with_its_last_known_state() -> None:
    """Not what it was once, and not those that hold; an end that is waited out is told as what it is."""
    story = Story(pod_config(births="a,b,c,d:started", birth_timeout=5 * SECOND), SURVEYED, pod(a=UP, b=SERVING, c=SERVING))
    story.wait(3)
    story.tell(pod(a=PULLING, b=FAILED_ONCE, c=SERVING))
    story.wait(1.999)
    assert story.goes_on
    story.wait(0.001)
    assert story.outcome == (1, "BirthTimeout")
    missing = "a (wanted: ready): not ready, waiting: ImagePullBackOff, b (wanted: ready): exited 3, d (wanted: started): not seen"
    assert missing in story.ending.message
    assert "c (" not in story.ending.message
    assert story.done == []


def test_the_timeout_tells_an_end_of_before_our_own_restart_as_well() -> None:
    """It does not count, but it is the last that is known of it."""
    story = Story(pod_config(births="db"), SURVEYED, pod(me=UP.replace(restarts=2), db=FAILED_ONCE))
    story.wait(30)
    assert "db (wanted: ready): exited 3" in story.ending.message


def test_without_a_timeout_nothing_limits_the_wait() -> None:
    """KUBEXIT_BIRTH_TIMEOUT=0."""
    story = Story(pod_config(births="db", deaths="main", birth_timeout=0), SURVEYED)
    assert story.state.deadline is None
    story.wait(10**6)
    assert story.tell(pod(db=UP)) == []
    assert story.state.deadline is None


def test_the_timeout_is_not_made_longer_by_news_of_the_pod() -> None:
    """It counts from the first look at the graveyard, whenever the pod is first read."""
    story = Story(pod_config(births="db", birth_timeout=5 * SECOND), SURVEYED)
    story.wait(4)
    story.tell(pod(db=PULLING), pod(db=UP))
    story.wait(1)
    assert story.outcome == (1, "BirthTimeout")


def test_there_is_no_timer_once_the_child_is_started() -> None:
    """Idle means idle, also while the pod is watched for deaths."""
    for wanted in (pod_config(births="db"), pod_config(births="db", deaths="main"), pod_config(deaths="main")):
        assert Story(wanted, SURVEYED).state.deadline == 30 * SECOND
        assert Story(wanted, SURVEYED, pod(db=SERVING)).state.deadline is None
        assert running(wanted).state.deadline is None


# ── what ends the wait ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("told", [(), (SURVEYED,), (SURVEYED, pod(db=UP))], ids=["before the first look", "before the pod", "while it is watched"])
def test_sigterm_ends_the_wait(told: tuple[Event, ...]) -> None:
    """And no readiness that comes with it starts a child."""
    story = Story(pod_config(births="db"), *told, signal("TERM"), SURVEYED, pod(db=SERVING))
    assert story.outcome == (143, "Terminated")
    assert "while waiting for db" in story.ending.message
    assert story.done == []


def test_the_traces_tell_what_the_pod_said() -> None:
    """Each state of a birth dependency once, and each death; nothing of others, nothing twice."""
    story = Story(pod_config(births="db", deaths="main"), SURVEYED, pod(db=PULLING, main=UP, me=UP), pod(db=PULLING, main=SERVING))
    story.tell(pod(db=SERVING, main=SERVING), STARTED_CHILD, pod(db=UP, main=UP), pod(db=FAILED, main=DONE), pod(db=FAILED, main=DONE))
    assert story.traces == [
        ("birth dependencies watcher", "db: not ready, waiting: ImagePullBackOff"),
        ("birth dependencies watcher", "db: ready"),
        ("death graveyard watcher", "New death: main"),
        ("supervisor", "Terminating child process"),
    ]


def test_each_source_traces_its_own() -> None:
    """What the graveyard says of a name that is awaited in the pod is no news of the wait, and the other way round."""
    story = Story(config(births="db", deaths="db", readiness="kubernetes"), SURVEYED, peer("db", READY), pod(db=UP), peer("db", WELL))
    assert story.traces == [("birth dependencies watcher", "db: started, but not ready"), ("death graveyard watcher", "New death: db")]
    other = Story(config(births="db", deaths="db", death_source="kubernetes"), SURVEYED, pod(db=UP), peer("db", READY), pod(db=DONE))
    assert [message for _, message in other.traces] == ["db: ready", "New death: db", "Terminating child process"]
