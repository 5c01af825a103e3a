"""Both containers come back, and find the tombstones of their former lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.couple import have_couple, wait_until_ready
from e2e.images import FORMS

if TYPE_CHECKING:
    from e2e.spaces import Space

ROUNDS = 3  # the kubelet waits longer before each restart: 0, 10, 20 seconds


@pytest.mark.parametrize("form", FORMS)
def test_both_come_back_under_on_failure_and_succeed(space: Space, form: str) -> None:
    """The sidecar does not take the death in main's former life for a reason to end."""
    pod = have_couple(space, form, policy="OnFailure")
    wait_until_ready(pod)
    pod.tell(8081, "exit/3")
    assert (pod.end("main").code, pod.end("sidecar").code) == (3, 143)
    wait_until_ready(pod, restarts=1)
    pod.tell(8081, "exit/0")
    pod.succeeds()
    assert (pod.end("main", restarts=1).code, pod.end("sidecar", restarts=1).code) == (0, 0)


def test_main_container_that_fails_at_once_is_followed_too(space: Space) -> None:
    """It may be dead before the sidecar looks: which life of the sidecar it meets is open."""
    pod = have_couple(space, policy="OnFailure", main=["puppet", "fail", "/shared/failed", "/bin/puppet", "serve", "8081"])
    pod.ready("main", restarts=1)
    pod.tell(8081, "exit/0")
    pod.succeeds()


def test_both_come_back_together_each_time_a_main_container_crashes_under_always(space: Space) -> None:
    """Several rounds, each with the tombstones of the one before."""
    pod = have_couple(space, policy="Always")
    for life in range(ROUNDS):
        wait_until_ready(pod, restarts=life)
        pod.tell(8081, "exit/3")
        assert (pod.end("main", restarts=life).code, pod.end("sidecar", restarts=life).code) == (3, 143)
    wait_until_ready(pod, restarts=ROUNDS)
