"""The watch on the pod when the server, or what is between, does not do what it should."""

from __future__ import annotations

from typing import Any

import pytest

from kubexit.domain.reports import TRACE, TROUBLE
from kubexit.helpers.failures import HopelessError, TroubleError
from unit.pod_objects import POD, RUNNING, pod_of, status_of
from unit.scripted_server import Later, bookmark, event, gone, listed, play

READY = pod_of(status_of("main", RUNNING, started=True, ready=True), version="8")
TOLD_READY = ["container main 1 1 0 0 1 0 ready", "pod"]
STEADY = Later(10)
REFUSED, RESET = TroubleError("refused"), TroubleError("reset")
FORBIDDEN = TroubleError("forbidden", status=403)


def test_a_trouble_is_told_once_tried_again_and_the_state_told_anew() -> None:
    """The supervisor may have said that the pod cannot be read; now it can."""
    server, ended_by = play(REFUSED, REFUSED, REFUSED, listed(READY), [STEADY], RESET)
    assert server.reports() == ["trouble refused; trying again", *TOLD_READY, "trouble reset; trying again"]
    assert ended_by == ""


def test_a_broken_watch_means_a_new_list_over_a_new_connection() -> None:
    """What was missed is in the list."""
    server, _ = play(listed(READY), [bookmark("30"), STEADY, RESET], listed(READY), [STEADY])
    assert server.requests[:4] == ["list within 10", "watch from 5 for 10", "list within 10", "watch from 5 for 10"]
    assert server.hang_ups == 1
    assert server.reports() == [*TOLD_READY, "trouble reset; trying again", *TOLD_READY]


def test_troubles_that_take_turns_are_told_once_each() -> None:
    """A Role that lets list but not watch, for instance, and no pod of that name: one line each, not one a second."""
    server, _ = play(*[REFUSED, RESET] * 20)
    assert server.reports() == ["trouble refused; trying again", "trouble reset; trying again"]


def test_troubles_that_are_new_each_time_are_all_told() -> None:
    """But no more of them are kept than is needed."""
    server, _ = play(*[TroubleError(str(number)) for number in [*range(25), 24, 0]])
    assert len(server.reports()) == 26


def test_the_same_trouble_is_told_again_after_a_time_without() -> None:
    """A log shows each outage, and none twice."""
    server, _ = play(REFUSED, listed(READY), [REFUSED], listed(READY), [STEADY], REFUSED, REFUSED)
    assert server.reports(TROUBLE) == ["trouble refused; trying again", "trouble refused; trying again"]


def test_pauses_double_up_to_five_seconds_and_start_anew_after_a_watch_that_worked() -> None:
    """A server that is down is not asked for all it can bear; one that just restarted is found soon."""
    server, _ = play(*[REFUSED] * 8, listed(READY), [STEADY], RESET)
    assert server.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 0.1]


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_pauses_are_spread(jitter: float) -> None:
    """A thousand pods that were cut off together do not come back together."""
    server, _ = play(REFUSED, REFUSED, jitter=jitter)
    assert server.pauses == [round(pause * (0.75 + jitter / 2), 3) for pause in (0.1, 0.2)]


def test_the_pause_that_a_server_asks_for_is_made() -> None:
    """Retry-After of a 429 or 503."""
    server, _ = play(TroubleError("too many", status=429, pause=7), TroubleError("later", status=503, pause=0.01))
    assert server.pauses == [7, 0.2]


def test_watches_that_end_at_once_with_nothing_are_spaced_out_and_listed_anew() -> None:
    """Whoever ends them, be it a proxy, keeps the events from us."""
    server, _ = play(*[listed(READY), []] * 7)
    assert server.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert server.requests == ["list within 10", "watch from 5 for 10"] * 7 + ["list within 10"]
    assert server.reports() == TOLD_READY


def test_each_watch_is_judged_by_its_own_events() -> None:
    """The second of these kept nothing back from the first, but perhaps from us."""
    server, _ = play(listed(READY), [bookmark("30")], [])
    assert server.requests[2:] == ["watch from 30 for 10", "list within 10"]


@pytest.mark.parametrize(("seconds", "pauses"), [(1.9, [0.1]), (2.0, []), (3.0, [])])
def test_a_watch_of_two_seconds_is_one_that_works(seconds: float, pauses: list[float]) -> None:
    """A shorter one is followed by a pause, whoever ended it."""
    server, _ = play(listed(READY), [bookmark("30"), Later(seconds)])
    assert server.pauses == pauses


