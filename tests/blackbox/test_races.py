"""Races, driven by the hundred: whatever happens at whatever instant, nobody hangs, no child is left, Died is written."""

from __future__ import annotations

import contextlib
from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING

import pytest

from support import processes
from support.graveyards import HeldLock
from support.races import START, is_deaf, let_pass, rounds_of

if TYPE_CHECKING:
    import random

    from support.forms import Installation
    from support.supervisors import Supervisor
    from support.world import World

pytestmark = pytest.mark.timeout(300)

SETTINGS: list[dict[str, str]] = [
    {},
    {"signal_group": "true"},
    {"death_deps": "nobody"},
    {"death_deps": "nobody", "instant_logging": "1", "verbose_level": "1"},
    {"birth_deps": "server"},
]


def assert_stopped_from_outside(main: Supervisor) -> None:
    """Check that a TERM at an instant when it could be heard has ended child and supervisor, and that this was written down."""
    assert main.end() == 143
    stone = main.stone()
    assert stone["ExitCode"] == 143
    assert "Died" in stone
    assert stone["Reason"] == "Terminated"


def test_term_at_any_instant_of_the_start_is_heard(installation: Installation, dice: random.Random, rounds: int) -> None:
    """SIGTERM is never lost, never starts a child late, and never leaves a child or a tombstone without Died."""
    for number in range(rounds):
        with rounds_of(installation, number) as world:
            world.graveyard.carve_born("server")
            main = world.start("main", "on 15 die", **SETTINGS[number % len(SETTINGS)])
            let_pass(dice, START if number % 2 else START / 3)
            deaf = is_deaf(main.pid)
            main.send(SIGTERM)
            if deaf:
                world.may_leave_bundle = True  # ended before a line of ours ran
                main.send(SIGKILL)
                main.end()
            else:
                assert_stopped_from_outside(main)


def test_term_in_the_middle_of_a_wait_is_heard(installation: Installation, dice: random.Random, rounds: int) -> None:
    """The dependency becomes ready and TERM comes, in any order: the child is not started after a stop, or it is told."""
    for number in range(rounds):
        with rounds_of(installation, number) as world:
            client = world.start("client", "on 15 die", birth_deps="server", birth_timeout="0", readiness="graveyard", instant_logging="1")
            client.settle()
            if number % 2:
                world.graveyard.carve_born("server")
                let_pass(dice, 0.005)
                client.send(SIGTERM)
            else:
                client.send(SIGTERM)
                let_pass(dice, 0.001)
                world.graveyard.carve_born("server")
            assert_stopped_from_outside(client)


def test_term_while_the_child_ends_by_itself(installation: Installation, dice: random.Random, rounds: int) -> None:
    """One of the two is the reason; the other one changes nothing."""
    for number in range(rounds):
        with rounds_of(installation, number) as world:
            main = world.run([world.installation.actor, "listen", "on 15 die"], name="main", stdin=-1)
            main.ready()
            main.tell("exit 5")
            let_pass(dice, 0.002)
            main.send(SIGTERM)
            status = main.end()
            assert status in (5, 143)
            assert main.stone()["ExitCode"] == status


def kill_something_of(main: Supervisor, what: str) -> None:
    """SIGKILL the supervisor, its child, or both in either order."""
    family = processes.children(main.pid)
    for target in what.split():
        for pid in {"supervisor": [main.pid], "child": family}[target]:
            processes.kill(pid)


