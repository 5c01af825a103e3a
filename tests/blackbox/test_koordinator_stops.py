"""In koordinator's place: what the command is told, by whom, and when."""

from __future__ import annotations

import time
from signal import SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2
from typing import TYPE_CHECKING

import pytest

from support.koordinators import run, start
from support.pods import RUNNING, ended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.clusters import Cluster
    from support.supervisors import Supervisor
    from support.world import World

STOP = {"stopDeps": ["server"]}
FOR_EVER = {"stopDelay": "1h", "termTimeout": "1h"}  # what waits for these fails by the test's deadline
UNHURRIED = 0.25  # seconds


def start_sidecar(cluster: Cluster, spec: Mapping[str, object], *commands: str) -> Supervisor:
    """Start one whose stop dependency lives, and return when its command runs."""
    cluster.tell(server=RUNNING)
    sidecar = start(cluster, {**STOP, **spec}, *commands)
    sidecar.ready()
    return sidecar


def said(child: Supervisor) -> list[str]:
    """Give the signals that the command has heard of, all in all, when it has ended."""
    assert child.out is not None
    return [line.split()[1] for line in child.out.all().splitlines() if line.startswith("signal")]


def pass_time(world: World) -> None:
    """Let some time pass that is longer than what the test takes for short."""
    assert world.start("clock", birth_deps="nobody", birth_timeout=f"{UNHURRIED:g}s").end() == 1


# ── for a stop dependency ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("spec", "number"),
    [
        ({}, 15),
        ({"termSignal": "SIGINT"}, 2),
        ({"termSignal": "SIGTERM"}, 15),
        ({"termSignal": "SIGQUIT"}, 3),
        ({"termSignal": "SIGHUP"}, 1),
        ({"termSignal": "SIGUSR1"}, 10),
        ({"termSignal": "INT"}, 15),
        ({"termSignal": ""}, 15),
        ({"whenStopDepExited": {"signal": 2}}, 2),
        ({"whenStopDepExited": {"signal": 12}, "termSignal": "SIGINT"}, 12),
        ({"whenStopDepExited": {"signal": 40}}, 40),
    ],
)
def test_command_is_told_by_the_signal_of_the_spec(cluster: Cluster, spec: dict[str, object], number: int) -> None:
    """`whenStopDepExited`, else `termSignal`, else SIGTERM; that one, and no other."""
    sidecar = start_sidecar(cluster, spec, f"on {number} exit 9")
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0
    assert said(sidecar) == [str(number)]


@pytest.mark.parametrize(("number", "heard"), [(10, ["10"]), (0, []), (-1, []), (99, [])])
def test_command_that_does_not_obey_is_killed_and_told_nothing_else(cluster: Cluster, number: int, heard: list[str]) -> None:
    """A number that is no signal tells nothing at all: SIGKILL follows."""
    sidecar = start_sidecar(cluster, {"whenStopDepExited": {"signal": number}, "termTimeout": "150ms"}, "on 15 exit 9")
    cluster.tell(server=ended(0))
    assert sidecar.end() == 137
    assert said(sidecar) == heard
    assert [warning for warning in sidecar.warnings() if "is no signal" in warning] or heard


def test_term_timeout_runs_from_the_stop(cluster: Cluster) -> None:
    """Not a moment less, in koordinator's own way to write a duration."""
    sidecar = start_sidecar(cluster, {"termTimeout": "100ms + 150ms"}, "on 15 report")
    begin = time.monotonic()
    cluster.tell(server=ended(0))
    assert sidecar.end() == 137
    assert time.monotonic() - begin >= UNHURRIED


def test_stopped_command_is_continued_so_that_it_can_end(cluster: Cluster) -> None:
    """As everywhere: a command that lies in SIGSTOP would not see the signal."""
    sidecar = start_sidecar(cluster, FOR_EVER | {"terminatedByStopDepExitCode": -1}, "on 15 stop", "on 18 exit 8")
    cluster.tell(server=ended(0))
    assert sidecar.end() == 8


# ── from outside ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", [1, 2, 3, 10, 15, 12, 14, 28, 18, 23, 13, 40])
def test_every_signal_is_passed_on(world: World, number: int) -> None:
    """Those that koordinator hands on, those that end it, and those that it keeps."""
    main = start(world, {}, "on 12 exit 6", "on 34 exit 6")
    main.ready()
    main.send(number)
    assert main.says("signal").startswith(f"signal {number} ")
    main.send(34)
    assert main.end() == 6


def test_term_of_the_commands_first_act_is_passed_on(world: World, rounds: int) -> None:
    """Where koordinator is not ready for it yet, dies by it, and leaves the command behind."""
    command = ["/bin/sh", "-c", 'trap "exit 5" TERM; kill -TERM $PPID; while :; do :; done']
    for _ in range(min(rounds, 20)):
        assert run(world, {}, command).end() == 5


