"""Waits for the pod's status that can come to no good end: they end soon, and say what is wrong and with whom."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from support import api_faults
from support.clusters import assert_never_started
from support.pods import CREATING, READY, RUNNING, STARTING, Pod, Status, ended, waiting
from support.service_account import ACCOUNT

if TYPE_CHECKING:
    from support.clusters import Cluster

GRANTING = 20  # seconds: within these a missing Role has to be told


def test_timeout_names_what_is_missing_with_its_state(cluster: Cluster) -> None:
    """Each dependency that is not as wanted, in the kubelet's own words; none that is."""
    cluster.have(Pod(containers="client ready pulling starting running crashing", sidecars="proxy"))
    why = "Back-off pulling image: nowhere.invalid/x:1"
    cluster.tell(ready=READY, pulling=waiting("ImagePullBackOff", why), starting=STARTING, running=RUNNING, proxy=RUNNING)
    cluster.tell(crashing=waiting("CrashLoopBackOff").again(4, code=137))
    client = cluster.start(birth_deps="ready,pulling,starting,running:ready,crashing,proxy", birth_timeout="3s")
    message = assert_never_started(client, 1, "BirthTimeout")
    for words in ("pulling (wanted: ready): not ready, waiting: ImagePullBackOff", why, "starting (", "running (", "crashing (", "proxy ("):
        assert words in message
    assert "CrashLoopBackOff" in message
    assert "137" in message
    assert "ready (" not in message
    assert client.error() == message


def test_timeout_names_the_state_of_the_last_moment(cluster: Cluster) -> None:
    """Not the one that was seen first."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", birth_timeout="3s")
    cluster.tell(server=RUNNING)
    message = assert_never_started(client, 1, "BirthTimeout")
    assert "server (wanted: ready): running, not ready" in message
    assert "ContainerCreating" not in message


def test_timeout_names_what_kept_us_from_looking(cluster: Cluster) -> None:
    """It may be the API server that is to blame."""
    cluster.server.fail_always(api_faults.INTERNAL)
    message = assert_never_started(cluster.start(birth_deps="server", birth_timeout="2s"), 1, "BirthTimeout")
    assert "server" in message
    assert "500" in message


@pytest.mark.parametrize(("policy", "code"), [("Never", 0), ("Never", 3), ("OnFailure", 0)])
@pytest.mark.parametrize("before", [True, False])
def test_end_after_which_nobody_comes_back(cluster: Cluster, policy: str, code: int, *, before: bool) -> None:
    """The pod's restartPolicy leaves it ended: it will never be ready."""
    cluster.have(Pod(policy=policy))
    cluster.tell(server=ended(code) if before else RUNNING)
    client = cluster.start(birth_deps="server", birth_timeout="0")
    if not before:
        cluster.server.wait_for_watch()
        cluster.tell(server=ended(code))
    message = assert_never_started(client, 1, "DependencyFailed")
    assert f"server exited {code}" in message


@pytest.mark.parametrize(("policy", "end"), [("OnFailure", ended(3)), ("Always", ended(3)), ("Always", ended(0)), ("Never", CREATING)])
def test_end_after_which_it_comes_back_is_waited_out(cluster: Cluster, policy: str, end: Status) -> None:
    """The kubelet starts it again."""
    cluster.have(Pod(policy=policy))
    cluster.tell(server=end)
    client = cluster.start_waiting("server", "exit 0")
    client.event("server: ")
    cluster.tell(server=RUNNING.again())
    client.event("server: running")
    cluster.tell(server=READY.again())
    assert client.end() == 0


def test_native_sidecar_always_comes_back(cluster: Cluster) -> None:
    """Its own restartPolicy counts, not the pod's."""
    cluster.have(Pod(containers="client", sidecars="proxy", policy="Never"))
    cluster.tell(proxy=ended(1))
    client = cluster.start_waiting("proxy", "exit 0")
    client.event("proxy: ")
    cluster.tell(proxy=READY.again())
    assert client.end() == 0


def test_name_that_is_no_container(cluster: Cluster) -> None:
    """A slip of the pen: told at once, with the names that there are."""
    cluster.have(Pod(containers="client server", sidecars="proxy", inits="setup"))
    client = cluster.start(birth_deps="server,srever", birth_timeout="0")
    message = assert_never_started(client, 1, "DependencyFailed")
    for words in ('"srever"', "shop-0", "client", "proxy", "setup"):
        assert words in message


