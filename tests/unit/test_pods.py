"""What is known of a container by its pod's status."""

from __future__ import annotations

from typing import Any

import pytest

from kubexit.domain.dependencies import UNSEEN, Container
from kubexit.domain.pods import Pod, container_of, read_pod
from unit.pod_objects import POD, RUNNING, UID, ended, pod_of, spec_of, status_of, waiting


def container(status: dict[str, Any], **spec: Any) -> Container:
    return read_pod(pod_of(status, **spec)).containers[status["name"]]


def test_reads_which_pod_it_is() -> None:
    """Name and UID, for an answer about another pod; the version, for the next watch."""
    pod = read_pod(pod_of(status_of("main"), init=(status_of("setup"),)))
    assert (pod.name, pod.uid, pod.version, pod.deleting, pod.names) == (POD, UID, "7", False, ("setup", "main"))


def test_a_pod_with_a_deletion_timestamp_is_being_deleted_and_nothing_in_it_comes_back() -> None:
    """The object stays until the last container has ended."""
    value = pod_of(status_of("main", ended(1)), status_of("other", RUNNING))
    value["metadata"]["deletionTimestamp"] = "2026-11-20T03:12:18Z"
    pod = read_pod(value)
    assert pod.deleting
    assert not any(one.comes_back for one in pod.containers.values())
    assert pod.containers["main"].state == "exited 1"


@pytest.mark.parametrize(
    ("status", "started", "ready"),
    [
        pytest.param(status_of("main", RUNNING, ready=True, started=True), True, True, id="ready"),
        pytest.param(status_of("main", RUNNING, ready=False, started=True), True, False, id="its readiness probe fails"),
        pytest.param(status_of("main", RUNNING, ready=False, started=False), False, False, id="its startup probe has not succeeded"),
        pytest.param(status_of("main", RUNNING, ready=False), True, False, id="a server before 1.18: no `started`"),
        pytest.param(status_of("main", RUNNING, ready=False, started=None), True, False, id="null is as good as nothing"),
        pytest.param(status_of("main", RUNNING, ready=True, started=False), True, True, id="what is ready is started"),
        pytest.param(status_of("main", waiting("ContainerCreating"), started=False), False, False, id="being created"),
        pytest.param(status_of("main", waiting("CrashLoopBackOff"), started=False, lastState=ended(1)), False, False, id="to be restarted"),
        pytest.param(status_of("main"), False, False, id="no state at all"),
        pytest.param(status_of("main", ended(0), ready=True, started=True), False, False, id="ended: `ready` of an init container stays true"),
    ],
)
def test_tells_started_and_ready(status: dict[str, Any], started: bool, ready: bool) -> None:
    """`started` where the server says it, a running state where not; nothing of that once it has ended."""
    found = container(status)
    assert (found.started, found.ready) == (started, ready)


def test_an_end_before_a_restart_is_none() -> None:
    """`lastState` tells of an earlier life: the container runs."""
    found = container(status_of("main", RUNNING, ready=True, lastState=ended(1), restartCount=4))
    assert not found.ended
    assert found.exit_code == 0
    assert found.restarts == 4


def test_a_negative_number_of_restarts_is_none() -> None:
    """No server says so."""
    assert container(status_of("main", restartCount=-3)).restarts == 0
    assert container(status_of("main", restartCount=None)).restarts == 0


@pytest.mark.parametrize("code", [0, 3, 137, -1, 2**31 - 1])
def test_tells_the_exit_code_of_an_end(code: int) -> None:
    """Windows has codes of 32 bits; the kubelet writes -1 where it does not know."""
    found = container(status_of("main", ended(code), restartCount=1))
    assert (found.ended, found.exit_code, found.succeeded, found.restarts) == (True, code, code == 0, 1)


