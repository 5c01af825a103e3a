"""What a supervisor is to the kernel: one process, one thread, no wake-ups, a reaper, and a life that its child does not outlive."""

from __future__ import annotations

from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING

import pytest

from support import processes

if TYPE_CHECKING:
    from support.world import World


def test_supervisor_is_one_process_with_one_thread(world: World) -> None:
    """No parent that waits, no helper, no thread: its only child is the child."""
    main = world.start("main", death_deps="nobody")
    child = main.ready()
    assert processes.children(main.pid) == [child]
    assert processes.status(main.pid)["Threads"] == "1"
    everybody = set(processes.with_in_environment(str(world.root))) - {main.process.pid}
    assert everybody <= {main.pid, child}


def test_idle_supervisor_never_wakes_up(world: World) -> None:
    """No timers, no polling: between two things that happen it does not run at all, whatever it waits for."""
    sidecars = [
        world.start("alone"),
        world.start("watching", death_deps="main", grace_period="1ms"),
        world.start("waiting", birth_deps="main", birth_timeout="0", instant_logging="1"),
        world.start("limited", birth_deps="main", birth_timeout="1h", instant_logging="1"),
    ]
    for supervisor in sidecars[:2]:
        supervisor.ready()
        world.graveyard.wait_for_stone(supervisor.name)
    for supervisor in sidecars[2:]:
        supervisor.settle()
    for supervisor in sidecars:
        processes.wait_until(lambda pid=supervisor.pid: processes.state(pid) == "S", "a sleeping supervisor")  # type: ignore[misc]
    before = [processes.switches(supervisor.pid) for supervisor in sidecars]
    ticks = world.start("ticks", birth_deps="nobody", birth_timeout="1500ms")  # time passes, and a foreign tombstone is written
    assert ticks.end() == 1
    woken = [processes.switches(supervisor.pid) - count for supervisor, count in zip(sidecars, before, strict=True)]
    assert woken[0] == 0
    # each event in the folder is a wake-up: a lock file and a tombstone of `ticks`, renamed into place, closed after writing
    assert max(woken[1:]) <= 6


@pytest.mark.frozen_only("the source form is the system's own interpreter")
def test_no_library_of_the_system_is_used(world: World) -> None:
    """All code comes from the program itself: what the image has, musl or an old glibc, does not matter."""
    main = world.start("main", death_deps="nobody")
    main.ready()
    mapped = {line.split(maxsplit=5)[5] for line in processes.read(f"/proc/{main.pid}/maps").splitlines() if len(line.split(maxsplit=5)) == 6}
    libraries = [path for path in mapped if ".so" in path and not path.startswith((str(world.installation.folder), str(world.temporary), "/memfd:"))]
    assert libraries == []


def test_memory_of_a_supervisor_is_small(world: World) -> None:
    """At most 11 MB in the frozen forms, forty dependencies or none; the interpreter of the source form brings a little more."""
    main = world.start("main", death_deps=",".join(f"dependency-{number}" for number in range(40)))
    main.ready()
    world.graveyard.wait_for_stone("main")
    assert processes.resident_kilobytes(main.pid) < (11_264 if world.installation.frozen else 16_000)


def test_supervisor_does_not_grow(world: World) -> None:
    """Nor does it with ten thousand events and signals: traces are bounded."""
    sidecar = world.start("sidecar", death_deps="main", verbose_level="1")
    sidecar.ready()

    def disturb(count: int) -> int:
        for _ in range(count):
            world.graveyard.carve_born("main")
            sidecar.send(10)
            sidecar.says("signal 10")
        return processes.resident_kilobytes(sidecar.pid)

    before = disturb(500)
    assert disturb(3000) < before + 300


