"""A supervisor starts its child only when its birth dependencies are as wanted."""

from __future__ import annotations

from signal import SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGURG, SIGUSR1, SIGWINCH
from typing import TYPE_CHECKING

import pytest

from support.graveyards import HeldLock

if TYPE_CHECKING:
    from support.supervisors import Supervisor
    from support.world import World


def start_waiting(world: World, dependencies: str, *commands: str, name: str = "client", **variables: str) -> Supervisor:
    """Start a supervisor, and return when it waits for its birth dependencies."""
    variables = {"readiness": "graveyard", "birth_timeout": "0", "instant_logging": "1", **variables}
    waiting = world.start(name, *commands, birth_deps=dependencies, **variables)
    waiting.settle()
    return waiting


def assert_never_started(client: Supervisor, status: int, reason: str) -> None:
    """Check that it ended like this without having started its child, and that its peers can read that."""
    assert client.end() == status
    assert client.out is not None
    assert client.out.rest() == []
    stone = client.stone()
    assert "Born" not in stone
    assert (stone["ExitCode"], stone["Reason"]) == (status, reason)


def test_child_starts_when_its_dependency_is_ready(world: World) -> None:
    """The wait ends with the tombstone of the dependency that says ReadyAt."""
    client = start_waiting(world, "server", "quiet", "exit 0")
    server = world.start("server", "on 15 exit 0")
    server.ready()
    assert client.end() == 0
    assert client.stone()["Born"] >= server.stone()["ReadyAt"]


def test_child_starts_at_once_when_its_dependency_was_ready_before(world: World) -> None:
    """Readiness that was there before we looked counts like one that comes later."""
    world.start("server").ready()
    world.graveyard.wait_for_stone("server")
    assert world.start("client", "exit 0", birth_deps="server", birth_timeout="0").end() == 0


def test_child_waits_for_all_of_its_dependencies(world: World) -> None:
    """Each has to be ready at the same time."""
    client = start_waiting(world, "a, b ,c", "exit 0")
    for name in ("c", "a"):
        world.graveyard.carve_born(name)
        client.settle()
        assert not client.has_started_its_child()
        assert not client.ended
    world.graveyard.carve_born("b")
    assert client.end() == 0


def test_timeout_ends_the_wait_and_names_what_is_missing(world: World) -> None:
    """KUBEXIT_BIRTH_TIMEOUT is for all together: exit 1, a tombstone with Died and no Born, each missing one with its state."""
    world.graveyard.carve_born("there")
    with HeldLock(world.graveyard, "starting"):
        client = world.start("client", birth_deps="there,starting,missing", birth_timeout="200ms")
        assert_never_started(client, 1, "BirthTimeout")
    error = client.error()
    assert "missing" in error
    assert "starting" in error
    assert "there" not in error.replace("other", "")


def test_signal_during_the_wait_ends_it_without_a_start(world: World) -> None:
    """An outside stop: 128+n."""
    for number in (SIGTERM, SIGINT, SIGQUIT):
        client = start_waiting(world, "server")
        client.send(number)
        assert_never_started(client, 128 + number, "Terminated")


@pytest.mark.parametrize("number", [SIGHUP, SIGUSR1, 34, 64])
def test_other_terminating_signals_end_the_wait_too(world: World, number: int) -> None:
    """A signal that would have ended a program ends the wait."""
    client = start_waiting(world, "server")
    client.send(number)
    assert_never_started(client, 128 + number, "Terminated")


@pytest.mark.parametrize("number", [SIGWINCH, SIGCONT, SIGURG])
def test_harmless_signals_do_not_end_the_wait(world: World, number: int) -> None:
    """A resized window is no reason not to start."""
    client = start_waiting(world, "server", "exit 0")
    client.send(number)
    client.event("Received signal")
    world.graveyard.carve_born("server")
    assert client.end() == 0


def test_configured_stop_signal_ends_the_wait(world: World) -> None:
    """Images set their own STOPSIGNAL, which the kubelet sends instead of TERM."""
    client = start_waiting(world, "server", stop_signal="WINCH")
    client.send(SIGWINCH)
    assert_never_started(client, 128 + SIGWINCH, "Terminated")


@pytest.mark.parametrize(("code", "status"), [(0, 0), (4, 143)])
def test_death_dependency_that_dies_during_the_wait_ends_it(world: World, code: int, status: int) -> None:
    """What would have stopped the child keeps it from being started."""
    client = start_waiting(world, "server", death_deps="main")
    world.graveyard.carve_died("main", code)
    assert_never_started(client, status, "DependencyDied")


def test_birth_dependency_that_dies_during_the_wait_fails_it(world: World) -> None:
    """It can no longer be ready: exit 1 at once, and the message names it."""
    client = start_waiting(world, "server")
    with HeldLock(world.graveyard, "server"):
        world.graveyard.carve_died("server", 5)
        assert_never_started(client, 1, "DependencyFailed")
    assert "server" in client.stone()["Message"]


