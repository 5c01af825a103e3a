"""When the pod's status cannot be read: for a while, or for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubexit.domain.actions import Warn
from kubexit.domain.events import PodGone, PodTroubled, PodWatchFailed
from unit.situations import (
    DONE,
    END_WATCH,
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
    from kubexit.domain.config import Config

REFUSED, UNAVAILABLE = PodTroubled("connection refused"), PodTroubled("503 from the API server")
FORBIDDEN, BROKEN = PodWatchFailed("pods is forbidden"), PodWatchFailed("the helper exited 1: Traceback", internal=True)
WARNS_REFUSED, WARNS_UNAVAILABLE = Warn("connection refused"), Warn("503 from the API server")


def warnings(story: Story) -> list[str]:
    """Give what was warned of."""
    return [action.message for action in story.done if isinstance(action, Warn)]


# ── for a while ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("running_child", [False, True])
def test_trouble_is_told_once_until_it_changes_or_the_pod_was_read_again(running_child: bool) -> None:
    """A log that says the same every five seconds for an hour is read by nobody."""
    wanted = pod_config(deaths="main") if running_child else pod_config(births="db", deaths="main", birth_timeout=0)
    story = running(wanted) if running_child else Story(wanted, SURVEYED)
    assert story.tell(REFUSED, REFUSED, REFUSED) == [WARNS_REFUSED]
    assert story.tell(UNAVAILABLE, UNAVAILABLE) == [WARNS_UNAVAILABLE]
    assert story.tell(REFUSED) == [WARNS_REFUSED]
    assert story.tell(pod(db=UP, main=UP)) == []
    assert story.tell(REFUSED, REFUSED) == [WARNS_REFUSED]
    assert story.goes_on


def test_trouble_in_the_wait_does_not_end_it() -> None:
    """It starts when the pod was read; what was known before the trouble stays known, but changes nothing."""
    story = Story(pod_config(births="db", deaths="main"), SURVEYED, REFUSED, pod(db=UP), UNAVAILABLE)
    assert story.goes_on
    assert story.tell(pod(db=SERVING)) == [START]
    first = Story(pod_config(births="db"), SURVEYED, REFUSED)
    assert first.tell(pod(db=SERVING)) == [END_WATCH, START]


def test_trouble_does_not_make_the_wait_longer() -> None:
    """The timeout tells the last one, and what is missing."""
    story = Story(pod_config(births="db,cache", birth_timeout=5 * SECOND), SURVEYED, pod(db=UP, cache=SERVING), UNAVAILABLE, REFUSED)
    story.wait(4.999)
    assert story.goes_on
    story.wait(0.001)
    assert story.outcome == (1, "BirthTimeout")
    assert "db (wanted: ready): started, but not ready" in story.ending.message
    assert "cache (" not in story.ending.message
    assert "last trouble: connection refused" in story.ending.message


@pytest.mark.parametrize("wanted", [pod_config(births="db"), pod_config(deaths="main")])
def test_a_timeout_in_which_nothing_was_ever_read_tells_the_trouble(wanted: Config) -> None:
    """The API server could not be reached at all."""
    story = Story(wanted, SURVEYED, REFUSED)
    story.wait(30)
    assert story.outcome == (1, "BirthTimeout")
    assert "last trouble: connection refused" in story.ending.message


def test_a_timeout_after_the_trouble_is_over_does_not_tell_it() -> None:
    """It is not the cause then."""
    story = Story(pod_config(births="db"), SURVEYED, REFUSED, pod(db=UP))
    story.wait(30)
    assert "trouble" not in story.ending.message
    assert "db (wanted: ready): started, but not ready" in story.ending.message


def test_trouble_while_the_child_runs_keeps_no_death_from_counting() -> None:
    """It is seen when the pod can be read again, however many states were missed."""
    story = running(pod_config(deaths="main"), REFUSED)
    story.wait(3600)
    assert story.tell(pod(main=DONE)) == [END_WATCH, *sent("TERM")]


def test_trouble_sets_no_timer() -> None:
    """Who tries again counts the time for that."""
    assert running(pod_config(deaths="main"), REFUSED, UNAVAILABLE).state.deadline is None
    assert Story(pod_config(births="db", birth_timeout=0), SURVEYED, REFUSED).state.deadline is None


def test_sigterm_ends_a_wait_in_trouble() -> None:
    """As any other."""
    story = Story(pod_config(births="db"), SURVEYED, REFUSED, signal("TERM"), pod(db=SERVING))
    assert story.outcome == (143, "Terminated")
    assert story.done == [WARNS_REFUSED]


# ── for good ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wanted",
    [pod_config(births="db"), pod_config(deaths="main"), pod_config(births="db", deaths="main"), config(births="db", readiness="kubernetes")],
)
@pytest.mark.parametrize("trouble", [False, True])
def test_a_watch_that_fails_ends_the_wait(wanted: Config, trouble: bool) -> None:
    """At once, not at the timeout: no Role, no container of that name."""
    story = Story(wanted, SURVEYED, *([REFUSED] if trouble else []), FORBIDDEN, pod(db=SERVING))
    assert story.outcome == (1, "DependencyFailed")
    assert story.ending.message == "pods is forbidden; the command was not started"
    assert START not in story.done


def test_a_helper_that_breaks_down_ends_the_wait_as_an_internal_error() -> None:
    """With its last words: it is an error like any other."""
    story = Story(pod_config(births="db"), SURVEYED, pod(db=UP), BROKEN, pod(db=SERVING))
    assert story.outcome == (1, "Internal")
    assert story.ending.message == "the helper exited 1: Traceback; the command was not started"


@pytest.mark.parametrize("failure", [FORBIDDEN, BROKEN])
@pytest.mark.parametrize("started", [False, True])
def test_a_watch_that_fails_after_the_start_ends_nothing(failure: PodWatchFailed, started: bool) -> None:
    """Between fork and exec as well: the child lives on, is not told anything, and a death counts when the pod can be read again."""
    story = Story(pod_config(deaths="main"), SURVEYED, pod(main=UP), *([STARTED_CHILD] if started else []))
    story.tell(failure)
    assert story.goes_on
    assert story.state.deadline is None
    assert story.tell(pod(main=DONE)) == [END_WATCH, *sent("TERM")]


def test_a_helper_that_breaks_down_after_the_start_is_a_warning_each_time() -> None:
    """With its last words, which tell what to do about it; they are seconds to minutes apart."""
    story = running(pod_config(deaths="main"), BROKEN, BROKEN)
    assert [message.startswith(BROKEN.why) for message in warnings(story)] == [True, True]


def test_a_failure_after_the_start_that_the_helper_reports_is_an_event_of_the_traces() -> None:
    """A missing Role, mostly, which was told as trouble before."""
    story = running(pod_config(deaths="main"), FORBIDDEN)
    assert warnings(story) == []
    assert story.traces[-1] == ("death graveyard watcher", "pods is forbidden")


@pytest.mark.parametrize("before", [(), (REFUSED,)], ids=["at once", "after trouble"])
def test_a_pod_that_is_deleted_ends_a_wait_as_sigterm_does(before: tuple[PodTroubled, ...]) -> None:
    """The API server's word comes a moment before the kubelet's SIGTERM, or after it: what is reported is no matter of luck."""
    told = Story(pod_config(births="db"), SURVEYED, *before, PodGone("the pod p is being deleted"))
    assert told.outcome == (143, "Terminated")
    assert told.outcome == Story(pod_config(births="db"), SURVEYED, signal("TERM")).outcome
    assert START not in told.done


def test_a_pod_that_is_deleted_after_the_start_is_left_to_the_kubelet() -> None:
    """It tells the child itself, and everybody knows: no warning."""
    story = running(pod_config(deaths="main"), PodGone("the pod p is being deleted"))
    assert warnings(story) == []
    assert story.traces[-1] == ("death graveyard watcher", "the pod p is being deleted")


def test_a_death_in_the_graveyard_stops_a_child_whose_pod_cannot_be_read() -> None:
    """The sources do not wait for each other."""
    story = Story(config(births="db", deaths="main", readiness="kubernetes"), SURVEYED, REFUSED, peer("main", WELL))
    assert story.outcome == (0, "DependencyDied")
    assert story.done == [WARNS_REFUSED]


def test_the_end_of_the_child_is_the_end_whatever_the_watch_does() -> None:
    """Its own status."""
    story = running(pod_config(deaths="main"), REFUSED, FORBIDDEN, exits(5), BROKEN, REFUSED)
    assert story.outcome == (5, "Error")
    assert warnings(story) == ["connection refused"]
