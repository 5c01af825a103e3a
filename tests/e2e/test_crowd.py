"""Many pods at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e.spaces import Space


def test_ten_pods_at_once_complete(space: Space) -> None:
    """Twenty supervisors, with as many helpers, start on one node and API server at the same time."""
    space.permit()
    space.apply("crowd")
    assert space.end_of_job("crowd") == "Complete"
    for pod in space.pods_of_job("crowd", 10):
        assert (pod.end("client").code, pod.end("server").code) == (0, 0)
