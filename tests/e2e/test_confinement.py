"""Pods that give their containers as little as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.images import FORMS

if TYPE_CHECKING:
    from e2e.spaces import Space


@pytest.mark.parametrize("share", ["false", "true"], ids=["own processes", "shared processes"])
@pytest.mark.parametrize("form", FORMS)
def test_job_completes_without_user_capabilities_or_a_place_to_write(space: Space, form: str, share: str) -> None:
    """Both sources are used, so both helpers run. With a shared process namespace kubexit is not the first process."""
    space.permit()
    space.apply("confined", form, share=share, source="kubernetes")
    pod = space.pod_of_job("confined")
    assert space.end_of_job("confined") == "Complete"
    assert (pod.end("client").code, pod.end("server").code) == (0, 0)
    assert pod.log("client").child == ["here", "got 200"]
    assert pod.log("server").child == ["here", "signal 15"]