def test_descriptors_of_a_supervisor_are_few_and_do_not_leak(world: World) -> None:
    """They stay what they are, however much happens."""
    sidecar = world.start("sidecar", death_deps="main", instant_logging="1")
    sidecar.ready()
    world.graveyard.carve_born("main")
    sidecar.settle()
    before = len(processes.open_files(sidecar.pid).splitlines())
    for _ in range(50):
        world.graveyard.carve_born("main")
        world.graveyard.carve("main", b"\xff")
        (world.graveyard.path / ".main.lock").write_bytes(b"")
        (world.graveyard.path / ".main.lock").unlink()
        sidecar.settle()
    assert len(processes.open_files(sidecar.pid).splitlines()) == before <= 12


def test_orphans_are_reaped(world: World) -> None:
    """Descendants whose parent has ended are ours, and never stay zombies."""
    main = world.start("main", "leave 50", "on 10 report")
    child = main.ready()
    main.send(10)
    main.says("signal 10")
    processes.wait_until(lambda: processes.children(main.pid) == [child], "the reaping of all orphans")


def test_orphan_that_ends_later_is_reaped(world: World) -> None:
    """When it does end."""
    main = world.start("main", "orphan")
    child, orphan = main.ready(), main.other("orphan")
    assert processes.parent(orphan) == main.pid
    processes.kill(orphan)
    processes.wait_until(lambda: processes.children(main.pid) == [child], "the reaping of the orphan")


def test_end_of_the_child_is_the_end_even_if_orphans_live_on(world: World) -> None:
    """Whoever the child left running does not keep the supervisor (and in a container the kernel ends them with it)."""
    main = world.start("main", "orphan", "on 15 exit 5")
    main.ready()
    orphan = main.other("orphan")
    main.send(SIGTERM)
    assert main.end() == 5
    processes.kill(orphan)


def test_end_of_an_orphan_is_not_taken_for_the_childs(world: World) -> None:
    """Only the child's own end counts."""
    main = world.run([world.installation.actor, "listen", "on 15 exit 3"], name="main", stdin=-1)
    main.ready()
    for _ in range(10):
        main.tell("leave 3")
        main.tell("say done")
        main.says("done")
    assert not main.ended
    main.send(SIGTERM)
    assert main.end() == 3


def test_child_dies_with_its_supervisor(world: World) -> None:
    """SIGKILL of the supervisor is SIGKILL of the child, as pid 1 by the kernel's rule, elsewhere by the parent-death signal."""
    main = world.start("main", *(f"ignore {number}" for number in (1, 2, 3, 15)))
    child = main.ready()
    main.kill()
    processes.wait_gone(child)


@pytest.mark.not_pid1("the kernel kills everything in a pid namespace with its first process")
def test_parent_death_signal_is_the_childs_alone(world: World) -> None:
    """Grandchildren are the child's affair."""
    main = world.start("main", "fork")
    child, grandchild = main.ready(), main.other("forked")
    main.kill()
    processes.wait_gone(child)
    assert processes.state(grandchild) == "S"
    processes.kill(grandchild)


@pytest.mark.pid1_only("elsewhere what leaves the group lives on")
def test_everything_ends_with_the_first_process(world: World) -> None:
    """As pid 1 our end is the container's end."""
    main = world.start("main", "session", "orphan", "on 15 exit 0")
    child, orphan = main.ready(), main.other("orphan")
    main.send(SIGTERM)
    assert main.end() == 0
    for pid in (child, orphan):
        processes.wait_gone(pid)


@pytest.mark.pid1_only("about the first process")
def test_supervisor_really_is_the_first_process(world: World) -> None:
    """The form under test is what it says it is."""
    main = world.start("main")
    main.ready()
    assert processes.status(main.pid)["NSpid"].split()[-1] == "1"


def test_supervisor_of_a_supervisor_works(world: World) -> None:
    """Nested: signals go through both, and each has its own tombstone."""
    inner = [*world.installation.command, world.installation.actor, "on 15 exit 7"]
    outer = world.run(["/usr/bin/env", "KUBEXIT_NAME=inner", *inner], name="outer")
    outer.ready()
    outer.send(SIGTERM)
    assert outer.end() == 7
    assert world.graveyard.stone("inner")["ExitCode"] == 7
    assert world.graveyard.stone("outer")["ExitCode"] == 7


