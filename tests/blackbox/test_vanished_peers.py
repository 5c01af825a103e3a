"""A supervisor that is killed cannot write Died; its peers learn of it from its alive lock."""

from __future__ import annotations

from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING

from support import processes
from support.graveyards import HeldLock

if TYPE_CHECKING:
    from support.world import World


def test_peers_are_stopped_when_a_supervisor_is_killed(world: World) -> None:
    """SIGKILL of main's supervisor ends main's child with it and counts as a failure of main."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    main = world.start("main")
    main.ready()
    world.graveyard.wait_for_stone("main")  # the child may say that it is ready before its birth is carved
    sidecar.ready()
    main.kill()
    assert sidecar.end() == 143
    assert "main vanished" in sidecar.stone()["Message"]
    assert "Died" not in main.stone()


def test_peers_are_stopped_when_supervisor_and_child_are_killed_together(world: World) -> None:
    """As an OOM kill of a whole container does it."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    main = world.start("main")
    child = main.ready()
    sidecar.ready()
    main.send(SIGKILL)
    processes.kill(child)
    assert sidecar.end() == 143


def test_supervisor_that_was_killed_before_we_look_is_seen(world: World) -> None:
    """A free lock without a Died says at the first look what an event would have said."""
    main = world.start("main")
    main.ready()
    main.kill()
    sidecar = world.start("sidecar", death_deps="main")
    assert sidecar.end() == 143
    assert "Born" not in sidecar.stone()


def test_kill_of_a_supervisor_that_waits_is_seen(world: World) -> None:
    """A peer counts as vanished even if it was never born: it will never come."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    sidecar.ready()
    world.may_leave_bundle = True
    main = world.start("main", birth_deps="nobody", readiness="graveyard", birth_timeout="0")
    main.next_record("kubexit initialized")
    world.graveyard.wait_for_file(".main.lock")
    main.kill()
    assert sidecar.end() == 143


def test_lock_that_nobody_holds_is_an_end_only_once_it_was_held(world: World) -> None:
    """A lock is held before it is seen: from the first look at its file to the end of its holder it is never free."""
    with HeldLock(world.graveyard, "main"):
        sidecar = world.start("sidecar", "on 15 die", death_deps="main")
        sidecar.ready()
        world.graveyard.carve_born("main")
        assert not sidecar.ended
    assert sidecar.end() == 143


def test_lock_that_is_dropped_after_its_file_was_closed_is_seen(world: World) -> None:
    """The kernel tells of the closing of a killed holder's file before it drops the lock, and a throttled one dies slowly: we look again."""
    with HeldLock(world.graveyard, "main") as lock:
        sidecar = world.start("sidecar", "on 15 die", death_deps="main", instant_logging="1")
        sidecar.ready()
        sidecar.settle()
        lock.announce_close()
        sidecar.settle()
        lock.drop_silently()
        assert sidecar.end() == 143


def test_file_that_somebody_else_had_open_is_no_end(world: World) -> None:
    """Closing the lock file without holding its lock means nothing; in the end nobody looks at it any more."""
    with HeldLock(world.graveyard, "main") as lock:
        sidecar = world.start("sidecar", "on 15 die", death_deps="main", instant_logging="1")
        sidecar.ready()
        for _ in range(20):
            lock.announce_close()
            sidecar.settle()
        assert not sidecar.ended
    assert sidecar.end() == 143


def test_all_forty_sidecars_see_that_main_vanished(world: World) -> None:
    """One killed supervisor is seen by every peer."""
    main = world.start("main")
    sidecars = [world.start(f"sidecar-{number}", "on 15 die", death_deps="main") for number in range(40)]
    for supervisor in (main, *sidecars):
        supervisor.ready()
    main.kill()
    assert [sidecar.end() for sidecar in sidecars] == [143] * 40


def test_peer_that_was_stopped_by_a_debugger_or_a_freezer_has_not_vanished(world: World) -> None:
    """A stopped supervisor holds its lock: only its end lets it go."""
    main = world.start("main", "on 15 exit 0")
    sidecar = world.start("sidecar", "on 15 die", death_deps="main", instant_logging="1")
    main.ready()
    sidecar.ready()
    main.send(19)
    main.send(SIGTERM)
    assert world.graveyard.is_lock_held("main")
    assert "New death" not in sidecar.logged_so_far()
    main.send(18)
    assert (main.end(), sidecar.end()) == (0, 0)


def test_lock_is_held_until_died_is_written(world: World) -> None:
    """A peer that ends in order is never taken for one that vanished: Died stands before the lock is let go."""
    for number in range(10):
        name = f"main-{number}"
        sidecar = world.start(f"sidecar-{number}", "on 15 die", death_deps=f"{name}:succeeded", instant_logging="1")
        sidecar.ready()
        assert world.start(name, "quiet", "exit 0").end() == 0
        assert sidecar.end() == 0
        assert "vanished" not in sidecar.logged_so_far()


def test_lock_is_not_the_childs(world: World) -> None:
    """The lock is close-on-exec: what the child leaves running does not keep its dead supervisor alive to others."""
    main = world.start("main", "session", "orphan")
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    main.ready()
    orphan = main.other("orphan")
    sidecar.ready()
    assert world.graveyard.is_lock_held("main")
    assert ".main.lock" not in processes.open_files(orphan)
    main.kill()
    assert sidecar.end() == 143
    processes.kill(orphan)
