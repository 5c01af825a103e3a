"""The watch on the pod: what is asked of the server, and what is reported."""

from __future__ import annotations

import pytest

from kubexit.domain.reports import CONTAINER, TRACE, TROUBLE
from unit.pod_objects import POD, RUNNING, ended, pod_of, spec_of, status_of
from unit.scripted_server import WISH, Later, another, bookmark, deleting, event, listed, play

UNREADY = pod_of(status_of("main", RUNNING, started=True), version="7")
READY = pod_of(status_of("main", RUNNING, started=True, ready=True), version="8")
DEAD = pod_of(status_of("main", ended(3)), version="9", restartPolicy="Never")
TOLD_UNREADY = ["container main 1 0 0 0 1 0 running, not ready", "pod"]
TOLD_READY = ["container main 1 1 0 0 1 0 ready", "pod"]
TOLD_DEAD = ["container main 0 0 1 3 0 0 exited 3", "pod"]
STEADY = Later(10)


def test_lists_then_watches_from_the_version_of_the_list() -> None:
    """The first state counts like any later one, and nothing falls between the two."""
    server, _ = play(listed(READY), [STEADY])
    assert server.requests[:2] == ["list within 10", "watch from 5 for 10"]
    assert server.reports() == TOLD_READY
    assert server.reports(TRACE) == [f"trace Watching pod {POD} updates"]


def test_each_event_is_reported_as_the_whole_state_once() -> None:
    """Level-triggered: what is the same again is not worth a line."""
    server, _ = play(listed(UNREADY), [event("MODIFIED", READY), event("MODIFIED", READY), event("MODIFIED", DEAD), STEADY])
    assert server.reports() == TOLD_UNREADY + TOLD_READY + TOLD_DEAD


def test_events_come_in_any_pieces() -> None:
    """What the network cuts is no line."""
    server, _ = play(listed(UNREADY), [b'{"type":"BOOKMARK",', b'"object":{}}\n\n{"type"', b':"BOOKMARK","object":{}}\n', STEADY])
    assert server.reports() == TOLD_UNREADY


def test_a_watch_that_the_server_ends_is_taken_up_where_it_ended_at_once() -> None:
    """Servers end watches by their clock: no new list, no pause, the same connection."""
    server, _ = play(listed(UNREADY), [event("MODIFIED", READY), STEADY], [bookmark("30"), STEADY], [STEADY])
    assert server.requests == ["list within 10", "watch from 5 for 10", "watch from 8 for 10", "watch from 30 for 10", "watch from 30 for 60"]
    assert server.pauses == []
    assert server.hang_ups == 0


@pytest.mark.parametrize(("wait", "first", "later"), [(30, 10, 60), (6, 5, 60), (1, 5, 60), (600, 60, 60), (100, 33, 60), (0, 60, 60)])
def test_silence_is_given_up_the_sooner_the_shorter_the_wait_is(wait: int, first: int, later: int) -> None:
    """A third of the wait, 5 to 60 seconds: a stalled server leaves time for another try. After the wait it is 60 s."""
    server, _ = play(listed(READY), [Later(max(wait, 60))], wish=WISH._replace(wait=wait))
    assert server.requests == [f"list within {first}", f"watch from 5 for {first}", f"watch from 8 for {later}".replace("8", "5", 1)]


def test_tells_which_pod_it_looked_for_where_there_is_none_and_goes_on() -> None:
    """The host name of a pod in the node's network is the node's. And the pod may be there later."""
    server, ended_by = play(listed(), [STEADY, event("ADDED", READY), STEADY])
    first, *others = server.reports()
    assert first.startswith(f"trouble there is no pod {POD} in the namespace shop; its name is from KUBEXIT_POD_NAME: ")
    assert others == TOLD_READY
    assert ended_by == ""


def test_no_list_of_items_is_an_empty_one() -> None:
    """Go writes null for it."""
    server, _ = play(listed() | {"items": None}, [STEADY])
    assert [report[:24] for report in server.reports()] == ["trouble there is no pod "]


