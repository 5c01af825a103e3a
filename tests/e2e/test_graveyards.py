"""Jobs whose containers know of each other by tombstones: no Role is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.images import FORMS

if TYPE_CHECKING:
    from e2e.spaces import Space


@pytest.mark.parametrize("form", FORMS)
def test_job_completes_when_its_main_container_has_succeeded(space: Space, form: str) -> None:
    """The server is told to stop when the client has ended, and its 143 becomes 0."""
    space.apply("graveyard", form, inits="[]")
    pod = space.pod_of_job("graveyard")
    pod.ready("client")
    pod.tell(8081, "exit/0")
    assert space.end_of_job("graveyard") == "Complete"
    assert (pod.end("client").code, pod.end("server").code) == (0, 0)
    assert pod.log("server").child == ["here", "signal 15"]


def test_job_fails_when_its_main_container_has_failed(space: Space) -> None:
    """The server's end is no success then: both would come back together under OnFailure."""
    space.apply("graveyard", inits="[]")
    pod = space.pod_of_job("graveyard")
    pod.ready("client")
    pod.tell(8081, "exit/3")
    assert space.end_of_job("graveyard") == "Failed"
    assert (pod.end("client").code, pod.end("server").code) == (3, 143)