@pytest.mark.parametrize("what", ["supervisor", "child", "supervisor child", "child supervisor"])
def test_sidecar_ends_whatever_of_main_is_killed_whenever(installation: Installation, dice: random.Random, rounds: int, what: str) -> None:
    """SIGKILL at a random instant of main's start, or later: its sidecar always ends, as does its child."""
    for number in range(rounds // 2):
        with rounds_of(installation, number) as world:
            world.may_leave_bundle = True
            sidecar, main = start_both(world, dice)
            let_pass(dice)
            kill_something_of(main, what)
            if not main.ended and "supervisor" not in what:
                main.send(SIGTERM)  # there was no child to kill yet
                main.send(SIGKILL if is_deaf(main.pid) else SIGTERM)
            main.end()
            if not (world.graveyard.path / ".main.lock").exists():
                # it was killed before it was there for anybody: as the kubelet does, start it again
                again = world.start("main", "exit 1")
                again.end()
            assert sidecar.end() in (0, 143)


def start_both(world: World, dice: random.Random) -> tuple[Supervisor, Supervisor]:
    """Start sidecar and main, one after the other, or the other way round."""
    if dice.random() < 0.5:
        sidecar = world.start("sidecar", "on 15 die", death_deps="main")
        let_pass(dice, 0.03)
        return sidecar, world.start("main", "on 15 die")
    main = world.start("main", "on 15 die")
    let_pass(dice, 0.03)
    return world.start("sidecar", "on 15 die", death_deps="main"), main


@pytest.mark.parametrize("code", [0, 3])
def test_dependency_that_dies_at_any_stage_of_our_start_is_seen(installation: Installation, dice: random.Random, rounds: int, code: int) -> None:
    """Before the watch, between watch and scan, while the child starts, after: the child is stopped, or not started at all."""
    for number in range(rounds):
        with rounds_of(installation, number) as world:
            world.graveyard.carve_born("main")
            sidecar = world.start("sidecar", "on 15 die", death_deps="main")
            let_pass(dice, START if number % 2 else START / 3)
            world.graveyard.carve_died("main", code)
            assert sidecar.end() == (143 if code else 0)
            assert sidecar.stone()["Reason"] == "DependencyDied"


def test_dependency_that_vanishes_at_any_stage_of_our_start_is_seen(installation: Installation, dice: random.Random, rounds: int) -> None:
    """The same for a lock that is let go without a word."""
    for number in range(rounds):
        with rounds_of(installation, number) as world:
            with HeldLock(world.graveyard, "main"):
                sidecar = world.start("sidecar", "on 15 die", death_deps="main")
                let_pass(dice, START if number % 2 else START / 3)
            assert sidecar.end() == 143


def test_dependency_that_ends_while_it_starts_is_seen(installation: Installation, dice: random.Random, rounds: int) -> None:
    """Both start at about the same time, and main is over in no time."""
    for number in range(rounds):
        with rounds_of(installation, number) as world:
            first, second = ("sidecar", "main") if number % 2 else ("main", "sidecar")
            commands = {"main": ("quiet", f"exit {number % 3}"), "sidecar": ("on 15 die",)}
            dependencies = {"main": {}, "sidecar": {"death_deps": "main"}}
            started = {}
            for name in (first, second):
                started[name] = world.start(name, *commands[name], **dependencies[name])
                let_pass(dice, 0.02)
            assert started["main"].end() == number % 3
            assert started["sidecar"].end() == (143 if number % 3 else 0)


def test_term_and_a_death_at_the_same_time(installation: Installation, dice: random.Random, rounds: int) -> None:
    """Pod deletion: everybody gets TERM while main dies. One reason wins, and everybody ends."""
    for number in range(rounds):
        with rounds_of(installation, number) as world:
            main = world.start("main", "on 15 exit 0")
            sidecar = world.start("sidecar", "on 15 die", death_deps="main", grace_period="1h")
            main.ready()
            sidecar.ready()
            order = [main, sidecar] if number % 2 else [sidecar, main]
            for supervisor in order:
                supervisor.send(SIGTERM)
                let_pass(dice, 0.002)
            assert main.end() == 0
            assert sidecar.end() in (0, 143)
            assert sidecar.stone()["Reason"] in ("Terminated", "DependencyDied")


def test_reader_never_sees_half_a_tombstone(installation: Installation, rounds: int) -> None:
    """A tombstone is renamed into place: whoever looks sees the old one, none, or the whole new one."""
    with rounds_of(installation, 0) as world:
        for number in range(rounds // 2):
            main = world.start("main", "quiet", f"exit {number % 3}")
            while not main.ended:
                with contextlib.suppress(FileNotFoundError):
                    text = (world.graveyard.path / "main").read_text()
                    assert text.startswith("Born: ")
                    assert text.endswith("\n")
                    assert ("Died" in text) == ("Reason" in text)


def test_killed_supervisor_never_leaves_a_child(installation: Installation, dice: random.Random, rounds: int) -> None:
    """The child dies with its supervisor, whenever that is killed: between fork and exec, too."""
    for number in range(rounds):
        with rounds_of(installation, number) as world:
            world.may_leave_bundle = True
            main = world.start("main", "quiet", "ignore 15")
            let_pass(dice, START if number % 2 else START / 3)
            main.kill()


def test_sidecar_ends_with_a_main_that_succeeds_at_last(installation: Installation, dice: random.Random, rounds: int) -> None:
    """Main fails, comes back and succeeds at last; the sidecar fails with it and comes back, or does not notice. It ends with 0."""
    for number in range(rounds // 3):
        with rounds_of(installation, number) as world:
            sidecar = world.start("sidecar", "on 15 die", death_deps="main")
            for code in (1, 1, 0):
                let_pass(dice, 0.04)
                if sidecar.ended:
                    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
                    let_pass(dice, 0.04)
                assert world.start("main", "quiet", f"exit {code}").end() == code
            if sidecar.end() == 143:  # of a failure: the kubelet brings it back once more
                sidecar = world.start("sidecar", "on 15 die", death_deps="main")
            assert sidecar.end() == 0
