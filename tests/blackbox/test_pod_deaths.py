"""KUBEXIT_DEATH_SOURCE=kubernetes: death dependencies that nobody can wrap, read from the pod's status for as long as the child lives."""

from __future__ import annotations

from signal import SIGTERM
from typing import TYPE_CHECKING, Any

import pytest

from support import api_faults, processes
from support.clusters import assert_never_started, helper_of
from support.pods import CREATING, READY, RUNNING, Pod, Status, ended, waiting

if TYPE_CHECKING:
    from support.api_connection import Fault
    from support.clusters import Cluster
    from support.supervisors import Supervisor

OBEYS, ENDS_WITH_4 = "on 15 die", "on 15 exit 4"


def start_sidecar(cluster: Cluster, *commands: str, dependencies: str = "server", **variables: Any) -> Supervisor:
    """Start `client` as the sidecar of `server`."""
    return cluster.start(*commands, death_deps=dependencies, death_source="kubernetes", instant_logging="1", **variables)


def start_running(cluster: Cluster, *commands: str, **how: Any) -> Supervisor:
    """Start it, and return when its child runs and the pod is watched."""
    sidecar = start_sidecar(cluster, *commands, **how)
    sidecar.ready()
    cluster.server.wait_for_watch()
    return sidecar


@pytest.mark.parametrize(("code", "status"), [(0, 0), (3, 143)])
def test_end_of_a_container_stops_the_child(cluster: Cluster, code: int, status: int) -> None:
    """As with a tombstone: what it was told to do is no failure of ours if nothing has failed."""
    cluster.have(Pod(policy="Never"))
    cluster.tell(server=READY)
    sidecar = start_running(cluster, OBEYS)
    cluster.tell(server=ended(code))
    assert sidecar.end() == status
    stone = sidecar.stone()
    assert stone["Reason"] == "DependencyDied"
    assert f"server exited {code}" in stone["Message"]


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
def test_end_counts_whether_it_comes_back_or_not(cluster: Cluster, policy: str) -> None:
    """The sidecar ends with main, and both are started again if that is the policy."""
    cluster.have(Pod(policy=policy))
    cluster.tell(server=READY)
    sidecar = start_running(cluster, ENDS_WITH_4)
    cluster.tell(server=ended(3))
    assert sidecar.end() == 4


@pytest.mark.parametrize(("code", "status"), [(0, 0), (3, 143)])
def test_end_before_our_start_counts(cluster: Cluster, code: int, status: int) -> None:
    """The first state is looked at before the child is started: it never is."""
    cluster.have(Pod(policy="Never"))
    cluster.tell(server=ended(code))
    assert "server" in assert_never_started(start_sidecar(cluster), status, "DependencyDied")


def test_container_that_does_not_run_yet_keeps_nothing_from_starting(cluster: Cluster) -> None:
    """A death dependency is none for the birth: started or not, even if the kubelet has not said a word of it."""
    cluster.server.put(cluster.pod)
    sidecar = start_running(cluster, OBEYS)
    for status in (CREATING, RUNNING, READY, RUNNING, waiting("CrashLoopBackOff").again(code=5), READY.again(2)):
        cluster.tell(server=status)
    cluster.server.in_watches(api_faults.bookmark)
    sidecar.settle()
    assert not sidecar.ended
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0


def test_native_sidecars_and_init_containers_count_too(cluster: Cluster) -> None:
    """The end of any container of the pod can be a reason."""
    cluster.have(Pod(containers="client", sidecars="proxy"))
    cluster.tell(proxy=READY)
    sidecar = start_running(cluster, OBEYS, dependencies="proxy")
    cluster.tell(proxy=ended(1))
    assert sidecar.end() == 143


def test_all_of_them_can_be_asked_for(cluster: Cluster) -> None:
    """KUBEXIT_DEATH_MODE=all, with conditions."""
    cluster.have(Pod(containers="client a b", policy="Never"))
    cluster.tell(a=READY, b=READY)
    sidecar = start_running(cluster, OBEYS, dependencies="a:succeeded,b:exited", death_mode="all")
    cluster.tell(b=ended(1))
    sidecar.event("New death: b")
    sidecar.settle()
    assert not sidecar.ended
    cluster.tell(a=ended(0))
    assert sidecar.end() == 143