def test_watches_that_end_at_once_after_an_event_are_spaced_out_and_resumed() -> None:
    """The events came, so nothing was missed."""
    server, _ = play(listed(READY), *[[bookmark(str(version))] for version in range(30, 34)])
    assert server.pauses == [0.1, 0.2, 0.4, 0.8]
    assert server.requests[1:] == [f"watch from {version} for 10" for version in (5, 30, 31, 32, 33)]


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param([STEADY, gone()], id="410 as an event"),
        pytest.param([STEADY, TroubleError("too old", status=410)], id="410 as a status"),
        pytest.param([STEADY, TroubleError("token", status=401)], id="401: the token has rotated"),
    ],
)
def test_what_is_ordinary_life_is_no_trouble_unless_it_happens_again(refusal: list[Any]) -> None:
    """One trace, a new list, and nothing that wakes anybody."""
    server, _ = play(listed(READY), refusal, listed(READY), [STEADY], STEADY)
    assert server.reports() == TOLD_READY
    assert len(server.reports(TRACE)) == 2
    assert server.requests[2] == "list within 10"
    server, _ = play(listed(READY), refusal, listed(READY), refusal[1:], listed(READY))
    assert server.reports()[2].startswith("trouble ")


def test_a_missing_role_is_tried_for_five_seconds_and_told_as_trouble() -> None:
    """A Role that is applied together with the pod takes a moment to count; a wait that is shorter names it too."""
    server, ended_by = play(*[FORBIDDEN] * 50)
    assert ended_by == "forbidden"
    assert server.reports() == ["trouble forbidden; trying again"]
    assert sum(server.pauses) == 5.0
    assert len(server.requests) == 7


def test_a_role_that_comes_in_time_is_enough() -> None:
    """And a later one that is taken away has its five seconds again."""
    server, ended_by = play(*[FORBIDDEN] * 5, listed(READY), [Later(60)], *[FORBIDDEN] * 3, listed(READY), [STEADY])
    assert ended_by == ""
    assert server.reports() == ["trouble forbidden; trying again", *TOLD_READY, "trouble forbidden; trying again", *TOLD_READY]


def test_a_role_that_lets_list_but_not_watch_is_a_missing_role() -> None:
    """Each list works in between."""
    _, ended_by = play(*[listed(READY), FORBIDDEN] * 50)
    assert ended_by == "forbidden"


def test_nothing_to_ask_with_ends_it() -> None:
    """No token, no CA, no cluster."""
    server, ended_by = play(HopelessError("there is no token"))
    assert ended_by == "there is no token"
    assert server.reports() == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"[]", b"7", b"{}", b"[" * 200_000, b"\xff", b"9" * 5000, b'{"metadata":7,"items":[]}'),
        *(b'{"metadata":{},"items":[]}', b'{"metadata":{"resourceVersion":5},"items":[]}', b'{"metadata":{"resourceVersion":"5"},"items":{}}'),
    ],
)
def test_garbage_for_a_list_is_trouble(body: bytes) -> None:
    """A captive portal, a proxy, another program on that port."""
    server, ended_by = play(body, listed(READY), [STEADY])
    trouble, *told = server.reports()
    assert trouble.startswith("trouble the API server's answer is no ")
    assert told == TOLD_READY
    assert ended_by == ""


@pytest.mark.parametrize(
    "line",
    [
        *(b"garbage\n", b"7\n", b"{}\n", b'{"type":"ADDED"}\n', b'{"type":1,"object":{}}\n', b'{"type":"ADDED","object":[]}\n'),
        *(b'{"type":"ADD', b"[" * 200_000 + b"\n", event("ADDED", {"metadata": {"name": POD}})),
        *(gone("410"), gone(None), gone(500), gone(10**400)),
    ],
)
def test_garbage_in_a_watch_is_trouble(line: Any) -> None:
    """A new list tells how things are."""
    server, ended_by = play(listed(READY), [STEADY, line], listed(READY), [STEADY])
    reports = server.reports()
    assert [*reports[:2], *reports[3:]] == TOLD_READY * 2
    assert reports[2].startswith("trouble the API server")
    assert server.requests[2] == "list within 10"
    assert ended_by == ""


def test_an_item_that_is_no_pod_is_trouble() -> None:
    """What is wrong with it is told."""
    broken = {"metadata": {"name": POD, "uid": "u"}, "status": {"containerStatuses": 7}}
    server, _ = play(listed(broken), listed(READY), [STEADY])
    assert server.reports()[0] == "trouble the API server's answer is no pod: pod.status.containerStatuses is no list: 7; trying again"


@pytest.mark.parametrize("value", [{"metadata": None}, {"metadata": {"name": POD}}, {"metadata": {"resourceVersion": 7}}, {}])
def test_events_without_a_version_keep_the_last_one(value: dict[str, Any]) -> None:
    """Bookmarks of servers that have no idea what they are for."""
    server, _ = play(listed(READY), [bookmark("30"), event("BOOKMARK", value), STEADY], [STEADY])
    assert server.requests[2] == "watch from 30 for 10"
