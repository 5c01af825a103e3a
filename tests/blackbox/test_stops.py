"""How a child is stopped: signal, grace, SIGKILL, Died, exit."""

from __future__ import annotations

from signal import SIGINT, SIGKILL, SIGQUIT, SIGSTOP, SIGTERM, SIGUSR1
from typing import TYPE_CHECKING

import pytest

from support import processes

if TYPE_CHECKING:
    from support.world import World


def test_child_that_does_not_obey_is_killed_when_the_grace_period_is_over(world: World) -> None:
    """KUBEXIT_GRACE_PERIOD runs from the stop signal to SIGKILL."""
    sidecar = world.start("sidecar", "on 15 report", death_deps="main", grace_period="150ms")
    child = sidecar.ready()
    world.graveyard.carve_died("main", 0)
    assert sidecar.says("signal").startswith("signal 15")
    assert sidecar.end() == 137
    stone = sidecar.stone()
    assert (stone["ExitCode"], stone["Signal"], stone["Reason"]) == (137, "SIGKILL", "GraceExpired")
    assert processes.state(child) == "X"


def test_grace_period_of_zero_kills_at_once(world: World) -> None:
    """0 is a duration: told, and killed."""
    sidecar = world.start("sidecar", "on 15 report", death_deps="main", grace_period="0")
    sidecar.ready()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 137


def test_outside_stop_adds_no_grace_of_ours(world: World) -> None:
    """TERM from outside is passed on, and the end is left to the caller: however short our grace period is, nobody is killed."""
    main = world.start("main", "on 15 report", "on 10 exit 3", grace_period="1ms", instant_logging="1")
    main.ready()
    main.send(SIGTERM)
    main.says("signal 15")
    other = world.start("other", birth_deps="nobody", birth_timeout="100ms")
    assert other.end() == 1  # more than the grace period later
    main.send(SIGUSR1)
    assert main.end() == 3


def test_configured_stop_signal_is_what_the_child_gets(world: World) -> None:
    """KUBEXIT_STOP_SIGNAL, by name with or without SIG, as RTMIN+n or by number; KUBEXIT_STOPSIGNAL is the same."""
    cases = [
        ("INT", 2, "stop_signal"),
        ("SIGQUIT", 3, "stop_signal"),
        ("RTMIN+3", 37, "stop_signal"),
        ("12", 12, "stop_signal"),
        ("HUP", 1, "stopsignal"),
    ]
    for text, number, variable in cases:
        sidecar = world.start(f"sidecar-{number}", f"on {number} die", death_deps="main", **{variable: text})
        sidecar.ready()
        world.graveyard.carve_died("main", 0)
        assert sidecar.says("signal").startswith(f"signal {number} ")
        assert sidecar.end() == 0
        assert sidecar.stone()["ChildExitCode"] == 128 + number
        (world.graveyard.path / "main").unlink()


def test_stopped_child_is_continued_so_that_it_can_end(world: World) -> None:
    """A child that lies in SIGSTOP gets SIGCONT with the stop signal, else it would never see that."""
    sidecar = world.start("sidecar", "on 15 exit 8", death_deps="main", grace_period="1h")
    child = sidecar.ready()
    processes.send(child, SIGSTOP)
    processes.wait_until(lambda: processes.state(child) == "T", "the stopped child")
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 8


def test_child_that_stops_itself_during_the_stop_is_continued(world: World) -> None:
    """Stopping is no way out of a stop."""
    sidecar = world.start("sidecar", "on 15 stop", "on 18 exit 8", death_deps="main", grace_period="1h")
    sidecar.ready()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 8


def test_stopped_child_is_killed_when_the_grace_period_is_over(world: World) -> None:
    """SIGKILL ends a stopped process too."""
    sidecar = world.start("sidecar", "on 15 stop", "on 18 stop", death_deps="main", grace_period="100ms")
    sidecar.ready()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 137


def test_child_that_leads_its_group_is_stopped_with_the_group(world: World) -> None:
    """KUBEXIT_SIGNAL_GROUP: what the child started in its group hears of the stop as well."""
    sidecar = world.start("sidecar", "on 15 report", "on 12 exit 0", "fork", death_deps="main", signal_group="true")
    sidecar.ready()
    sidecar.other("forked")
    world.graveyard.carve_died("main", 0)
    heard = {sidecar.says("signal 15").split()[2] for _ in range(2)}
    assert len(heard) == 2
    sidecar.send(12)
    assert sidecar.end() == 0


def test_whole_group_is_killed_when_the_grace_period_is_over(world: World) -> None:
    """SIGKILL goes to the group too: nobody in it survives the supervisor."""
    sidecar = world.start("sidecar", "on 15 report", "fork", death_deps="main", signal_group="true", grace_period="100ms")
    child, other = sidecar.ready(), sidecar.other("forked")
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 137
    for pid in (child, other):
        processes.wait_gone(pid)


def test_without_a_group_only_the_child_is_told(world: World) -> None:
    """The child may have its own way of telling its children."""
    sidecar = world.start("sidecar", "on 15 report", "fork", "on 12 exit 1", death_deps="main")
    child, other = sidecar.ready(), sidecar.other("forked")
    world.graveyard.carve_died("main", 0)
    first = sidecar.says("signal 15").split()[2]
    assert processes.outside_pid(int(first), sidecar.pid) == child
    sidecar.send(12)
    assert sidecar.says("signal") == f"signal 12 {first}"
    assert sidecar.end() == 1
    processes.kill(other)


def test_child_gets_a_group_of_its_own_only_if_asked_for(world: World) -> None:
    """With KUBEXIT_SIGNAL_GROUP it leads one, without it stays in ours."""
    plain, leader = world.start("plain"), world.start("leader", signal_group="1")
    assert processes.group(plain.ready()) == processes.group(plain.pid)
    assert processes.group(leader.ready()) == leader.child


@pytest.mark.parametrize("number", [SIGTERM, SIGINT, SIGQUIT])
def test_death_after_an_outside_stop_starts_the_grace_period_only(world: World, number: int) -> None:
    """To many programs a second TERM means "at once": one that was passed on already is not sent again, other stops are."""
    sidecar = world.start("sidecar", "on 10 report", death_deps="main", grace_period="150ms", stop_signal=str(int(number)))
    sidecar.ready()
    sidecar.send(number)
    assert sidecar.says("signal").startswith(f"signal {int(number)} ")
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 128 + SIGKILL
    assert sidecar.out is not None
    assert sidecar.out.rest() == []


def test_every_outside_stop_is_passed_on(world: World) -> None:
    """A second TERM from outside is the caller's own wish."""
    main = world.start("main", "on 12 exit 0")
    main.ready()
    for number in (15, 15, 2, 15, 3):
        main.send(number)
        assert main.says("signal").startswith(f"signal {number} ")
    main.send(12)
    assert main.end() == 0


def test_reason_of_an_outside_stop_is_terminated(world: World) -> None:
    """The tombstone tells a stop from outside from a crash."""
    main = world.start("main", "on 15 die")
    main.ready()
    main.send(SIGTERM)
    assert main.end() == 143
    stone = main.stone()
    assert (stone["ExitCode"], stone["Signal"], stone["Reason"]) == (143, "SIGTERM", "Terminated")
    assert "ChildExitCode" not in stone
