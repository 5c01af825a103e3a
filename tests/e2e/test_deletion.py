"""Pods that are deleted, while a container waits and while one runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.images import FORMS

if TYPE_CHECKING:
    from e2e.spaces import Space

GRACE = 60  # seconds, of the manifest


@pytest.mark.parametrize("form", FORMS)
def test_deleted_pod_ends_without_waiting_for_its_grace_period(space: Space, form: str) -> None:
    """The container that waits starts nothing and writes its death down; the one that runs passes SIGTERM on."""
    space.permit()
    space.apply("deletion", form)
    pod = space.pod("deletion")
    containers = ("waiting", "running", "mourner-of-waiting", "mourner-of-running")
    for container in containers:
        pod.running(container)
    pod.heard("waiting", "Watching pod")
    pod.heard("running", "here")
    for container in containers[2:]:
        pod.heard(container, "here")
    followed = {container: pod.follow(container) for container in containers}
    begun = pod.delete()
    logs = {container: log.whole() for container, log in followed.items()}
    assert pod.gone().at - begun.at < GRACE / 3
    # whichever comes first, the kubelet's SIGTERM or the API server's word that the pod is being deleted
    assert pod.end("waiting").code == 143
    assert logs["waiting"].child == []
    stone = logs["mourner-of-waiting"].stone()
    assert stone["Reason"] == "Terminated"
    assert "Born" not in stone
    assert pod.end("running").code == 143
    stone = logs["mourner-of-running"].stone()
    assert (stone["ExitCode"], stone["Reason"]) == (143, "Terminated")
    assert logs["running"].child == ["here", "signal 15"]
