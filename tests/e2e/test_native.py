"""Native sidecars that are wrapped: kubelet and kubexit both see to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.images import FORMS

if TYPE_CHECKING:
    from e2e.spaces import Space


@pytest.mark.parametrize("form", FORMS)
def test_wrapped_native_sidecar_does_not_get_in_the_way_of_the_kubelet(space: Space, form: str) -> None:
    """The job completes, whoever is first: the kubelet with its SIGTERM, or kubexit, which has read of main's death."""
    space.apply("native-wrapped", form)
    pod = space.pod_of_job("native-wrapped")
    pod.ready("main")
    pod.tell(8081, "exit/0")
    assert space.end_of_job("native-wrapped") == "Complete"
    assert (pod.end("main").code, pod.end("server").code) == (0, 0)
    assert pod.log("server").child == ["here", "signal 15"]
