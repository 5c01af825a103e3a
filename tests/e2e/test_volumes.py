"""What the graveyard lies on: memory, a disk, and a volume that is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.couple import ON_DISK, filled_graveyard, have_couple, wait_until_ready
from e2e.images import FORMS

if TYPE_CHECKING:
    from e2e.spaces import Space

FULL = "No space left on device"


@pytest.mark.parametrize("form", FORMS)
def test_graveyard_on_disk_is_like_one_in_memory(space: Space, form: str) -> None:
    """Most manifests have it in memory; an emptyDir lies on the node's disk if nothing is said."""
    pod = have_couple(space, form, graveyard=ON_DISK)
    wait_until_ready(pod)
    pod.tell(8081, "exit/0")
    pod.succeeds()
    assert pod.log("sidecar").child == ["here", "signal 15"]


def test_full_graveyard_leaves_nobody_hanging(space: Space) -> None:
    """No tombstone can be written. A lock needs no room: the sidecar sees the end, though not how it was. Both say what is wrong."""
    pod = have_couple(space, inits=filled_graveyard())
    wait_until_ready(pod)
    pod.tell(8081, "exit/0")
    assert (pod.end("main").code, pod.end("sidecar").code) == (0, 143)
    for container in ("main", "sidecar"):
        assert FULL in pod.log(container).warnings[0]


def test_graveyard_that_fills_up_while_they_run_leaves_nobody_hanging(space: Space) -> None:
    """The tombstone from the start stays, without an end."""
    pod = have_couple(space)
    wait_until_ready(pod)
    pod.run("sidecar", "puppet", "fill", "/graveyard/filler")
    pod.tell(8081, "exit/0")
    assert (pod.end("main").code, pod.end("sidecar").code) == (0, 143)
    assert FULL in pod.log("main").warnings[0]


def test_wait_for_a_peer_in_a_full_graveyard_ends_with_its_timeout(space: Space) -> None:
    """Nobody can read there that the server has started; the client's end is the server's."""
    space.apply("graveyard", inits=filled_graveyard())
    pod = space.pod_of_job("graveyard")
    assert space.end_of_job("graveyard") == "Failed"
    assert (pod.end("client").code, pod.end("server").code) == (1, 143)
    assert "not met within 15s: server (wanted: ready): starting" in pod.log("client").error
    assert FULL in pod.log("server").warnings[0]
