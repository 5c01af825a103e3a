"""In koordinator's place, with an API server that is in trouble: where koordinator stops looking for good, we go on."""

from __future__ import annotations

from signal import SIGTERM
from typing import TYPE_CHECKING

import pytest

from support import api_faults
from support.clusters import helper_of
from support.koordinators import assert_never_started, start, start_waiting
from support.pods import READY, RUNNING, ended
from support.processes import kill, wait_gone

if TYPE_CHECKING:
    from support.api_connection import Fault
    from support.clusters import Cluster
    from support.supervisors import Supervisor

START, STOP = {"startDeps": ["server"]}, {"stopDeps": ["server"]}
ANSWERS = [api_faults.INTERNAL, api_faults.UNAVAILABLE, api_faults.TOO_MANY, api_faults.GONE, api_faults.reset, api_faults.garbage]
ANSWER_NAMES = ["500", "503", "429", "410", "reset", "garbage"]
IN_WATCHES = [api_faults.cut, api_faults.expire, api_faults.error_event, api_faults.reset, api_faults.end_in_a_line, api_faults.garbage_line]
IN_WATCH_NAMES = ["ended", "410", "500", "reset", "half a line", "garbage"]


def start_sidecar(cluster: Cluster, spec: dict[str, object] | None = None) -> Supervisor:
    """Start one whose stop dependency lives, and return when its command runs, and the pod is watched."""
    cluster.tell(server=RUNNING)
    sidecar = start(cluster, spec or STOP, "on 15 exit 9")
    sidecar.ready()
    cluster.server.wait_for_watch()
    return sidecar


# ── before the start ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", ANSWERS, ids=ANSWER_NAMES)
@pytest.mark.parametrize("verb", ["list", "watch"])
def test_start_comes_after_a_failure(cluster: Cluster, fault: Fault, verb: str) -> None:
    """One failed request, before anything is known or after."""
    cluster.tell(server=RUNNING)
    cluster.server.fail(fault, verb=verb)
    main = start_waiting(cluster, START, "exit 4")
    cluster.tell(server=READY)
    assert main.end() == 4


@pytest.mark.parametrize("fault", IN_WATCHES, ids=IN_WATCH_NAMES)
def test_start_comes_after_a_broken_watch(cluster: Cluster, fault: Fault) -> None:
    """Ended by the server, or otherwise."""
    cluster.tell(server=RUNNING)
    main = start_waiting(cluster, START, "exit 4")
    cluster.server.in_watches(fault)
    cluster.tell(server=READY)
    assert main.end() == 4


def test_start_comes_when_the_server_comes(cluster: Cluster) -> None:
    """Connections are refused for a while. A SIGTERM would end the wait meanwhile."""
    cluster.tell(server=READY)
    cluster.server.go_away()
    main, other = start(cluster, START, "exit 4"), start(cluster, START)
    for each in (main, other):
        each.next_record('"level":"warning"')
    other.send(SIGTERM)
    assert_never_started(other, 143)
    cluster.server.listen()
    assert main.end() == 4


@pytest.mark.parametrize("spec", [START, STOP])
def test_missing_role_fails_with_the_role_to_apply(cluster: Cluster, spec: dict[str, object]) -> None:
    """Exit 1 within seconds, by a message that has the commands: koordinator hangs."""
    cluster.tell(server=READY)
    cluster.server.verbs.clear()
    main = start(cluster, spec)
    assert_never_started(main, 1)
    error = main.error()
    assert "forbidden" in error
    assert "kubectl create role" in error
    assert "--serviceaccount=shop:default" in error


def test_role_that_is_applied_with_the_pod_is_waited_for(cluster: Cluster) -> None:
    """It takes a moment to count."""
    cluster.tell(server=READY)
    cluster.server.verbs.clear()
    main = start(cluster, START, "exit 4")
    cluster.server.wait_for_requests(1)
    cluster.server.verbs |= {"list", "watch"}
    assert main.end() == 4


def test_pod_that_is_deleted_during_the_wait_ends_it(cluster: Cluster) -> None:
    """It will never be ready any more. An ordinary stop, as by the SIGTERM that comes with it: no error."""
    cluster.tell(server=RUNNING)
    main = start_waiting(cluster, START)
    cluster.server.remove(cluster.pod)
    assert_never_started(main, 143)
    assert [line for line in main.log() if line["level"] == "error"] == []


# ── after the start ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", IN_WATCHES, ids=IN_WATCH_NAMES)
def test_stop_comes_after_a_broken_watch(cluster: Cluster, fault: Fault) -> None:
    """The end of the stop dependency is seen however the watch ended before."""
    sidecar = start_sidecar(cluster)
    cluster.server.in_watches(fault)
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0


@pytest.mark.parametrize("fault", ANSWERS, ids=ANSWER_NAMES)
def test_stop_comes_after_a_failure(cluster: Cluster, fault: Fault) -> None:
    """The same when the next list fails."""
    sidecar = start_sidecar(cluster)
    cluster.server.fail(fault, fault)
    cluster.server.in_watches(api_faults.reset)
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0


def test_stop_comes_although_it_came_while_nobody_could_look(cluster: Cluster) -> None:
    """The server is away for a while, and forgets its history."""
    sidecar = start_sidecar(cluster)
    cluster.server.go_away()
    sidecar.next_record('"level":"warning"')
    cluster.tell(server=ended(0))
    cluster.server.compact()
    cluster.server.listen()
    assert sidecar.end() == 0


def test_token_may_rotate(cluster: Cluster) -> None:
    """Each connection has the token of its time."""
    sidecar = start_sidecar(cluster)
    cluster.rotate_token()
    cluster.server.in_watches(api_faults.cut)
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0
    assert all(token not in sidecar.logged_so_far() for token in cluster.tokens)


@pytest.mark.parametrize(("harm", "word"), [("role", "forbidden"), ("pod", "deleted")])
def test_command_lives_on_whatever_happens_to_the_watch(cluster: Cluster, harm: str, word: str) -> None:
    """A Role that is taken away, a pod that is deleted: it is told, but the command is not to blame, and signals reach it."""
    sidecar = start_sidecar(cluster)
    if harm == "role":
        cluster.server.verbs.clear()
    else:
        cluster.server.remove(cluster.pod)
    cluster.server.in_watches(api_faults.cut)
    sidecar.next_record(word)
    sidecar.settle()
    assert not sidecar.ended
    sidecar.send(SIGTERM)
    assert sidecar.end() == 9


def test_helper_that_is_killed_is_started_again(cluster: Cluster) -> None:
    """The command lives on, and the stop dependency's end is seen."""
    sidecar = start_sidecar(cluster)
    helper = helper_of(sidecar)
    kill(helper)
    wait_gone(helper)
    sidecar.next_record('"level":"warning"')
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0


def test_watch_dies_with_its_supervisor(cluster: Cluster) -> None:
    """SIGKILL: neither the command nor the watch stays behind."""
    sidecar = start_sidecar(cluster)
    child, helper = sidecar.child, helper_of(sidecar)
    sidecar.kill()
    wait_gone(child)
    wait_gone(helper)
    cluster.server.wait_until_alone()