def test_native_sidecars_and_init_containers_count() -> None:
    """They have a list of their own: `status.initContainerStatuses`."""
    init = (status_of("setup", ended(0, "Completed"), ready=True), status_of("proxy", RUNNING, ready=True, started=True))
    value = pod_of(status_of("main", waiting("PodInitializing")), init=init)
    pod = read_pod(value)
    assert pod.containers["setup"].succeeded
    assert pod.containers["proxy"].ready
    assert not pod.containers["main"].started


def test_a_container_that_the_status_does_not_tell_yet_is_unseen() -> None:
    """A pod that was just scheduled has no statuses."""
    value = pod_of(containers=[spec_of("main")])
    value["status"] = {"phase": "Pending"}
    pod = read_pod(value)
    assert pod.names == ("main",)
    assert container_of(pod, "main") == UNSEEN
    assert container_of(pod, "main").state == "not seen in the pod's status yet"


def test_a_status_without_a_specification_counts_too() -> None:
    """What an admission webhook, or a kubelet that is ahead of our answer, adds."""
    assert read_pod(pod_of(status_of("main"), status_of("injected"), containers=[spec_of("main")])).names == ("main", "injected")


def test_names_are_unknown_where_the_specification_is_missing() -> None:
    """Then nobody can say that a name is wrong."""
    value = pod_of(status_of("main", RUNNING))
    del value["spec"]
    pod = read_pod(value)
    assert pod.names == ()
    assert pod.containers["main"].started


def test_an_item_of_a_list_is_a_pod_without_saying_so() -> None:
    """The items of a PodList have neither kind nor apiVersion."""
    value = pod_of(status_of("main"))
    del value["kind"], value["apiVersion"]
    assert isinstance(read_pod(value), Pod)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda _: None, "metadata.uid is missing"),
        (lambda _: "pod", "pod is no object: 'pod'"),
        (lambda _: [], "pod is no object: "),
        (lambda _: {"kind": "Status", "code": 410}, "it is a Status, not a Pod"),
        (lambda pod: pod | {"kind": 1}, "pod.kind is no text: 1"),
        (lambda pod: pod | {"metadata": {"name": "x", "uid": ""}}, "pod.metadata.uid is missing"),
        (lambda pod: pod | {"metadata": {"uid": "x"}}, "pod.metadata.name is missing"),
        (lambda pod: pod | {"status": {"containerStatuses": {}}}, "pod.status.containerStatuses is no list"),
        (lambda pod: pod | {"status": {"containerStatuses": [7]}}, r"pod.status.containerStatuses\[0\] is no object: 7"),
        (lambda pod: pod | {"status": {"containerStatuses": [{}]}}, r"containerStatuses\[0\].name is missing"),
        (lambda pod: pod | {"status": {"containerStatuses": [{"name": "x" * 254}]}}, "name is missing or too long"),
        (lambda _: pod_of(status_of("main", ready="yes")), r"containerStatuses\[0\].ready is no boolean: 'yes'"),
        (lambda _: pod_of(status_of("main", ready=1)), "ready is no boolean: 1"),
        (lambda _: pod_of(status_of("main", {"terminated": {}})), "terminated.exitCode is missing"),
        (lambda _: pod_of(status_of("main", {"terminated": {"exitCode": "0"}})), "exitCode is no whole number: '0'"),
        (lambda _: pod_of(status_of("main", {"terminated": {"exitCode": True}})), "exitCode is no whole number of 32 bits: True"),
        (lambda _: pod_of(status_of("main", {"terminated": {"exitCode": 2**31}})), "no whole number of 32 bits"),
        (lambda _: pod_of(status_of("main", restartCount=1.5)), "restartCount is no whole number: 1.5"),
        (lambda _: pod_of(status_of("main", restartCount=float("inf"))), "restartCount is no whole number: inf"),
        (lambda _: pod_of(status_of("main", restartCount="9" * 9999)), "restartCount is no whole number: '999"),
    ],
)
def test_says_what_is_wrong_with_it(change: Any, why: str) -> None:
    """One short sentence with the place."""
    with pytest.raises(ValueError, match=why) as error:
        read_pod(change(pod_of()))
    assert len(str(error.value)) < 200