def test_kill_of_the_outermost_supervisor_ends_the_innermost_child(world: World) -> None:
    """A chain of parent-death signals."""
    inner = [*world.installation.command, world.installation.actor]
    outer = world.run(["/usr/bin/env", "KUBEXIT_NAME=inner", *inner], name="outer")
    child = outer.ready()
    outer.kill()
    processes.wait_gone(child)


def test_disabled_supervisor_is_the_command_itself(world: World) -> None:
    """KUBEXIT_DISABLED: exec at once; nothing else is looked at, nothing is written, and the pid is the command's."""
    main = world.start(
        "", "on 15 exit 3", disabled="true", grace_period="nonsense", death_deps=":::", instant_logging="maybe", graveyard="/proc/nowhere"
    )
    assert main.ready() == main.pid
    assert Path(f"/proc/{main.pid}/cmdline").read_bytes().startswith(world.installation.actor.encode())
    main.send(SIGTERM)
    assert main.end() == 3
    assert main.logged_so_far() == ""
    assert list(world.graveyard.path.iterdir()) == []


def test_values_of_the_kill_switch_are_gos_booleans(world: World) -> None:
    """What is no boolean is a fault, not a switch."""
    for value in ("1", "t", "T", "TRUE", "true", "True"):
        assert world.start("main", "exit 4", disabled=value).end() == 4
    for value in ("0", "f", "F", "FALSE", "false", "False", ""):
        assert world.start("main", "exit 4", disabled=value).end() == 4
        assert world.graveyard.stone("main")["ExitCode"] == 4
    wrong = world.start("main", "exit 4", disabled="yes")
    assert wrong.end() == 2
    assert "KUBEXIT_DISABLED" in wrong.error()


def test_killed_child_of_a_killed_group_leaves_nothing(world: World) -> None:
    """SIGKILL of the whole group of a child: the supervisor sees its end and reaps the rest."""
    main = world.start("main", "fork", signal_group="1")
    child = main.ready()
    main.other("forked")
    processes.send_group(processes.group(child), SIGKILL)
    assert main.end() == 137


@pytest.mark.parametrize(
    ("command", "status"),
    [("/nonexistent/x", 127), ("nonexistent-command", 127), ("/etc/passwd", 126), ("/etc", 126), ("/etc/passwd/x", 127), ("", 127)],
)
def test_command_that_cannot_be_started_is_said_so(world: World, command: str, status: int) -> None:
    """127: not found, 126: found and not executable. Died without Born, so that no peer waits."""
    main = world.run([command], name="main")
    assert main.end() == status
    stone = main.stone()
    assert (stone["ExitCode"], stone["Reason"]) == (status, "StartFailed")
    assert "Born" not in stone
    assert command in main.error()


def test_script_whose_interpreter_is_missing_is_not_found(world: World) -> None:
    """As every shell has it."""
    script = world.root / "script"
    script.write_text("#!/nonexistent/interpreter\n")
    script.chmod(0o755)
    assert world.run([str(script)], name="main").end() == 127


def test_program_of_another_machine_cannot_be_executed(world: World) -> None:
    """An image for another architecture is a common mistake: 126, and not the shell's word about its bytes."""
    program = world.root / "program"
    program.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xf3\x00" + bytes(100))
    program.chmod(0o755)
    assert world.run([str(program)], name="main").end() == 126


def test_peers_of_a_command_that_cannot_be_started_are_not_left_waiting(world: World) -> None:
    """A failed start is a death."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    client = world.start("client", birth_deps="main", birth_timeout="0", instant_logging="1")
    sidecar.ready()
    client.settle()
    world.run(["/nonexistent"], name="main")
    assert (sidecar.end(), client.end()) == (143, 1)