FAULTS = {
    "cut": api_faults.cut,
    "410": api_faults.expire,
    "reset": api_faults.reset,
    "garbage": api_faults.garbage_line,
    "cut-in-a-line": api_faults.end_in_a_line,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_watch_for_a_life_survives_everything(cluster: Cluster, fault: Fault) -> None:
    """The end is seen, though the watch has broken off twice, and the server was of no help in between."""
    cluster.tell(server=READY)
    sidecar = start_running(cluster, OBEYS)
    cluster.server.fail(api_faults.UNAVAILABLE, api_faults.reset)
    cluster.server.in_watches(fault)
    cluster.server.wait_for_requests(4, "")
    cluster.server.in_watches(fault)
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0


def test_connections_do_not_pile_up(cluster: Cluster) -> None:
    """A sidecar lives for months: what has gone wrong on the way leaves nothing open."""
    cluster.tell(server=READY)
    sidecar = start_running(cluster, OBEYS)
    for fault in (api_faults.UNAVAILABLE, api_faults.garbage, api_faults.UNAUTHORIZED):
        cluster.server.fail(fault, verb="list")
        cluster.server.in_watches(api_faults.expire)
        cluster.server.wait_for_watch()
        cluster.server.wait_until(lambda: cluster.server.open_connections == 1, "an end of all connections but one")
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0


def test_server_that_is_away_when_it_happens(cluster: Cluster) -> None:
    """An end that nobody could tell us of is told when it is back."""
    cluster.tell(server=READY)
    sidecar = start_running(cluster, OBEYS)
    cluster.server.go_away()
    cluster.tell(server=ended(0))
    sidecar.next_record('"level":"warning"')
    assert not sidecar.ended
    cluster.server.listen()
    assert sidecar.end() == 0


def test_helper_that_dies_is_started_again(cluster: Cluster) -> None:
    """The child lives on; what has happened meanwhile is seen by the next one. The log says so."""
    cluster.tell(server=READY)
    sidecar = start_running(cluster, OBEYS)
    first = helper_of(sidecar)
    cluster.server.fail_always(api_faults.silence)
    processes.kill(first)
    assert "SIGKILL" in sidecar.next_record('"level":"warning"')["message"]
    cluster.tell(server=ended(0))
    cluster.server.fail_always(None)
    assert sidecar.end() == 0
    assert len(cluster.server.asked("list")) == 2


def test_role_that_is_taken_away_is_a_warning(cluster: Cluster) -> None:
    """Nothing is known of main then, and that is no reason to stop. When the Role is back, so is the watch."""
    cluster.tell(server=READY)
    sidecar = start_running(cluster, OBEYS)
    cluster.server.verbs = set()
    cluster.server.in_watches(api_faults.cut)
    assert "kubectl create role" in sidecar.next_record("forbidden")["message"]
    cluster.server.wait_for_requests(6)
    assert not sidecar.ended
    cluster.server.verbs = {"list", "watch"}
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0


def test_missing_role_ends_a_start(cluster: Cluster) -> None:
    """Who can never see a death must not begin a life that waits for it."""
    cluster.tell(server=READY)
    cluster.server.verbs = set()
    assert "forbidden" in assert_never_started(start_sidecar(cluster), 1, "DependencyFailed")


def test_name_that_is_no_container_is_a_warning(cluster: Cluster) -> None:
    """Its end will never be seen; the others' are."""
    cluster.tell(server=READY)
    sidecar = start_running(cluster, OBEYS, dependencies="srever,server")
    message = sidecar.next_record('"level":"warning","message":"the pod')["message"]
    assert '"srever"' in message
    assert "client, server" in message
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0


@pytest.mark.parametrize("again", [READY.again(1, code=3), ended(3).again(1)])
def test_old_failure_of_one_that_comes_back_does_not_count_after_our_own_restart(cluster: Cluster, again: Status) -> None:
    """Main failed, took us with it, and is about to be started again: its next end counts, the last one does not."""
    cluster.have(Pod(policy="OnFailure"))
    cluster.tell(server=ended(3), client=RUNNING.again(1, code=143))
    sidecar = start_running(cluster, OBEYS)
    sidecar.settle()
    assert not sidecar.ended
    cluster.tell(server=again)
    if not again.ready:  # it came back, and failed again, before anybody could see it alive
        assert sidecar.end() == 143
        return
    sidecar.settle()
    assert not sidecar.ended
    cluster.tell(server=ended(0).again(1))
    assert sidecar.end() == 0


@pytest.mark.parametrize(("policy", "code", "status"), [("Never", 3, 143), ("OnFailure", 0, 0)])
def test_old_end_of_one_that_stays_away_counts_after_our_own_restart(cluster: Cluster, policy: str, code: int, status: int) -> None:
    """Nobody will start it again: there is nothing to live for."""
    cluster.have(Pod(policy=policy))
    cluster.tell(server=ended(code), client=RUNNING.again(1, code=1))
    assert_never_started(start_sidecar(cluster), status, "DependencyDied")


def test_pod_that_is_being_deleted_is_watched_to_its_end(cluster: Cluster) -> None:
    """Everybody is told to stop then; who has to outlive main does so."""
    cluster.tell(server=READY)
    sidecar = start_running(cluster, OBEYS)
    cluster.pod.being_deleted = True
    cluster.tell(server=READY)
    cluster.server.in_watches(api_faults.bookmark)
    sidecar.settle()
    assert not sidecar.ended
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0


def test_one_watch_for_births_and_deaths(cluster: Cluster) -> None:
    """The helper of the wait stays."""
    cluster.have(Pod(containers="client server main"))
    cluster.tell(server=CREATING, main=READY)
    sidecar = start_sidecar(cluster, OBEYS, dependencies="main", birth_deps="server")
    cluster.server.wait_for_watch()
    helper = helper_of(sidecar)
    cluster.tell(server=READY)
    sidecar.ready()
    assert helper_of(sidecar) == helper
    cluster.tell(server=ended(1))
    sidecar.settle()
    assert not sidecar.ended
    cluster.tell(main=ended(0))
    assert sidecar.end() == 0
    assert len(cluster.server.asked("list")) == 1


def test_end_by_ourselves_ends_the_watch(cluster: Cluster) -> None:
    """The child ends, or is told to from outside: nothing is left of the helper."""
    cluster.tell(server=READY)
    assert start_sidecar(cluster, "exit 5").end() == 5
    cluster.server.wait_until_alone()
    sidecar = start_running(cluster, "on 15 exit 6")
    helper = helper_of(sidecar)
    sidecar.send(SIGTERM)
    assert sidecar.end() == 6
    processes.wait_gone(helper)
