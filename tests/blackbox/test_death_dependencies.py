"""A supervisor stops its child when a death dependency has died."""

from __future__ import annotations

from signal import SIGTERM, SIGUSR1
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.supervisors import Supervisor
    from support.world import World


def assert_undisturbed(supervisor: Supervisor) -> None:
    """Check that the child was told nothing so far: what it hears next is what we send now."""
    supervisor.send(SIGUSR1)
    assert supervisor.says("signal").split()[1] == str(int(SIGUSR1))


def test_child_is_told_to_stop_when_its_dependency_has_ended(world: World) -> None:
    """TERM goes to the child once a death dependency has died; having obeyed after a success it ends with 0."""
    main = world.start("main", "on 15 exit 0")
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    main.ready()
    sidecar.ready()
    main.send(SIGTERM)
    assert main.end() == 0
    assert sidecar.says("signal").startswith("signal 15 ")
    assert sidecar.end() == 0
    stone = sidecar.stone()
    assert (stone["ExitCode"], stone["ChildExitCode"], stone["Signal"], stone["Reason"]) == (0, 143, "SIGTERM", "DependencyDied")
    assert "main exited 0" in stone["Message"]


def test_sidecar_of_a_failed_main_ends_with_143(world: World) -> None:
    """After a failure the child's own status stays, so that the kubelet brings the sidecar back together with main."""
    main = world.start("main", "quiet", "exit 3")
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    assert main.end() == 3
    assert sidecar.end() == 143
    assert "main exited 3" in sidecar.stone()["Message"]


@pytest.mark.parametrize(("code", "status"), [(0, 0), (1, 143)])
def test_child_is_never_started_when_its_dependency_is_dead_before_we_look(world: World, code: int, status: int) -> None:
    """A fact that was true before we looked counts like one that comes true later: 0 if the death was a success, else 143."""
    assert world.start("main", f"exit {code}").end() == code
    sidecar = world.start("sidecar", death_deps="main")
    assert sidecar.end() == status
    assert sidecar.out is not None
    assert sidecar.out.rest() == []
    stone = sidecar.stone()
    assert "Born" not in stone
    assert (stone["ExitCode"], stone["Reason"]) == (status, "DependencyDied")


def test_death_of_any_dependency_is_enough(world: World) -> None:
    """KUBEXIT_DEATH_MODE is `any` by default."""
    others = [world.start(name) for name in ("a", "b", "c")]
    sidecar = world.start("sidecar", "on 15 exit 0", death_deps="a,b,c")
    sidecar.ready()
    others[1].ready()
    others[1].send(SIGTERM)
    others[1].says("signal 15")
    others[1].kill()
    assert sidecar.end() == 0


def test_all_dependencies_have_to_die_in_mode_all(world: World) -> None:
    """KUBEXIT_DEATH_MODE=all: the last death stops the child, none before."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="a,b,c", death_mode="all", instant_logging="1")
    sidecar.ready()
    for name in ("b", "a"):
        world.graveyard.carve_died(name, 0)
        sidecar.event(f"New death: {name}")
    assert_undisturbed(sidecar)
    world.graveyard.carve_died("c", 0)
    assert sidecar.end() == 0


def test_one_failure_among_all_deaths_makes_it_143(world: World) -> None:
    """`stopped` wants every death that caused the stop to be a success."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="a,b", death_mode="all")
    sidecar.ready()
    world.graveyard.carve_died("a", 7)
    world.graveyard.carve_died("b", 0)
    assert sidecar.end() == 143


@pytest.mark.parametrize(
    ("condition", "code", "stops"),
    [("exited", 0, True), ("exited", 1, True), ("succeeded", 0, True), ("succeeded", 1, False), ("failed", 0, False), ("failed", 1, True)],
)
def test_condition_says_which_deaths_count(world: World, condition: str, code: int, stops: bool) -> None:
    """`NAME:exited` is any end (as NAME alone), `succeeded` that with ExitCode 0, `failed` any other."""
    sidecar = world.start("sidecar", "on 15 exit 9", death_deps=f"main:{condition},last", instant_logging="1")
    sidecar.ready()
    world.graveyard.carve_died("main", code)
    sidecar.event("New death: main")
    if not stops:
        assert_undisturbed(sidecar)
        world.graveyard.carve_died("last", 0)
    assert sidecar.end() == 9
    assert ("main exited" in sidecar.stone()["Message"]) == stops


@pytest.mark.parametrize("condition", ["started", "ready"])
def test_child_can_be_stopped_by_the_birth_of_another(world: World, condition: str) -> None:
    """The vocabulary is the same in both lists: a placeholder may have to go when the real one is there."""
    placeholder = world.start("placeholder", "on 15 die", death_deps=f"server:{condition}")
    placeholder.ready()
    world.start("server").ready()
    assert placeholder.end() == 0


