"""Containers that are killed: by the kernel for want of memory, and by whoever may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.couple import have_couple, wait_until_ready
from e2e.images import FORMS

if TYPE_CHECKING:
    from e2e.spaces import Space


@pytest.mark.parametrize("form", FORMS)
def test_sidecar_ends_with_a_main_container_that_has_no_memory_left(space: Space, form: str) -> None:
    """Whether the kernel kills the command alone (cgroup v1) or kubexit with it (v2)."""
    pod = have_couple(space, form)
    wait_until_ready(pod)
    pod.tell(8081, "eat")
    assert (pod.end("main").code, pod.end("sidecar").code) == (137, 143)
    assert pod.log("main").child == ["here", "eating"]
    assert pod.log("sidecar").child == ["here", "signal 15"]


def test_sidecar_ends_with_a_main_container_without_memory_that_is_not_wrapped(space: Space) -> None:
    """The kubelet reports it like any other end."""
    space.permit()
    pod = have_couple(space, wrapped=False, source="kubernetes")
    wait_until_ready(pod)
    pod.heard("sidecar", "Watching pod")
    pod.tell(8081, "eat")
    assert (pod.end("main").code, pod.end("sidecar").code) == (137, 143)
    assert pod.log("sidecar").child == ["here", "signal 15"]


@pytest.mark.parametrize("form", FORMS)
def test_sidecar_ends_with_a_supervisor_that_is_killed(space: Space, form: str) -> None:
    """It wrote nothing: its lock is free. In a shared process namespace another container can do that."""
    pod = have_couple(space, form, share="true")
    wait_until_ready(pod)
    pod.run("sidecar", "puppet", "kill", "kubexit puppet serve 8081")
    assert (pod.end("main").code, pod.end("sidecar").code) == (137, 143)
    assert pod.log("main").child == ["here"]
    assert pod.log("sidecar").child == ["here", "signal 15"]


def test_sidecar_that_is_killed_comes_back_and_ends_with_the_main_container(space: Space) -> None:
    """The main container does not notice; the sidecar's second life is like its first."""
    pod = have_couple(space, policy="OnFailure", share="true")
    wait_until_ready(pod)
    pod.run("main", "puppet", "kill", "kubexit puppet serve 8080")
    pod.ready("sidecar", restarts=1)
    pod.tell(8081, "exit/0")
    pod.succeeds()
    assert (pod.end("main").code, pod.end("sidecar", restarts=1).code) == (0, 0)
