"""API servers are updated, overloaded and cut off: a wait for the pod's status survives all of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from support import api_faults
from support.clusters import assert_never_started
from support.pods import CREATING, READY, RUNNING

if TYPE_CHECKING:
    from support.api_connection import Fault
    from support.clusters import Cluster

INSTEAD = {
    "reset": api_faults.reset,
    "hang-up": api_faults.hang_up,
    "reset-within": api_faults.reset_in_an_answer,
    "too-short": api_faults.short_answer,
    "garbage": api_faults.garbage,
    "wrong-json": api_faults.wrong_json,
    "401": api_faults.UNAUTHORIZED,
    "404": api_faults.NOT_FOUND,
    "410": api_faults.GONE,
    "429": api_faults.TOO_MANY,
    "500": api_faults.INTERNAL,
    "503": api_faults.UNAVAILABLE,
    "redirect": api_faults.redirect("https://127.0.0.1:1/"),
}
WITHIN = {
    "cut": api_faults.cut,
    "410-event": api_faults.expire,
    "500-event": api_faults.error_event,
    "cut-in-a-line": api_faults.end_in_a_line,
    "garbage-line": api_faults.garbage_line,
    "wrong-event": api_faults.wrong_event,
    "reset": api_faults.reset,
    "hang-up": api_faults.hang_up,
    "bookmark": api_faults.bookmark,
}


@pytest.mark.parametrize("fault", INSTEAD.values(), ids=INSTEAD.keys())
@pytest.mark.parametrize("verb", ["list", "watch"])
def test_wait_survives_what_comes_instead_of_an_answer(cluster: Cluster, verb: str, fault: Fault) -> None:
    """It asks again, and sees what becomes true then."""
    cluster.tell(server=CREATING)
    cluster.server.fail(fault, fault, verb=verb)
    client = cluster.start_waiting("server", "exit 0")
    assert len(cluster.server.asked(verb)) == 3
    cluster.tell(server=READY)
    assert client.end() == 0


@pytest.mark.parametrize("fault", WITHIN.values(), ids=WITHIN.keys())
def test_wait_survives_what_happens_to_a_watch(cluster: Cluster, fault: Fault) -> None:
    """Nothing of what happens meanwhile is lost, and nothing that has happened before is needed again."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0")
    for status in (RUNNING, CREATING, READY):
        cluster.server.in_watches(fault)
        cluster.tell(server=status)
    assert client.end() == 0


def test_bookmarks_tell_from_where_to_go_on(cluster: Cluster) -> None:
    """The server forgets old changes. Whoever heeds bookmarks never has to begin anew because of that."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0")
    cluster.server.compact()
    cluster.server.in_watches(api_faults.bookmark, api_faults.cut)
    cluster.server.wait_for_requests(2, "watch")
    assert cluster.server.asked("watch")[1].query["resourceVersion"] == str(cluster.server.version)
    cluster.tell(server=READY)
    assert client.end() == 0
    assert len(cluster.server.asked("list")) == 1


def test_watch_that_has_fallen_behind_begins_anew(cluster: Cluster) -> None:
    """Without a bookmark its version is too old after a while: 410 is the server's way to say so."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0")
    cluster.server.compact()
    cluster.server.in_watches(api_faults.cut)
    cluster.server.wait_for_requests(2, "list")
    cluster.server.wait_for_watch()
    cluster.tell(server=READY)
    assert client.end() == 0


def test_server_that_is_away_for_a_while(cluster: Cluster) -> None:
    """Nobody listens: at the start, and in the middle. What becomes true meanwhile is seen when it is back."""
    cluster.server.go_away()
    client = cluster.start("exit 0", birth_deps="server", birth_timeout="0", instant_logging="1")
    assert "cannot reach" in client.next_record('"level":"warning"')["message"]
    cluster.tell(server=CREATING)
    cluster.server.listen()
    cluster.server.wait_for_watch()
    cluster.server.go_away()
    cluster.tell(server=READY)
    cluster.server.listen()
    assert client.end() == 0


