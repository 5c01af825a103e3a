"""Containers are restarted in the graveyard of their pod: what is left of earlier lives must not mislead later ones."""

from __future__ import annotations

from signal import SIGTERM
from typing import TYPE_CHECKING

import pytest

from support.graveyards import HeldLock

if TYPE_CHECKING:
    from support.world import World


def test_own_stale_tombstone_is_removed_before_anything_else(world: World) -> None:
    """A peer must not take the Died of an earlier life for that of this one: it goes before the wait begins."""
    world.graveyard.carve_died("sidecar", 0)
    waiting = world.start("sidecar", birth_deps="server", readiness="graveyard", birth_timeout="0")
    waiting.next_record("kubexit initialized")
    world.graveyard.wait_for_file(".sidecar.lock")
    world.graveyard.wait_until_gone("sidecar")
    waiting.send(SIGTERM)
    assert waiting.end() == 143


def test_restarted_main_is_alive_to_a_restarted_sidecar(world: World) -> None:
    """Main failed and took its sidecar along; both come back, the sidecar first: main's old failure is history."""
    main = world.start("main", "quiet", "exit 1")
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    assert (main.end(), sidecar.end()) == (1, 143)
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    sidecar.ready()
    main = world.start("main", "on 15 exit 0")
    main.ready()
    main.send(SIGTERM)
    assert (main.end(), sidecar.end()) == (0, 0)


def test_restarted_sidecar_ends_when_main_fails_again(world: World) -> None:
    """Only the end that was found at the start is history. The next one counts."""
    assert world.start("sidecar", "exit 1").end() == 1
    world.graveyard.carve_died("main", 1)
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    sidecar.ready()
    main = world.start("main", "quiet", "exit 1")
    assert (main.end(), sidecar.end()) == (1, 143)


def test_restarted_sidecar_does_not_wait_for_a_main_that_succeeded(world: World) -> None:
    """A dependency that succeeded is not restarted: it counts as dead."""
    assert world.start("main", "exit 0").end() == 0
    assert world.start("sidecar", "exit 1").end() == 1
    sidecar = world.start("sidecar", death_deps="main")
    assert sidecar.end() == 0
    assert "Born" not in sidecar.stone()


@pytest.mark.parametrize("trace", ["stone", "lock"])
def test_either_own_trace_says_that_this_is_a_restart(world: World, trace: str) -> None:
    """A tombstone (a Go kubexit's) or a lock file (of one that was killed while it waited) of our own name is enough."""
    if trace == "stone":
        world.graveyard.carve_died("sidecar", 143)
    else:
        HeldLock(world.graveyard, "sidecar").close()
    world.graveyard.carve_died("main", 1)
    sidecar = world.start("sidecar", "on 15 exit 7", death_deps="main")
    sidecar.ready()
    sidecar.send(SIGTERM)
    assert sidecar.end() == 7


def test_restarted_sidecar_takes_a_vanished_main_for_absent(world: World) -> None:
    """A killed container is about to be restarted as well, like one that failed."""
    main = world.start("main")
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    main.ready()
    sidecar.ready()
    main.kill()
    assert sidecar.end() == 143
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    sidecar.ready()
    main = world.start("main", "quiet", "exit 0")
    assert (main.end(), sidecar.end()) == (0, 0)


def test_at_a_first_start_any_death_counts(world: World) -> None:
    """Without a trace of an earlier life of ours, a failed main is one that failed now."""
    world.graveyard.carve_died("main", 1)
    assert world.start("sidecar", death_deps="main").end() == 143


def test_duplicate_name_is_refused_and_touches_nothing(world: World) -> None:
    """Two containers of one name would write over each other's tombstone: the second ends with 2 and says so."""
    first = world.start("twin", "on 15 exit 0")
    first.ready()
    stone = world.graveyard.wait_for_stone("twin")
    second = world.start("twin")
    assert second.end() == 2
    assert second.out is not None
    assert second.out.rest() == []
    assert "twin" in second.error()
    assert first.stone() == stone
    first.send(SIGTERM)
    assert first.end() == 0


def test_many_of_one_name_at_once_leave_exactly_one(world: World) -> None:
    """Whoever gets the lock lives; a lock file is never seen free while it is being made."""
    twins = [world.start("twin", "on 15 exit 0") for _ in range(12)]
    refused = [twin for twin in twins if twin.out is not None and not twin.out.starts()]
    assert [twin.end() for twin in refused] == [2] * 11
    (survivor,) = set(twins) - set(refused)
    survivor.send(SIGTERM)
    assert survivor.end() == 0


def test_name_is_free_again_once_its_supervisor_has_ended(world: World) -> None:
    """The kernel lets the lock go however the supervisor ends."""
    first = world.start("phoenix")
    first.ready()
    first.kill()
    again = world.start("phoenix", "on 15 exit 0")
    again.ready()
    again.send(SIGTERM)
    assert again.end() == 0


def test_new_life_has_a_new_tombstone(world: World) -> None:
    """Nothing of an earlier life stays in it."""
    assert world.start("main", "exit 3").end() == 3
    before = world.graveyard.stone("main")
    again = world.start("main", "on 15 exit 0")
    again.ready()
    now = world.graveyard.wait_for_stone("main", lambda stone: "Born" in stone)
    assert now["Born"] > before["Died"]
    assert set(now) == {"Born", "ReadyAt"}
    again.send(SIGTERM)
    assert again.end() == 0


def test_failed_main_that_has_its_lock_again_has_not_failed_again(world: World) -> None:
    """Between a restarted main's lock and the removal of its old tombstone there is nothing new to act on."""
    HeldLock(world.graveyard, "sidecar").close()
    world.graveyard.carve_died("main", 1)
    sidecar = world.start("sidecar", "on 15 exit 7", death_deps="main", instant_logging="1")
    sidecar.ready()
    with HeldLock(world.graveyard, "main"):
        sidecar.settle()
        sidecar.send(SIGTERM)
        assert sidecar.end() == 7
        assert "Terminating" not in sidecar.logged_so_far()


@pytest.mark.parametrize("stale", ['Died: "2026-11-20T03:12:19Z"\nExitCode: 1\n', ""], ids=["died", "vanished"])
def test_dependency_that_has_its_lock_again_is_neither_dead_nor_ready(world: World, stale: str) -> None:
    """Between a restarted server's lock and the removal of its old tombstone nothing of that tombstone counts."""
    HeldLock(world.graveyard, "server").close()
    world.graveyard.carve("server", 'Born: "2026-11-20T03:12:18Z"\nReadyAt: "2026-11-20T03:12:18Z"\n' + stale)
    client = world.start("client", "exit 0", birth_deps="server", birth_timeout="0", readiness="graveyard", instant_logging="1")
    client.settle()
    with HeldLock(world.graveyard, "server"):
        client.settle()
        assert not client.has_started_its_child()
        (world.graveyard.path / "server").unlink()
        client.settle()
        assert not client.has_started_its_child()
        world.graveyard.carve("server", 'Born: "2026-11-20T03:12:20Z"\nReadyAt: "2026-11-20T03:12:20Z"\n')
        assert client.end() == 0
