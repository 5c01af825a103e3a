"""How a container with kubexit ends, as whoever started it sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from image.containers import ACTOR, members
from support import processes

if TYPE_CHECKING:
    from image.containers import Pod


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ((ACTOR, "exit 0"), 0),
        ((ACTOR, "exit 77"), 77),
        ((ACTOR, "die 11"), 139),
        ((ACTOR, "die 9"), 137),
        (("/test",), 126),
        (("/nonexistent",), 127),
        (("--nonsense", ACTOR), 2),
    ],
)
def test_the_container_ends_with_the_status_that_tells_what_has_happened(pod: Pod, command: tuple[str, ...], status: int) -> None:
    assert pod.run("main", *command).status == status


def test_a_configuration_error_is_status_2_and_says_what_is_wrong(pod: Pod) -> None:
    ended = pod.run("main", ACTOR, grace_period="soon")
    assert ended.status == 2
    assert "KUBEXIT_GRACE_PERIOD" in ended.err


def test_a_container_that_is_stopped_ends_when_its_command_has_obeyed(pod: Pod) -> None:
    container = pod.start("main", ACTOR, "obey 15")
    container.says("ready")
    container.stop(20)
    assert container.end().status == 143


def test_a_container_whose_command_does_not_obey_is_ended_by_its_runtime(pod: Pod) -> None:
    container = pod.start("main", ACTOR)
    container.says("ready")
    inside = members(container.first)
    container.stop(1)
    assert container.end().status == 137
    assert "signal 15" in container.out.all()
    for pid in inside:
        processes.wait_gone(pid)


def test_a_sidecar_that_does_not_obey_is_killed_after_its_grace_period(pod: Pod) -> None:
    sidecar = pod.start("sidecar", ACTOR, death_deps="main", grace_period="100ms")
    sidecar.says("ready")
    assert pod.run("main", ACTOR, "exit 0").status == 0
    assert sidecar.end().status == 137
    assert "signal 15" in sidecar.out.all()


@pytest.mark.parametrize("options", [(), ("--init",), ("--pid=host",)], ids=["first", "under an init", "in the machine's namespace"])
def test_no_zombie_is_left(pod: Pod, options: tuple[str, ...]) -> None:
    container = pod.start("main", ACTOR, "leave 50", options=options)
    supervisor = processes.parent(processes.outside_pid(int(container.says("ready").split()[1]), container.first))
    processes.wait_until(lambda: len(processes.children(supervisor)) == 1, "the orphans' burial")


def test_nothing_of_a_container_outlives_its_supervisor(pod: Pod) -> None:
    container = pod.start("main", ACTOR, "fork")
    container.says("ready")
    container.says("forked")
    inside = members(container.first)
    assert len(inside) == 3
    container.kill()
    for pid in inside:
        processes.wait_gone(pid)
    assert container.end().status == 137