def test_questions_come_slower_and_slower(cluster: Cluster) -> None:
    """A server in trouble is not helped by more of them. Five questions in a row take more than a second."""
    cluster.tell(server=READY)
    cluster.server.fail_always(api_faults.INTERNAL)
    client = cluster.start("exit 0", birth_deps="server", birth_timeout="0")
    cluster.server.wait_for_requests(5)
    cluster.server.fail_always(None)
    assert client.end() == 0
    pauses = [later.at - earlier.at for earlier, later in pairwise(cluster.server.asked("list")[:5])]
    assert sum(pauses) > 1
    assert pauses[-1] > pauses[0]


def test_server_that_asks_for_patience_gets_it(cluster: Cluster) -> None:
    """Retry-After: 1 is the least pause then."""
    cluster.tell(server=READY)
    cluster.server.fail(api_faults.TOO_MANY)
    assert cluster.start("exit 0", birth_deps="server").end() == 0
    first, second = cluster.server.asked("list")
    assert second.at - first.at >= 1


@pytest.mark.parametrize("order", ["the file first", "the server first"])
def test_token_that_rotates(cluster: Cluster, order: str) -> None:
    """The kubelet writes a new one now and then, and the old one ceases to be good: it is read again, and again after a 401."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0")
    if order == "the file first":
        cluster.rotate_token()
        cluster.server.in_watches(api_faults.expire)
    else:
        known, cluster.server.tokens = cluster.server.tokens, {}
        cluster.server.in_watches(api_faults.expire)
        cluster.server.wait_for_requests(3)
        cluster.server.tokens = known
        cluster.rotate_token()
    cluster.server.wait_until(lambda: cluster.server.requests[-1].token == cluster.tokens[-1], "the new token")
    cluster.tell(server=READY)
    assert client.end() == 0


def test_troubles_are_warnings_and_told_once(cluster: Cluster) -> None:
    """The log says what is wrong while it is, not at each of the tries."""
    cluster.tell(server=READY)
    cluster.server.fail_always(api_faults.UNAVAILABLE)
    client = cluster.start("exit 0", birth_deps="server", birth_timeout="0")
    cluster.server.wait_for_requests(4)
    cluster.server.fail_always(None)
    assert client.end() == 0
    [warning] = client.warnings()
    assert "503" in warning
    assert f"https://127.0.0.1:{cluster.server.port}" in warning


def test_timeout_holds_in_all_troubles(cluster: Cluster) -> None:
    """KUBEXIT_BIRTH_TIMEOUT is the supervisor's own: a silent server does not stretch it."""
    cluster.server.fail_connections(api_faults.silence)
    client = cluster.start(birth_deps="server", birth_timeout="1500ms")
    assert "server" in assert_never_started(client, 1, "BirthTimeout")


# Each of these takes as long as the helper is patient: 5 or 10 seconds.
SILENCES = {"in-a-watch": api_faults.silence, "in-a-line": api_faults.half_a_line}


@pytest.mark.parametrize("fault", SILENCES.values(), ids=SILENCES.keys())
def test_watch_that_goes_silent_is_given_up(cluster: Cluster, fault: Fault) -> None:
    """The connection stands, and nothing comes any more, though a list would have shown the news."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0", birth_timeout="25s")
    cluster.server.in_watches(fault)
    cluster.tell(server=READY)
    assert client.end() == 0


def test_servers_that_take_a_connection_and_say_nothing(cluster: Cluster) -> None:
    """Not even a handshake; then no answer; then half of one."""
    cluster.tell(server=READY)
    cluster.server.fail_connections(api_faults.silence)
    client = cluster.start("exit 0", birth_deps="server", birth_timeout="0")
    cluster.server.wait_until(lambda: cluster.server.connections == 2, "a second connection")
    cluster.server.fail_connections(None)
    cluster.server.go_away()
    cluster.server.listen()
    assert client.end() == 0


@pytest.mark.parametrize("fault", [api_faults.silence, api_faults.half_an_answer])
def test_answer_that_does_not_come_is_not_awaited_for_ever(cluster: Cluster, fault: Fault) -> None:
    """A list is asked for once more."""
    cluster.tell(server=READY)
    cluster.server.fail(fault, verb="list")
    assert cluster.start("exit 0", birth_deps="server", birth_timeout="29s").end() == 0
