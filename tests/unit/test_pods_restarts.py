"""Whether the kubelet starts a container again: a wait for one that it does not can never come true."""

from __future__ import annotations

from typing import Any

import pytest

from kubexit.domain.pods import read_pod
from unit.pod_objects import RUNNING, ended, pod_of, spec_of, status_of

ALIVE = None  # in place of an exit code


def comes_back(code: int | None, init: bool, own: dict[str, Any], policy: str | None) -> bool:
    """Tell whether the container of such a pod comes back after this exit code."""
    status = status_of("one", RUNNING if code is None else ended(code))
    kinds: dict[str, Any] = {"initContainers" if init else "containers": [spec_of("one", **own)]}
    value = pod_of(*(() if init else (status,)), init=(status,) if init else (), **kinds)
    if policy is not None:
        value["spec"]["restartPolicy"] = policy
    return read_pod(value).containers["one"].comes_back


@pytest.mark.parametrize(
    ("policy", "alive", "after_success", "after_failure"),
    [("Always", True, True, True), ("OnFailure", True, False, True), ("Never", False, False, False), (None, True, True, True)],
)
def test_a_container_follows_the_pods_policy(policy: str | None, alive: bool, after_success: bool, after_failure: bool) -> None:
    """Missing, it is Always."""
    assert [comes_back(code, False, {}, policy) for code in (ALIVE, 0, 1)] == [alive, after_success, after_failure]


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never", None])
@pytest.mark.parametrize("code", [ALIVE, 0, 1])
def test_a_native_sidecar_always_comes_back(policy: str | None, code: int | None) -> None:
    """An init container with restartPolicy Always, whatever the pod has."""
    assert comes_back(code, True, {"restartPolicy": "Always"}, policy)


@pytest.mark.parametrize(("policy", "after_failure"), [("Always", True), ("OnFailure", True), ("Never", False), (None, True)])
def test_an_init_container_comes_back_until_it_has_succeeded(policy: str | None, after_failure: bool) -> None:
    """After a failure, unless that is the end of the whole pod."""
    assert [comes_back(code, True, {}, policy) for code in (ALIVE, 0, 1)] == [after_failure, False, after_failure]


def test_an_init_container_is_known_by_its_list_where_the_specification_lacks_it() -> None:
    """It does not come back after it has succeeded; an ordinary one does."""
    value = pod_of(status_of("one", ended(0)), init=(status_of("two", ended(0)),))
    del value["spec"]
    pod = read_pod(value)
    assert [pod.containers[name].comes_back for name in ("one", "two")] == [True, False]


@pytest.mark.parametrize("init", [False, True])
@pytest.mark.parametrize(
    ("own", "policy", "after_failure"),
    [("Never", "Always", False), ("OnFailure", "Never", True), ("Never", None, False)],
)
def test_a_containers_own_policy_wins(init: bool, own: str, policy: str | None, after_failure: bool) -> None:
    """Since Kubernetes 1.34 every container may have one."""
    assert comes_back(1, init, {"restartPolicy": own}, policy) == after_failure


@pytest.mark.parametrize(
    ("operator", "values", "action", "back"),
    [
        ("In", [42, 43], "Restart", True),
        ("In", [41], "Restart", False),
        ("NotIn", [41], "Restart", True),
        ("NotIn", [42], "Restart", False),
        ("In", [42], "RestartAllContainers", True),
        ("In", [42], "Terminate", False),
        ("Maybe", [42], "Restart", False),
    ],
)
def test_rules_for_exit_codes_win_over_the_policy(operator: str, values: list[int], action: str, back: bool) -> None:
    """`restartPolicyRules` of Kubernetes 1.34: the first that matches restarts the container, else its policy counts."""
    rules = [{"action": action, "exitCodes": {"operator": operator, "values": values}}]
    assert comes_back(42, False, {"restartPolicy": "Never", "restartPolicyRules": rules}, "Never") == back
    assert not comes_back(ALIVE, False, {"restartPolicy": "Never", "restartPolicyRules": rules}, "Always")
