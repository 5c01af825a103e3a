"""A main container that is dead before its sidecar is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.images import references

if TYPE_CHECKING:
    from e2e.spaces import Space


@pytest.mark.parametrize("source", ["graveyard", "kubernetes"])
@pytest.mark.parametrize(("code", "status"), [(0, 0), (3, 143)])
def test_sidecar_is_not_started_when_its_main_container_has_ended(space: Space, source: str, code: int, status: int) -> None:
    """What is true before it looks counts like what becomes true later."""
    space.permit()
    space.apply("late", code=str(code), source=source)
    pod = space.pod("late")
    assert pod.end("main").code == code
    space.kubectl("set", "image", "pod/late", f"sidecar={references()['plain']}")
    assert pod.end("sidecar").code == status
    assert pod.log("sidecar").child == []
    assert pod.end("mourner").code == 0
    stone = pod.log("mourner").stone()
    assert (stone["ExitCode"], stone["Reason"]) == (status, "DependencyDied")
    assert "Born" not in stone