def test_vanished_dependency_counts_as_failed(world: World) -> None:
    """A death by SIGKILL is an end, and no success."""
    sidecar = world.start("sidecar", "on 15 exit 9", death_deps="main:failed")
    main = world.start("main")
    main.ready()
    sidecar.ready()
    main.kill()
    assert sidecar.end() == 9


def test_further_deaths_change_nothing(world: World) -> None:
    """The child is told once, whatever dies after that."""
    sidecar = world.start("sidecar", "on 15 report", "on 12 exit 4", death_deps="a,b", instant_logging="1", grace_period="1h")
    sidecar.ready()
    world.graveyard.carve_died("a", 0)
    sidecar.says("signal 15")
    world.graveyard.carve_died("b", 1)
    sidecar.event("New death: b")
    assert_undisturbed(sidecar)
    sidecar.send(12)
    assert sidecar.end() == 4
    assert "b exited" not in sidecar.stone()["Message"]


def test_reborn_dependency_takes_its_death_back(world: World) -> None:
    """A new Born takes an old Died back, as long as the child has not been told to stop."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="a,b", death_mode="all", instant_logging="1")
    sidecar.ready()
    world.graveyard.carve_died("a", 0)
    sidecar.event("New death: a")
    world.graveyard.carve_born("a")
    sidecar.event("Reading tombstone: a")
    world.graveyard.carve_died("b", 0)
    sidecar.event("New death: b")
    assert_undisturbed(sidecar)
    world.graveyard.carve_died("a", 0)
    assert sidecar.end() == 0


def test_reborn_dependency_does_not_take_back_what_was_told(world: World) -> None:
    """Once the child has been told to stop, it stops, even if the dependency comes back; it is killed when its time is over."""
    sidecar = world.start("sidecar", "on 15 report", death_deps="a", grace_period="300ms")
    sidecar.ready()
    world.graveyard.carve_died("a", 0)
    sidecar.says("signal 15")
    world.graveyard.carve_born("a")
    assert sidecar.end() == 137


def test_one_of_many_dependencies(world: World) -> None:
    """Two hundred dependencies are watched like one."""
    names = [f"dependency-{number}" for number in range(200)]
    sidecar = world.start("sidecar", "on 15 die", death_deps=",".join(names))
    sidecar.ready()
    for name in names[:150]:
        world.graveyard.carve_born(name)
    world.graveyard.carve_died(names[137], 0)
    assert sidecar.end() == 0


def test_forty_sidecars_learn_of_one_death(world: World) -> None:
    """Every dependent hears of it."""
    main = world.start("main", "on 15 exit 0")
    sidecars = [world.start(f"sidecar-{number}", "on 15 die", death_deps="main") for number in range(40)]
    for supervisor in (main, *sidecars):
        supervisor.ready()
    main.send(SIGTERM)
    assert [sidecar.end() for sidecar in sidecars] == [0] * 40


def test_two_that_depend_on_each_other_end_together(world: World) -> None:
    """A circle of death dependencies is fine: whoever ends first takes the other along."""
    left = world.start("left", "on 15 die", death_deps="right")
    right = world.start("right", "on 15 exit 0", death_deps="left")
    left.ready()
    right.ready()
    right.send(SIGTERM)
    assert (right.end(), left.end()) == (0, 0)


def test_chain_of_deaths_runs_to_its_end(world: World) -> None:
    """A dependent's death is a death like any other for those that depend on it."""
    chain = [world.start("link-0", "on 15 exit 0")]
    chain += [world.start(f"link-{number}", "on 15 die", death_deps=f"link-{number - 1}") for number in range(1, 6)]
    for link in chain:
        link.ready()
    chain[0].send(SIGTERM)
    assert [link.end() for link in chain] == [0] * 6


def test_dependency_that_never_comes_does_not_keep_the_child_from_starting(world: World) -> None:
    """A death dependency is waited for by nobody."""
    sidecar = world.start("sidecar", "exit 0", death_deps="nobody")
    assert sidecar.end() == 0


def test_died_is_written_after_the_child_has_ended(world: World) -> None:
    """Order of a stop: signal to the child, its end, Died written, exit."""
    sidecar = world.start("sidecar", "on 15 report", "on 12 exit 0", death_deps="main", grace_period="1h")
    sidecar.ready()
    world.graveyard.carve_died("main", 0)
    sidecar.says("signal 15")
    assert "Died" not in sidecar.stone()
    sidecar.send(12)
    assert sidecar.end() == 0
    assert "Died" in sidecar.stone()