def test_other_pods_are_not_ours() -> None:
    """Whoever answers may not know the field selector."""
    stranger = pod_of(status_of("main", ended(1)))
    stranger["metadata"] = {"name": "other", "uid": "other", "resourceVersion": "20"}
    server, ended_by = play(listed(stranger, READY), [event("DELETED", stranger), event("MODIFIED", stranger), STEADY], [STEADY])
    assert server.reports() == TOLD_READY
    assert server.requests[2] == "watch from 20 for 10"
    assert ended_by == ""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((listed(READY), [event("MODIFIED", another(READY))]), id="an event of another pod"),
        pytest.param((listed(READY), [event("ADDED", another(READY))]), id="another one was added"),
        pytest.param((listed(READY), [event("DELETED", another(READY))]), id="even the other one is deleted"),
        pytest.param((listed(READY), [b"garbage\n"], listed(another(READY))), id="another one in a later list"),
    ],
)
def test_never_acts_on_another_pod_of_the_same_name(script: tuple[object, ...]) -> None:
    """Its containers are others than those that we depend on."""
    server, ended_by = play(*script)
    assert ended_by == f"the pod {POD} is gone: another pod has its name now"
    assert [report for report in server.reports() if not report.startswith(TROUBLE)] == TOLD_READY


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((listed(READY), [event("DELETED", DEAD)]), id="in the watch"),
        pytest.param((listed(READY), [b"garbage\n"], listed()), id="between two watches"),
    ],
)
def test_a_pod_that_was_deleted_never_comes_back(script: tuple[object, ...]) -> None:
    """The watch ends itself."""
    server, ended_by = play(*script)
    assert ended_by == f"the pod {POD} is gone: it was deleted"
    assert TOLD_DEAD[0] not in server.reports()


def test_a_wait_fails_when_the_pod_is_being_deleted_but_the_watch_goes_on() -> None:
    """Nothing becomes ready any more, but who has to stop with another container still wants to know of its end."""
    server, ended_by = play(listed(UNREADY), [event("MODIFIED", deleting(UNREADY)), event("MODIFIED", deleting(DEAD)), STEADY])
    told = ["container main 1 0 0 0 0 0 running, not ready", "pod"]
    assert server.reports() == [*TOLD_UNREADY, f"gone the pod {POD} is being deleted", *told, *TOLD_DEAD]
    assert ended_by == ""


def test_a_pod_that_is_being_deleted_fails_nobody_who_does_not_wait() -> None:
    """Only deaths are asked for, and they come now."""
    server, _ = play(listed(deleting(UNREADY)), [event("MODIFIED", deleting(DEAD)), STEADY], wish=WISH._replace(names=(), others=("main",)))
    assert server.reports() == ["container main 1 0 0 0 0 0 running, not ready", "pod", *TOLD_DEAD]


def test_a_name_that_no_container_has_ends_it_with_the_names_that_there_are() -> None:
    """It is a slip of the pen, and no waiting helps."""
    pod = pod_of(status_of("main", RUNNING), init=(status_of("proxy"),))
    server, ended_by = play(listed(pod), wish=WISH._replace(names=("main", "prxy")))
    assert ended_by == f'the pod {POD} has no container "prxy"; those that it has: proxy, main'
    assert server.reports() == []


def test_a_missing_container_that_only_a_death_depends_on_is_told_once() -> None:
    """It never started, so it never dies; the child shall live."""
    server, ended_by = play(listed(UNREADY), [event("MODIFIED", READY), STEADY], wish=WISH._replace(others=("ghost",)))
    there = "those that it has: main; its end will never be seen"
    assert server.reports() == [f'trouble the pod {POD} has no container "ghost"; {there}', *TOLD_UNREADY, *TOLD_READY]
    assert ended_by == ""


def test_names_are_not_judged_by_half_a_pod() -> None:
    """Where the specification is missing, any name may be a container's."""
    half = {key: value for key, value in READY.items() if key != "spec"}
    server, ended_by = play(listed(half), [STEADY], wish=WISH._replace(names=("main", "other")))
    assert server.reports(CONTAINER) == [TOLD_READY[0], "container other 0 0 0 0 1 0 not seen in the pod's status yet"]
    assert ended_by == ""


def test_a_container_without_a_status_is_reported_as_unseen() -> None:
    """So that the supervisor knows its state for a message."""
    pod = pod_of(status_of("main", RUNNING), containers=[spec_of("main"), spec_of("late")])
    server, _ = play(listed(pod), [STEADY], wish=WISH._replace(names=("late",)))
    assert server.reports() == ["container late 0 0 0 0 1 0 not seen in the pod's status yet", "pod"]