def test_pod_that_is_being_deleted(cluster: Cluster) -> None:
    """Nothing becomes ready in it any more, at the first look or later. It ends as the kubelet's SIGTERM would end it, whichever comes first."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server")
    cluster.pod.being_deleted = True
    cluster.tell(server=CREATING)
    assert "shop-0 is being deleted" in assert_never_started(client, 143, "Terminated")
    again = cluster.start(birth_deps="server", birth_timeout="0")
    assert "shop-0 is being deleted" in assert_never_started(again, 143, "Terminated")


def test_pod_that_is_gone(cluster: Cluster) -> None:
    """Deleted with force, as when its node is lost for the API server while we still run."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server")
    cluster.server.remove(cluster.pod)
    assert "shop-0 is gone" in assert_never_started(client, 143, "Terminated")


@pytest.mark.parametrize("unseen", [True, False])
def test_pod_that_is_replaced_by_one_of_the_same_name(cluster: Cluster, *, unseen: bool) -> None:
    """A StatefulSet's next pod has our name, and another UID: its containers are not ours, ready or not. Also if we missed the change."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server")
    if unseen:
        cluster.server.fail(api_faults.UNAVAILABLE, verb="list")
        cluster.server.in_watches(api_faults.expire)
    cluster.server.remove(cluster.pod)
    cluster.have(Pod())
    cluster.tell(server=READY)
    assert "shop-0 is gone" in assert_never_started(client, 143, "Terminated")


def test_pod_of_that_name_is_not_there(cluster: Cluster) -> None:
    """The message says which name was used, and where it came from; it is waited for, since it may still be listed."""
    client = cluster.start(birth_deps="server", birth_timeout="2s", pod_name="shop-1")
    message = assert_never_started(client, 1, "BirthTimeout")
    for words in ("no pod shop-1", "namespace shop", "KUBEXIT_POD_NAME"):
        assert words in message
    [warning] = client.warnings()
    assert "no pod shop-1" in warning


@pytest.mark.parametrize("verbs", [set(), {"list"}])
def test_missing_role_is_told_within_seconds(cluster: Cluster, verbs: set[str]) -> None:
    """Forbidden, whatever the timeout is: with the commands that permit it to this very service account."""
    cluster.tell(server=READY if not verbs else CREATING)
    cluster.server.verbs = verbs
    begun = time.monotonic()
    client = cluster.start(birth_deps="server", birth_timeout="0")
    message = assert_never_started(client, 1, "DependencyFailed")
    assert time.monotonic() - begun < GRANTING
    assert "forbidden" in message
    assert "kubectl create role kubexit --verb=list,watch --resource=pods -n shop" in message
    assert "kubectl create rolebinding kubexit --role=kubexit --serviceaccount=shop:default -n shop" in message


def test_role_that_comes_a_moment_later(cluster: Cluster) -> None:
    """It was applied together with the pod."""
    cluster.tell(server=READY)
    cluster.server.verbs = set()
    client = cluster.start("exit 0", birth_deps="server", birth_timeout="0")
    cluster.server.wait_for_requests(2)
    cluster.server.verbs = {"list", "watch"}
    assert client.end() == 0


@pytest.mark.parametrize("file", ["token", "ca.crt"])
def test_service_account_that_is_not_mounted(cluster: Cluster, file: str) -> None:
    """automountServiceAccountToken: false."""
    cluster.tell(server=READY)
    (ACCOUNT / file).unlink()
    message = assert_never_started(cluster.start(birth_deps="server", birth_timeout="0"), 1, "DependencyFailed")
    assert f"/var/run/secrets/kubernetes.io/serviceaccount/{file}" in message
    assert "automountServiceAccountToken" in message


def test_no_cluster_around_us(cluster: Cluster) -> None:
    """The pod's status was asked for where there is none: a configuration error that names the way out."""
    for address in ({"KUBERNETES_SERVICE_HOST": ""}, {"KUBERNETES_SERVICE_PORT": ""}):
        client = cluster.start(birth_deps="server", readiness="kubernetes", **address)
        message = assert_never_started(client, 2, "ConfigError")
        assert next(iter(address)) in message
        assert "KUBEXIT_READINESS=graveyard" in message
