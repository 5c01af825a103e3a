"""Every signal that is not CHLD goes to the child, once."""

from __future__ import annotations

from signal import SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU
from typing import TYPE_CHECKING

import pytest

from support import processes

if TYPE_CHECKING:
    import random

    from support.world import World

SUSPENDING = (SIGTSTP, SIGTTIN, SIGTTOU)
ALL = [number for number in range(1, 65) if number not in (SIGKILL, SIGSTOP, SIGCHLD)]


def test_every_signal_reaches_the_child_once(world: World) -> None:
    """From 1 to 64, those of the real time from 32 on too: libc hides 32 and 33, musl 34 as well."""
    main = world.start("main", "on 9 die")
    main.ready()
    for number in ALL:
        main.send(number)
        assert main.says("signal").split()[1] == str(number)
    main.send(SIGKILL)
    main.end()
    assert main.out is not None
    assert main.out.rest() == []


def test_signals_that_come_in_a_burst_all_reach_the_child(world: World, dice: random.Random) -> None:
    """Nearly sixty different ones at once: each arrives, in whatever order. The kernel itself drops a TSTP that waits when CONT comes."""
    main = world.start("main")
    main.ready()
    numbers = [number for number in dice.sample(ALL, len(ALL)) if number not in SUSPENDING]
    for number in numbers:
        main.send(number)
    heard = [int(main.says("signal").split()[1]) for _ in numbers]
    assert sorted(heard) == sorted(numbers)


def test_queued_real_time_signals_are_all_passed_on(world: World) -> None:
    """Real-time signals queue: a hundred sent are a hundred heard."""
    main = world.start("main")
    main.ready()
    for _ in range(100):
        main.send(40)
    for _ in range(100):
        assert main.says("signal").split()[1] == "40"


def test_child_hears_nothing_of_the_ends_of_others(world: World) -> None:
    """CHLD is ours, and so is what the kernel tells us of orphans."""
    main = world.start("main", "leave 5", "on 10 exit 0")
    main.ready()
    main.send(SIGCHLD)
    main.send(10)
    heard = {line.split()[1] for line in main.out.rest() if line.startswith("signal")} if main.out else set()
    assert heard <= {"17", "10"}  # its own middle processes have ended: those are its children, and its CHLD
    assert "10" in heard


def test_child_that_ignores_a_signal_keeps_ignoring_it(world: World) -> None:
    """We pass on; what it means is the child's business."""
    main = world.start("main", "ignore 15", "on 10 exit 3")
    main.ready()
    main.send(SIGTERM)
    main.send(10)
    assert main.says("signal").split()[1] == "10"
    assert main.end() == 3


def test_stopped_child_is_continued_by_cont(world: World) -> None:
    """CONT is passed on like any other, and continues the child."""
    main = world.start("main", "on 10 exit 2")
    child = main.ready()
    processes.send(child, SIGSTOP)
    processes.wait_until(lambda: processes.state(child) == "T", "the stopped child")
    main.send(SIGCONT)
    assert main.says("signal").split()[1] == str(int(SIGCONT))
    main.send(10)
    assert main.end() == 2


@pytest.mark.parametrize("number", [1, 10, 15, 34])
def test_signal_that_ends_the_child_is_how_it_ended(world: World, number: int) -> None:
    """Passed on to a child without handlers, it ends that, and we say by which."""
    main = world.start("main", f"obey {number}")
    main.ready()
    main.send(number)
    assert main.end() == 128 + number


def test_group_gets_the_signals_if_the_child_leads_one(world: World) -> None:
    """KUBEXIT_SIGNAL_GROUP: signals go to all of the child's group."""
    main = world.start("main", "fork", "on 12 exit 0", signal_group="true")
    main.ready()
    other = main.other("forked")
    for number in (1, 10, 15, 40):
        main.send(number)
        heard = [main.says("signal").split()[1:] for _ in range(2)]
        assert {line[0] for line in heard} == {str(number)}
        assert len({line[1] for line in heard}) == 2
    main.send(12)
    assert main.end() == 0
    processes.wait_gone(other)


def test_signal_to_the_group_of_the_supervisor_reaches_a_child_of_its_own_group_once(world: World) -> None:
    """Whoever signals our group has not signalled that of a child with one of its own: we pass it on."""
    main = world.run([world.installation.actor, "on 12 exit 0"], name="main", signal_group="true", stage=["--session"])
    main.ready()
    processes.send_group(main.pid, 10)
    assert main.says("signal").split()[1] == "10"
    main.send(12)
    assert main.end() == 0


def test_child_of_another_user_that_we_may_not_signal_harms_nothing(world: World) -> None:
    """A child that became another user may be out of our reach; we go on supervising it."""
    main = world.run([world.installation.actor, "listen", "on 10 exit 4"], name="main", stdin=-1, stage=["--mounts"])
    main.ready()
    main.tell("become 54321")
    main.tell("say changed")
    main.says("changed")
    main.send(10)
    assert main.end() == 4
