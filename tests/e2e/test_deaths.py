"""Death dependencies on containers that nobody has wrapped: KUBEXIT_DEATH_SOURCE=kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.images import FORMS

if TYPE_CHECKING:
    from e2e.spaces import Space


@pytest.mark.parametrize("form", FORMS)
def test_sidecar_ends_with_a_main_container_that_is_not_wrapped(space: Space, form: str) -> None:
    """So the job completes."""
    space.permit()
    space.apply("deaths", form, policy="Never", main='[puppet, serve, "8081"]')
    pod = space.pod_of_job("deaths")
    pod.ready("main")
    pod.ready("sidecar")
    pod.heard("sidecar", "Watching pod")
    pod.tell(8081, "exit/0")
    assert space.end_of_job("deaths") == "Complete"
    assert (pod.end("main").code, pod.end("sidecar").code) == (0, 0)
    assert pod.log("sidecar").child == ["here", "signal 15"]


def test_sidecar_fails_with_the_main_container(space: Space) -> None:
    """With restartPolicy Never that fails the job, as it would without a sidecar."""
    space.permit()
    space.apply("deaths", policy="Never", main='[puppet, serve, "8081"]')
    pod = space.pod_of_job("deaths")
    pod.ready("main")
    pod.ready("sidecar")
    pod.tell(8081, "exit/3")
    assert (pod.end("main").code, pod.end("sidecar").code) == (3, 143)


def test_both_come_back_when_the_main_container_has_failed_under_on_failure(space: Space) -> None:
    """The sidecar's new life does not take the death in main's former one for a reason to end."""
    space.permit()
    space.apply("deaths", policy="OnFailure", main='[puppet, serve, "8081"]')
    pod = space.pod_of_job("deaths")
    pod.ready("main")
    pod.ready("sidecar")
    pod.heard("sidecar", "Watching pod")
    pod.tell(8081, "exit/3")
    for container in ("main", "sidecar"):
        pod.ready(container, restarts=1)
    pod.tell(8081, "exit/0")
    assert space.end_of_job("deaths") == "Complete"
    assert (pod.end("main", restarts=1).code, pod.end("sidecar", restarts=1).code) == (0, 0)


def test_main_container_that_fails_at_once_is_followed_too(space: Space) -> None:
    """It may be dead before the sidecar looks, and alive again before the kubelet says so: which life of the sidecar it meets is open."""
    space.permit()
    space.apply("deaths", policy="OnFailure", main='[puppet, fail, /shared/failed, /bin/puppet, serve, "8081"]')
    pod = space.pod_of_job("deaths")
    pod.ready("main", restarts=1)
    pod.tell(8081, "exit/0")
    assert space.end_of_job("deaths") == "Complete"
