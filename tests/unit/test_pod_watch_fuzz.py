"""The watch on the pod with servers out of their minds."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubexit.domain.reports import FAILED, POD, TRACE, TROUBLE
from kubexit.helpers.failures import HopelessError, TroubleError
from unit.pod_objects import RUNNING, ended, pod_of, spec_of, status_of
from unit.scripted_server import WISH, Later, another, bookmark, deleting, event, gone, listed, play

READY = pod_of(status_of("main", RUNNING, ready=True))
PODS = st.sampled_from(
    [
        READY,
        pod_of(status_of("main", RUNNING), version="8"),
        pod_of(status_of("main", ended(1)), version="9"),
        pod_of(containers=[spec_of("main")]),
        pod_of(status_of("side", RUNNING)),
        deleting(READY),
        another(READY),
        {"metadata": {"name": "web-0"}},
        {},
    ]
)
STATUSES, PAUSES = st.sampled_from([0, 401, 403, 410, 429, 500]), st.sampled_from([0.0, 7.0])
FAILURES = st.builds(TroubleError, st.sampled_from(["a", "b"]), status=STATUSES, pause=PAUSES)
TIMES = st.builds(Later, st.sampled_from([0.0, 0.5, 3.0, 100.0]))
LISTS: st.SearchStrategy[Any] = st.lists(PODS, max_size=2).map(lambda pods: listed(*pods)) | FAILURES | st.binary(max_size=5) | st.just({})
KINDS = st.sampled_from(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "?"])
EVENTS = st.builds(event, KINDS, PODS) | st.just(bookmark("30")) | st.just(gone())
PARTS = TIMES | EVENTS | FAILURES | st.binary(max_size=20) | st.just(b"\n") | st.just(json.dumps(bookmark("5")).encode())
SCRIPTS = st.lists(LISTS | st.lists(PARTS, max_size=6), max_size=25)
WISHES = st.builds(
    lambda names, others, wait: WISH._replace(names=tuple(names), others=tuple(others), wait=wait),
    st.lists(st.sampled_from(["main", "side"]), max_size=2, unique=True),
    st.lists(st.sampled_from(["main", "ghost"]), max_size=2, unique=True),
    st.sampled_from([0, 30]),
)


@settings(max_examples=400)
@given(SCRIPTS, WISHES)
@example([listed(READY), [event("DELETED", {})]], WISH)
def test_no_server_makes_it_crash_hang_or_hurry(script: list[Any], wish: Any) -> None:
    """It ends in words or goes on asking: never faster than the pauses say, and with reports that anybody can read."""
    server, ended_by = play(*script, wish=wish)
    reports = server.reports(FAILED, POD, TRACE, TROUBLE, "container")
    assert all(len(report) < 1500 for report in reports)
    assert len(reports) <= 1 + 12 * (1 + sum(len(part) if isinstance(part, list) else 1 for part in script))
    assert len(ended_by) < 600
    rounds = [request for request in server.requests if request.startswith("watch")]
    steady = (server.now - 1000.0) / 2
    assert len(rounds) <= 1 + len(server.pauses) + steady
    assert all(0.05 < pause <= 10 for pause in server.pauses)


@given(st.lists(st.just([]) | FAILURES.filter(lambda failure: failure.status != 403), min_size=30, max_size=40))
def test_a_server_that_never_answers_well_is_asked_every_five_seconds(script: list[Any]) -> None:
    """After the first tries; a pause is spread by a quarter."""
    server, _ = play(*script)
    assert all(pause >= 3.75 for pause in server.pauses[7:])


@given(st.lists(EVENTS | TIMES, max_size=12))
def test_a_snapshot_is_never_repeated_while_all_is_well(events: list[Any]) -> None:
    """And each is whole: `pod` comes after its containers."""
    server, _ = play(listed(READY), events)
    reports = server.reports()
    assert not any(first == later for first, later in zip(reports, reports[2:], strict=False) if first != "pod")


def test_a_hopeless_server_is_not_asked_again() -> None:
    """It ended itself: that is the supervisor's affair now."""
    server, ended_by = play(HopelessError("over"), listed(READY))
    assert (ended_by, len(server.requests)) == ("over", 1)