def test_birth_dependency_that_is_killed_during_the_wait_fails_it(world: World) -> None:
    """A vanished one is an ended one."""
    client = start_waiting(world, "server:ready,other")
    server = world.start("server")
    server.ready()
    client.event("Reading tombstone: server")
    server.kill()
    assert_never_started(client, 1, "DependencyFailed")


def test_birth_dependency_that_was_dead_before_is_waited_out(world: World) -> None:
    """Its death at the first look may be that of an earlier life: it may be about to come back."""
    world.graveyard.carve_died("server", 1)
    client = start_waiting(world, "server", "exit 0")
    world.start("server").ready()
    assert client.end() == 0


ENDS = [("exited", 0), ("exited", 3), ("succeeded", 0), ("failed", 3)]


@pytest.mark.parametrize(("condition", "code"), ENDS)
def test_child_can_wait_for_the_end_of_another(world: World, condition: str, code: int) -> None:
    """`NAME:exited` wants any end, `succeeded` one with 0, `failed` any other."""
    client = start_waiting(world, f"migration:{condition}", "exit 0")
    world.start("migration", f"exit {code}").end()
    assert client.end() == 0


@pytest.mark.parametrize(("condition", "code"), ENDS)
def test_end_before_we_looked_is_as_good(world: World, condition: str, code: int) -> None:
    """At a first start an end counts, whenever it was."""
    world.start("migration", f"exit {code}").end()
    assert world.start("client", "exit 0", birth_deps=f"migration:{condition}", birth_timeout="0").end() == 0


def test_vanished_peer_is_an_end_to_wait_for(world: World) -> None:
    """`exited` and `failed` hold for a peer whose supervisor was killed."""
    client = start_waiting(world, "migration:exited,migration:failed", "exit 0")
    migration = world.start("migration")
    migration.ready()
    migration.kill()
    assert client.end() == 0


@pytest.mark.parametrize(("condition", "code"), [("succeeded", 1), ("failed", 0), ("started", 0)])
def test_end_that_is_not_the_wanted_one_fails_the_wait(world: World, condition: str, code: int) -> None:
    """The condition can no longer come true: exit 1."""
    client = start_waiting(world, f"migration:{condition},never")
    with HeldLock(world.graveyard, "migration"):
        world.graveyard.carve_died("migration", code)
        assert_never_started(client, 1, "DependencyFailed")


def test_started_is_enough_where_it_is_asked_for(world: World) -> None:
    """`NAME:started` is Born, ReadyAt or not."""
    client = start_waiting(world, "server:started", "exit 0")
    with HeldLock(world.graveyard, "server"):
        world.graveyard.carve_born("server")
        assert client.end() == 0


def test_started_is_not_ready_for_a_peer_with_a_lock(world: World) -> None:
    """A peer that can say ReadyAt is not ready until it does."""
    client = start_waiting(world, "server", "exit 0")
    with HeldLock(world.graveyard, "server"):
        world.graveyard.carve_born("server")
        client.settle()
        assert not client.has_started_its_child()
        world.graveyard.carve("server", 'Born: "2026-11-20T03:12:18Z"\nReadyAt: "2026-11-20T03:12:19Z"\n')
        assert client.end() == 0


def test_dependency_that_was_ready_and_died_is_not_ready(world: World) -> None:
    """`ready` holds only while the peer lives."""
    world.graveyard.carve_born("first")
    client = start_waiting(world, "first,second")
    world.graveyard.carve_died("first", 0)
    assert_never_started(client, 1, "DependencyFailed")


def test_birth_timeout_does_not_run_once_the_child_is_started(world: World) -> None:
    """It limits the wait, not the life."""
    world.graveyard.carve_born("server")
    client = world.start("client", "on 15 exit 6", birth_deps="server", birth_timeout="300ms")
    client.ready()
    slow = world.start("slow", birth_deps="nobody", birth_timeout="600ms")
    assert slow.end() == 1
    client.send(SIGTERM)
    assert client.end() == 6


def test_circle_of_birth_dependencies_ends_by_timeout(world: World) -> None:
    """Nobody hangs for ever: each says whom it waited for."""
    left = world.start("left", birth_deps="right", birth_timeout="300ms")
    right = world.start("right", birth_deps="left", birth_timeout="1h")
    assert left.end() == 1
    assert right.end() == 1
    assert "right" in left.error()
    assert "left" in right.error()


def test_chain_of_birth_dependencies_starts_in_its_order(world: World) -> None:
    """Whoever waits is born after those that it waits for."""
    links = [world.start(f"link-{number}", birth_deps=f"link-{number - 1}", birth_timeout="0") for number in range(5, 0, -1)]
    links.append(world.start("link-0"))
    for link in links:
        link.ready()
    births = [world.graveyard.wait_for_stone(link.name)["Born"] for link in links]
    assert births == sorted(births, reverse=True)


def test_waiting_supervisor_holds_its_lock(world: World) -> None:
    """Peers can tell one that waits from one that is gone."""
    client = start_waiting(world, "server")
    assert world.graveyard.is_lock_held("client")
    client.send(SIGTERM)
    client.end()
    assert not world.graveyard.is_lock_held("client")
