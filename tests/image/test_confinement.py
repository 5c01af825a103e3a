"""The image in a container that may do nothing: whoever it runs as, whatever is taken away from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from image.containers import ACTOR, PROBE, members
from support import processes

if TYPE_CHECKING:
    from image.containers import Pod

CONFINED = ("--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges")
OWN = ("process ", "parent ", "process-group ", "session ", "parent-death-signal ", "environment HOSTNAME", "environment container", "descriptor ")
USERS = ("0", "65534", "12345:0")


def test_unless_told_otherwise_the_container_runs_as_nobody(pod: Pod) -> None:
    container = pod.start("main", ACTOR)
    container.says("ready")
    status = processes.status(container.first)
    assert (status["Uid"].split()[0], status["Gid"].split()[0]) == ("65534", "65534")


@pytest.mark.parametrize("user", USERS)
def test_a_confined_container_runs_for_any_user(pod: Pod, user: str) -> None:
    container = pod.start("main", ACTOR, "on 15 exit 7", options=[*CONFINED, f"--user={user}"])
    container.says("ready")
    first = container.first
    status = processes.status(first)
    root = next(line.split() for line in processes.read(f"/proc/{first}/mountinfo").splitlines() if line.split()[4] == "/")
    confinement = (status["CapEff"].strip("0"), status["CapBnd"].strip("0"), status["NoNewPrivs"], status["Seccomp"], root[5].split(",")[0])
    assert confinement == ("", "", "1", "2", "ro")  # 2: a filter, which is the runtime's default one
    container.stop(20)
    assert container.end().status == 7
    assert "ExitCode: 7" in pod.stone("main")


@pytest.mark.parametrize("user", USERS)
def test_the_command_is_given_in_a_confined_container_what_it_is_given_without_kubexit(pod: Pod, user: str) -> None:
    options = [*CONFINED, f"--user={user}"]
    plain = pod.run("main", "a", "b c", options=[*options, f"--entrypoint={PROBE}"])
    supervised = pod.run("main", PROBE, "a", "b c", options=options)
    assert (plain.status, supervised.status) == (0, 0), supervised.err
    assert _given(supervised.out) == _given(plain.out)


def test_kubexit_is_the_first_process_and_the_command_its_only_child(pod: Pod) -> None:
    container = pod.start("main", ACTOR)
    container.says("ready")
    first = container.first
    assert processes.status(first)["NSpid"].split()[-1] == "1"
    assert members(first) == [first, *processes.children(first)]
    assert len(members(first)) == 2


def test_an_image_that_holds_nothing_but_the_file_needs_nothing_else(pod: Pod, bare: str) -> None:
    ended = pod.run("main", PROBE, image=bare, options=[*CONFINED, "--user=12345:0"])
    assert ended.status == 0, ended.err
    assert "user 12345 12345" in ended.out


def _given(facts: str) -> list[str]:
    return sorted(line for line in facts.splitlines() if not line.startswith(OWN))  # podman gives the environment in any order