def test_outside_stop_adds_no_timeout_of_ours(world: World) -> None:
    """`termTimeout` is about stop dependencies alone: however short it is, nobody is killed."""
    main = start(world, {"termTimeout": "1ms"}, "on 15 report", "on 10 exit 3")
    main.ready()
    main.send(SIGTERM)
    main.says("signal 15")
    pass_time(world)
    main.send(SIGUSR1)
    assert main.end() == 3


@pytest.mark.parametrize(("spec", "number"), [({}, SIGTERM), ({"termSignal": "SIGINT"}, SIGINT), ({"termSignal": "SIGUSR1"}, SIGUSR1)])
def test_term_signal_from_outside_is_held_back(world: World, spec: dict[str, object], number: int) -> None:
    """For `stopDelay`, and then passed on; the end is the command's own."""
    main = start(world, {"stopDelay": f"{UNHURRIED:g}s", **spec}, f"on {number} exit 9")
    main.ready()
    begin = time.monotonic()
    main.send(number)
    assert main.end() == 9
    assert time.monotonic() - begin >= UNHURRIED
    assert said(main) == [str(int(number))]


@pytest.mark.parametrize("number", [SIGTERM, SIGQUIT, SIGHUP])
def test_other_stops_are_passed_on_at_once(world: World, number: int) -> None:
    """`stopDelay` is about the term signal."""
    main = start(world, {**FOR_EVER, "termSignal": "SIGINT"}, f"on {number} exit 9")
    main.ready()
    main.send(number)
    assert main.end() == 9


def test_without_a_delay_nothing_is_held_back(world: World) -> None:
    """Nor is a second one, or a third."""
    main = start(world, {"stopDelay": "0s"}, "on 12 exit 6")
    main.ready()
    for _ in range(3):
        main.send(SIGTERM)
        main.says("signal 15")
    main.send(SIGUSR2)
    assert main.end() == 6


@pytest.mark.parametrize("number", [SIGHUP, SIGUSR1, 28, 40])
def test_other_signals_do_not_wait_for_the_delay(world: World, number: int) -> None:
    """Where koordinator holds them back with the term signal."""
    main = start(world, FOR_EVER, f"on {int(number)} exit 9")
    main.ready()
    main.send(SIGTERM)
    main.event("Received signal: SIGTERM")
    main.send(number)
    assert main.end() == 9
    assert said(main) == [str(int(number))]


@pytest.mark.parametrize(("command", "status"), [("exit 9", 9), ("die 11", 139)])
def test_end_of_the_command_does_not_wait_for_the_delay(cluster: Cluster, command: str, status: int) -> None:
    """The pod's deletion takes no longer than the command."""
    number = command.split()[1]
    sidecar = start_sidecar(cluster, FOR_EVER, f"on 12 {command}" if "exit" in command else f"obey {number}")
    sidecar.send(SIGTERM)
    sidecar.event("Received signal: SIGTERM")
    sidecar.send(SIGUSR2 if "exit" in command else int(number))
    assert sidecar.end() == status


def test_second_term_signal_ends_the_delay(world: World) -> None:
    """Whoever asks twice means it. The command hears of it once, or twice, but at once."""
    main = start(world, FOR_EVER, "on 15 exit 9")
    main.ready()
    main.send(SIGTERM)
    main.event("Received signal: SIGTERM")
    main.send(SIGTERM)
    assert main.end() == 9


def test_end_of_a_stop_dependency_does_not_wait_for_the_delay(cluster: Cluster) -> None:
    """The pod is being deleted, and the main container has ended: nobody needs the sidecar any more."""
    sidecar = start_sidecar(cluster, FOR_EVER, "on 15 exit 9")
    sidecar.send(SIGTERM)
    sidecar.event("Received signal: SIGTERM")
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0
    assert said(sidecar) == ["15"]


def test_end_of_a_stop_dependency_after_an_outside_stop_starts_the_timeout(cluster: Cluster) -> None:
    """To many programs a second SIGTERM means "at once": it is not sent again, but the command is killed after `termTimeout`."""
    sidecar = start_sidecar(cluster, {"termTimeout": "150ms"}, "on 15 report")
    sidecar.send(SIGTERM)
    sidecar.says("signal 15")
    cluster.tell(server=ended(0))
    assert sidecar.end() == 137
    assert said(sidecar) == ["15"]


def test_signals_go_to_the_whole_group_if_wished(world: World) -> None:
    """KUBEXIT_SIGNAL_GROUP holds here too."""
    main = start(world, {}, "on 15 report", "on 12 exit 9", "fork", signal_group="true")
    main.ready()
    main.other("forked")
    main.send(SIGTERM)
    assert len({main.says("signal 15").split()[2] for _ in range(2)}) == 2
    main.send(SIGUSR2)
    assert main.end() == 9
