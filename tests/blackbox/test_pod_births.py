"""Birth dependencies that are read from the pod's status: the child starts when they are as wanted, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.api_server import ApiServer
from support.clusters import USER, Cluster, assert_never_started
from support.graveyards import HeldLock
from support.pods import CREATING, READY, RUNNING, STARTING, Pod, Status, ended, waiting
from support.world import World

if TYPE_CHECKING:
    from support.forms import Installation
    from support.supervisors import Supervisor


def assert_waits(client: Supervisor, news: str) -> None:
    """Check that the child is not started by this piece of news."""
    client.event(news)
    client.settle()
    assert not client.has_started_its_child()


def test_child_starts_at_once_when_its_dependency_was_ready_before(cluster: Cluster) -> None:
    """The first state counts like any later one. Inside a cluster, nothing but the names has to be set."""
    cluster.tell(server=READY)
    assert cluster.start("exit 0", birth_deps="server").end() == 0


def test_child_starts_when_its_dependency_becomes_ready(cluster: Cluster) -> None:
    """The wait ends with the change that the watch tells: nothing is polled."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0")
    for status in (STARTING, RUNNING):
        cluster.tell(server=status)
        assert_waits(client, "server: running")
    cluster.tell(server=READY)
    assert client.end() == 0
    assert "Born" in client.stone()
    assert (len(cluster.server.asked("list")), len(cluster.server.asked("watch"))) == (1, 1)


def test_what_is_asked_is_what_the_role_of_the_manual_allows(cluster: Cluster) -> None:
    """List and watch of the one pod, and nothing else: never a get by name."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0")
    cluster.tell(server=READY)
    assert client.end() == 0
    assert {request.path for request in cluster.server.requests} == {"/api/v1/namespaces/shop/pods"}
    assert {request.query["fieldSelector"] for request in cluster.server.requests} == {"metadata.name=shop-0"}


def test_all_have_to_be_ready_in_one_and_the_same_state(cluster: Cluster) -> None:
    """One that loses its readiness while another gains it: they were never ready together, and the child is not started."""
    cluster.have(Pod(containers="client a b"))
    cluster.tell(a=READY, b=RUNNING)
    client = cluster.start_waiting("a, b ,a", "exit 0")
    assert_waits(client, "a: ready")
    cluster.tell(a=RUNNING, b=READY)
    assert_waits(client, "b: ready")
    cluster.tell(a=READY)
    assert client.end() == 0


def test_started_does_not_wait_for_readiness(cluster: Cluster) -> None:
    """`NAME:started` is a container that runs and whose startup probe has succeeded."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server:started", "exit 0")
    cluster.tell(server=STARTING)
    assert_waits(client, "server: running")
    cluster.tell(server=RUNNING)
    assert client.end() == 0


@pytest.mark.parametrize(("condition", "code"), [("exited", 0), ("exited", 3), ("succeeded", 0), ("failed", 3)])
@pytest.mark.parametrize("before", [True, False])
def test_child_can_wait_for_the_end_of_another(cluster: Cluster, condition: str, code: int, *, before: bool) -> None:
    """`exited` wants any end, `succeeded` one with 0, `failed` any other; before we looked, or later. The policy changes nothing of that."""
    cluster.have(Pod(policy="Never" if code else "Always"))
    cluster.tell(server=ended(code) if before else READY)
    client = cluster.start("exit 0", birth_deps=f"server:{condition}", birth_timeout="0")
    if not before:
        cluster.server.wait_for_watch()
        cluster.tell(server=ended(code))
    assert client.end() == 0


