"""Containers of the image that share a graveyard: what one learns of another's end, whatever that was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from image.containers import ACTOR

if TYPE_CHECKING:
    from image.containers import Container, Pod

SMALL = ("--memory=64m", "--memory-swap=64m")
NAMESPACES = pytest.mark.parametrize("options", [(), ("--init",)], ids=["first", "under an init"])


def sidecar(pod: Pod, *options: str) -> Container:
    """Start one that ends with main."""
    started = pod.start("sidecar", ACTOR, "on 15 exit 0", options=options, death_deps="main")
    started.says("ready")
    return started


@NAMESPACES
def test_a_sidecar_ends_well_when_main_has(pod: Pod, options: tuple[str, ...]) -> None:
    server = sidecar(pod, *options)
    main = pod.run("main", ACTOR, "exit 0", options=options, birth_deps="sidecar", readiness="graveyard")
    assert (main.status, server.end().status) == (0, 0)


@NAMESPACES
def test_a_sidecar_ends_when_the_kernel_kills_main_for_its_memory(pod: Pod, options: tuple[str, ...]) -> None:
    server = sidecar(pod)
    main = pod.run("main", ACTOR, "eat", options=[*SMALL, *options])
    assert main.status == 137
    assert "signal 15" in server.end().out


def test_a_sidecar_ends_when_the_supervisor_of_main_is_killed(pod: Pod) -> None:
    server = sidecar(pod)
    main = pod.start("main", ACTOR)
    main.says("ready")
    main.kill()
    assert main.end().status == 137
    assert "signal 15" in server.end().out
    assert "Died" not in pod.stone("main")


def test_a_sidecar_ends_when_main_is_stopped(pod: Pod) -> None:
    server = sidecar(pod)
    main = pod.start("main", ACTOR, "obey 15")
    main.says("ready")
    main.stop(20)
    assert "signal 15" in server.end().out


def test_containers_that_share_one_pid_namespace_end_each_other_as_well(pod: Pod) -> None:
    pause = pod.start("pause", options=[f"--entrypoint={ACTOR}"])
    pause.says("ready")
    shared = f"--pid=container:{pause.name}"
    server = sidecar(pod, shared)
    main = pod.start("main", ACTOR, options=[shared])
    main.says("ready")
    main.kill()
    assert main.end().status == 137
    assert "signal 15" in server.end().out