@pytest.mark.parametrize("status", [READY.again(code=3), waiting("CrashLoopBackOff").again(code=3)])
def test_end_of_a_former_life_is_none(cluster: Cluster, status: Status) -> None:
    """`lastState` tells of an end that is over: the container runs again, or is about to."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server:failed", "exit 0")
    cluster.tell(server=status)
    assert_waits(client, "server: ")
    cluster.tell(server=ended(3))
    assert client.end() == 0


def test_native_sidecar_is_a_dependency_like_any_other(cluster: Cluster) -> None:
    """Its state is among those of the init containers."""
    cluster.have(Pod(containers="client", sidecars="proxy"))
    cluster.tell(proxy=RUNNING)
    client = cluster.start_waiting("proxy", "exit 0")
    cluster.tell(proxy=READY)
    assert client.end() == 0


def test_init_container_that_has_succeeded(cluster: Cluster) -> None:
    """It can be named as well, though it is always over by the time that we run."""
    cluster.have(Pod(containers="client", inits="setup"))
    cluster.tell(setup=ended(0))
    assert cluster.start("exit 0", birth_deps="setup:succeeded,setup:exited").end() == 0


def test_pod_whose_status_is_still_empty(cluster: Cluster) -> None:
    """Nothing is known of a container before the kubelet has reported: that is waited for."""
    cluster.server.put(cluster.pod)
    client = cluster.start_waiting("server", "exit 0")
    client.event("server: ")
    cluster.tell(server=READY)
    assert client.end() == 0


def test_pod_that_is_listed_later(cluster: Cluster) -> None:
    """A server that is behind the times may not know our pod yet."""
    client = cluster.start_waiting("server", "exit 0")
    cluster.tell(server=READY)
    assert client.end() == 0


def test_only_what_is_wanted_has_to_be_ready(cluster: Cluster) -> None:
    """Others may be in any state; so may other pods, of which the server tells nothing if it is asked rightly."""
    cluster.have(Pod(containers="client server broken"))
    cluster.tell(server=READY, broken=waiting("ImagePullBackOff"))
    other = Pod("shop-1")
    other.being_deleted = True
    cluster.server.put(other)
    assert cluster.start("exit 0", birth_deps="server").end() == 0


def test_readiness_that_is_lost_after_the_start_changes_nothing(cluster: Cluster) -> None:
    """A birth dependency is for the birth alone: nobody even watches any more."""
    cluster.tell(server=READY)
    client = cluster.start("on 15 exit 6", birth_deps="server")
    client.ready()
    cluster.server.wait_until_alone()
    cluster.tell(server=ended(1))
    client.send(15)
    assert client.end() == 6


def test_pod_as_large_as_they_come(cluster: Cluster) -> None:
    """Etcd takes objects of a megabyte and a half; one change comes as one line."""
    cluster.pod.annotations["padding"] = "x" * 1_400_000
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0")
    cluster.tell(server=READY)
    assert client.end() == 0


def test_many_changes_at_once(cluster: Cluster) -> None:
    """Only what is true now counts; all that came before it may be skipped."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0")
    for number in range(500):
        cluster.tell(server=RUNNING.again(number + 1))
    cluster.tell(server=READY.again(501))
    assert client.end() == 0


def test_server_with_an_address_of_version_six(installation: Installation, pod_files: None) -> None:  # noqa: ARG001  mounts
    """The kubelet gives the bare address."""
    with Cluster(World(installation), host="::1") as cluster:
        cluster.tell(server=READY)
        assert cluster.start("exit 0", birth_deps="server").end() == 0


def test_service_whose_address_is_a_name(cluster: Cluster) -> None:
    """It may be one that /etc/hosts knows; the certificate is for it, too."""
    cluster.tell(server=READY)
    assert cluster.start("exit 0", birth_deps="server", KUBERNETES_SERVICE_HOST="localhost").end() == 0


def test_dead_death_dependency_ends_the_wait(cluster: Cluster) -> None:
    """Deaths in the graveyard are seen while the pod is watched."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", death_deps="main")
    with HeldLock(cluster.world.graveyard, "main"):
        cluster.world.graveyard.carve_died("main", 0)
        assert "main" in assert_never_started(client, 0, "DependencyDied")


def test_readiness_of_the_graveyard_needs_no_server(cluster: Cluster) -> None:
    """KUBEXIT_READINESS=graveyard in a cluster: nobody is asked, and no Role is needed."""
    with ApiServer() as idle:
        idle.tokens[cluster.account.token] = USER
        client = cluster.start("exit 0", birth_deps="server", readiness="graveyard", KUBERNETES_SERVICE_PORT=str(idle.port), instant_logging="1")
        client.settle()
        cluster.world.graveyard.carve_born("server")
        assert client.end() == 0
        assert idle.connections == 0


def test_readiness_of_the_pod_can_be_asked_for(cluster: Cluster) -> None:
    """KUBEXIT_READINESS=kubernetes is what is set by itself in a cluster. Tombstones are no readiness then."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0", readiness="kubernetes")
    cluster.world.graveyard.carve_born("server")
    client.settle()
    assert not client.has_started_its_child()
    cluster.tell(server=READY)
    assert client.end() == 0
