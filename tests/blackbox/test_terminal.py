"""At a terminal: keys reach the child once, job control works, and nobody is left stopped where nobody can continue him."""

from __future__ import annotations

import os
import shlex
import subprocess
import termios
from signal import SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGSTOP, SIGTERM, SIGTSTP, SIGUSR1, SIGWINCH
from typing import TYPE_CHECKING, Any

import pytest

from support import processes
from support.processes import parent, state, wait_gone, wait_until
from support.terminals import CONTROL_BACKSLASH, CONTROL_C, CONTROL_Z, Shell, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.supervisors import Supervisor
    from support.world import World

GROUPS = ["false", "true"]  # KUBEXIT_SIGNAL_GROUP
needs_a_shell = pytest.mark.not_pid1("a shell is the parent here, and it is of the test's pid namespace")


@pytest.fixture
def terminal(world: World) -> Iterator[Terminal]:
    """Give a terminal."""
    del world  # which has to be closed after it
    terminal = Terminal()
    yield terminal
    terminal.close()


def start(world: World, terminal: Terminal, *commands: str, **variables: str) -> Supervisor:
    """Start a supervisor as the session leader of a terminal, as `docker run -it` does: no shell is there."""
    given: dict[str, Any] = {"name": "main", "instant_logging": "1", **variables}
    return world.run([world.installation.actor, *commands], stage=["--terminal"], stdin=terminal.slave, **given)


def is_stopped(pid: int) -> bool:
    """Tell whether a process is stopped."""
    return state(pid) == "T"


def wait_stopped(*pids: int) -> None:
    """Wait until all of these are stopped."""
    for pid in pids:
        wait_until(lambda pid=pid: is_stopped(pid), f"process {pid} stopped")  # type: ignore[misc]


def wait_running(*pids: int) -> None:
    """Wait until none of these is stopped."""
    for pid in pids:
        wait_until(lambda pid=pid: not is_stopped(pid), f"process {pid} continued")  # type: ignore[misc]


def held(supervisor: Supervisor) -> Supervisor:
    """Stop the supervisor for a moment, so that what the child gets from the terminal and what it gets from us come apart."""
    supervisor.send(SIGSTOP)
    wait_stopped(supervisor.pid)
    return supervisor


def signals_until_usr1(supervisor: Supervisor) -> list[int]:
    """Continue the supervisor, and give what the child hears from then on, up to a SIGUSR1 that comes after everything else."""
    supervisor.send(SIGCONT)
    supervisor.event("Received signal: SIGCONT")
    supervisor.send(SIGUSR1)
    heard: list[int] = []
    while SIGUSR1 not in heard:
        heard.append(int(supervisor.says("signal").split()[1]))
    return heard[:-1]


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(("key", "number"), [(CONTROL_C, SIGINT), (CONTROL_BACKSLASH, SIGQUIT)], ids=["C", "backslash"])
def test_key_reaches_the_child_exactly_once(world: World, terminal: Terminal, key: bytes, number: int, group: str) -> None:
    """The terminal sends it to the whole foreground group: what the child has had already is not sent again."""
    main = start(world, terminal, signal_group=group)
    main.ready()
    held(main)
    terminal.press(key)
    assert main.says("signal").split()[1] == str(int(number))
    assert number not in signals_until_usr1(main)


@pytest.mark.parametrize(("key", "name"), [(CONTROL_C, "SIGINT"), (CONTROL_BACKSLASH, "SIGQUIT")])
def test_key_reaches_us_too(world: World, terminal: Terminal, key: bytes, name: str) -> None:
    """It is a stop from outside like any other: the end that follows is no error, and the tombstone says why."""
    main = start(world, terminal, "obey 2", "obey 3")
    main.ready()
    terminal.press(key)
    main.event(f"Received signal: {name}")
    assert main.end() == {"SIGINT": 130, "SIGQUIT": 131}[name]
    stone = main.stone()
    assert (stone["Reason"], stone["Signal"]) == ("Terminated", name)
    assert "error" not in {line["level"] for line in main.log()}


@pytest.mark.parametrize("group", GROUPS)
def test_key_reaches_the_childs_own_children_once(world: World, terminal: Terminal, group: str) -> None:
    """They are of the foreground group as well."""
    main = start(world, terminal, "quiet", "fork", signal_group=group)
    grandchild = main.other("forked")
    held(main)
    terminal.press(CONTROL_C)
    assert [main.says("signal").split()[1] for _ in range(2)] == ["2", "2"]
    assert SIGINT not in signals_until_usr1(main)
    processes.kill(grandchild)


def test_key_reaches_a_child_that_left_our_session(world: World, terminal: Terminal) -> None:
    """A daemon of its own session hears nothing from the terminal: from us it does."""
    main = start(world, terminal, "session")
    main.ready()
    terminal.press(CONTROL_C)
    assert main.says("signal").split()[1] == str(int(SIGINT))
    terminal.resize(33, 99)
    assert main.says("signal").split()[1] == str(int(SIGWINCH))


def test_signal_of_another_process_reaches_the_child_though_a_key_would_not(world: World, terminal: Terminal) -> None:
    """INT, QUIT, TSTP and WINCH from anybody but the terminal are for us alone, and passed on."""
    main = start(world, terminal)
    main.ready()
    for number in (SIGINT, SIGQUIT, SIGTSTP, SIGWINCH):
        main.send(number)
        assert main.says("signal").split()[1] == str(int(number))


@pytest.mark.parametrize("group", GROUPS)
def test_resize_reaches_the_child_exactly_once(world: World, terminal: Terminal, group: str) -> None:
    """A program that draws draws once."""
    main = start(world, terminal, signal_group=group)
    main.ready()
    held(main)
    terminal.resize(50, 120)
    assert main.says("signal").split()[1] == str(int(SIGWINCH))
    assert SIGWINCH not in signals_until_usr1(main)


@pytest.mark.parametrize("group", GROUPS)
def test_hang_up_reaches_the_child_exactly_once(world: World, terminal: Terminal, group: str) -> None:
    """When the window is closed the kernel tells the session leader alone, which we are: the child hears it from us."""
    main = start(world, terminal, signal_group=group)
    main.ready()
    held(main)
    terminal.hang_up()
    assert signals_until_usr1(main).count(SIGHUP) == 1
    main.send(SIGTERM)
    assert main.says("signal 15")


def test_key_while_we_wait_ends_the_wait(world: World, terminal: Terminal) -> None:
    """There is no child yet; Ctrl-C is a stop from outside."""
    main = start(world, terminal, birth_deps="server", birth_timeout="0")
    world.graveyard.wait_for_file(".main.lock")
    terminal.press(CONTROL_C)
    assert main.end() == 130


# ── without a shell ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("group", GROUPS)
def test_child_that_stops_where_no_shell_is_does_not_stop_us(world: World, terminal: Terminal, group: str) -> None:
    """Nobody could continue us: we go on, and stop the child when main has died."""
    sidecar = start(world, terminal, "on 20 stop", "on 15 exit 0", name="sidecar", death_deps="main", signal_group=group)
    child = sidecar.ready()
    terminal.press(CONTROL_Z)
    wait_stopped(child)
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    assert sidecar.stone()["Reason"] == "DependencyDied"


@pytest.mark.parametrize("group", GROUPS)
def test_stopped_child_that_somebody_continues_goes_on(world: World, terminal: Terminal, group: str, rounds: int) -> None:
    """SIGCONT to us is SIGCONT to the child, at whatever instant it comes: the kernel drops it where a stop signal is sent while it is pending."""
    main = start(world, terminal, "on 20 stop", signal_group=group)
    child = main.ready()
    for _ in range(rounds):
        terminal.press(CONTROL_Z)
        wait_stopped(child)
        main.send(SIGCONT)
        wait_running(child)
        main.says(f"signal {int(SIGCONT)}")


@pytest.mark.parametrize("group", GROUPS)
def test_child_that_is_stopped_without_any_terminal_does_not_stop_us(world: World, group: str) -> None:
    """A SIGSTOP in a container: the supervisor is there for the death dependency, which ends the stopped child too."""
    sidecar = world.run(
        [world.installation.actor, "on 15 exit 0"],
        kubexit=["/usr/bin/setsid", *world.installation.command],  # whoever runs the tests may sit at a terminal
        name="sidecar",
        death_deps="main",
        signal_group=group,
        instant_logging="1",
    )
    child = sidecar.ready()
    os.kill(child, SIGSTOP)
    wait_stopped(child)
    sidecar.send(SIGUSR1)
    sidecar.event("Received signal: SIGUSR1")
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0


def test_stop_key_while_we_wait_without_a_shell_is_nothing(world: World, terminal: Terminal) -> None:
    """As for any program whose parent does no job control: the wait goes on, and the child is started."""
    main = start(world, terminal, birth_deps="server", birth_timeout="0")
    world.graveyard.wait_for_file(".main.lock")
    terminal.press(CONTROL_Z)
    main.event("Received signal: SIGTSTP")
    world.graveyard.carve_born("server")
    main.ready()


# ── whose terminal it is ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("group", GROUPS)
def test_child_can_read_the_terminal(world: World, terminal: Terminal, group: str) -> None:
    """It is of the foreground group, whether that is ours or its own."""
    main = start(world, terminal, "listen", signal_group=group)
    child = main.ready()
    assert (os.getpgid(child) == child) == (group == "true")
    assert terminal.foreground() == os.getpgid(child)
    terminal.type("say hello")
    main.says("hello")


@needs_a_shell
@pytest.mark.parametrize("ending", ["exit 3", "die 9", "no start"])
def test_terminal_is_given_back_after_the_end(world: World, terminal: Terminal, ending: str) -> None:
    """A script without job control would never get it back by itself: it can read its next line, however the child ended."""
    command = ["/no/such/command"] if ending == "no start" else [world.installation.actor, "quiet", ending]
    kubexit = shlex.join([*world.installation.command, *command])
    script = f'{kubexit} 2>/dev/null; read -r line; echo "it read $line"'
    process = subprocess.Popen(
        [world.installation.stage, "--terminal", "--", "/bin/bash", "-c", script],
        stdin=terminal.slave,
        stdout=terminal.slave,
        stderr=terminal.slave,
        env=world.environment({"name": "main", "signal_group": "true"}),
    )
    world.others.append(process)
    world.graveyard.wait_for_stone("main", lambda stone: "Died" in stone)
    terminal.type("something")
    terminal.screen.until(lambda line: line == "it read something", "what the script read")
    assert process.wait() == 0


def test_our_lines_do_not_stop_us_on_a_terminal_that_stops_background_writers(world: World, terminal: Terminal) -> None:
    """`stty tostop`, with the child's group in the foreground: we are in the background, and write all the same."""
    terminal.change(on=termios.TOSTOP)
    sidecar = world.run(
        [world.installation.actor, "on 15 die"],
        stage=["--terminal"],
        stdin=terminal.slave,
        stderr=terminal.slave,
        name="sidecar",
        death_deps="main",
        signal_group="true",
        instant_logging="1",
    )
    sidecar.ready()
    sidecar.send(SIGUSR1)
    sidecar.says("signal 10")
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0


# ── at a shell with job control ──────────────────────────────────────────────────────────────────────────────────


class Job:
    """A supervisor and its child that a shell has started."""

    def __init__(self, shell: Shell, child: int = 0) -> None:
        self.child = child or int(shell.sees("ready").split()[1])
        self.supervisor = parent(self.child)
        self.both = (self.supervisor, self.child)


@pytest.fixture
def shell(world: World, terminal: Terminal, request: pytest.FixtureRequest) -> Iterator[Shell]:
    """Give a shell at the terminal. A test's parameter `group` is KUBEXIT_SIGNAL_GROUP."""
    group = request.node.callspec.params.get("group", "false") if hasattr(request.node, "callspec") else "false"
    shell = Shell(world, terminal, name="main", signal_group=group, log_level="error")
    yield shell
    print(terminal.screen.seen.decode(errors="replace"))  # noqa: T201  pytest shows it if the test fails
    shell.close()


@needs_a_shell
@pytest.mark.parametrize("group", GROUPS)
def test_stop_key_stops_the_job_and_fg_continues_it(shell: Shell, terminal: Terminal, group: str) -> None:
    """Ctrl-Z: child and supervisor are stopped, the shell sees that and has the terminal; `fg` continues both, several times over."""
    shell.supervise("obey 20", "listen")
    job = Job(shell)
    for number in range(3):
        terminal.press(CONTROL_Z)
        wait_stopped(*job.both)
        shell.sees("[1]+  Stopped")
        shell.prompts()
        assert terminal.foreground() == shell.pid
        terminal.type("fg")
        wait_running(*job.both)
        shell.sees(f"signal {int(SIGCONT)}")
        wait_until(lambda: terminal.foreground() == os.getpgid(job.child), "the terminal is the child's again")
        terminal.type(f"say {number} of {group}")
        shell.sees(f"{number} of {group}")
    terminal.press(CONTROL_C)
    shell.sees("signal 2")


@needs_a_shell
@pytest.mark.parametrize("group", GROUPS)
def test_stop_key_right_after_fg_is_not_lost(shell: Shell, terminal: Terminal, group: str, rounds: int) -> None:
    """The supervisor may still be busy with being continued."""
    del group
    shell.supervise("obey 20")
    job = Job(shell)
    terminal.press(CONTROL_Z)
    for _ in range(rounds):
        wait_stopped(*job.both)
        shell.prompts()
        terminal.type("fg")
        shell.sees(f"signal {int(SIGCONT)}")
        terminal.press(CONTROL_Z)
    wait_stopped(*job.both)


@needs_a_shell
@pytest.mark.parametrize("group", GROUPS)
def test_bg_continues_the_job_and_leaves_the_terminal_to_the_shell(shell: Shell, terminal: Terminal, group: str) -> None:
    """The child runs in the background; keys are the shell's."""
    del group
    shell.supervise("obey 20")
    job = Job(shell)
    terminal.press(CONTROL_Z)
    wait_stopped(*job.both)
    shell.prompts()
    terminal.type("bg")
    shell.sees(f"signal {int(SIGCONT)}")
    wait_running(*job.both)
    os.kill(job.supervisor, SIGUSR1)
    shell.sees("signal 10")
    assert terminal.foreground() == shell.pid
    terminal.type("echo I am; echo still here")
    shell.sees("still here")


@needs_a_shell
@pytest.mark.parametrize("group", GROUPS)
def test_background_start_does_not_take_the_terminal(shell: Shell, terminal: Terminal, group: str) -> None:
    """`kubexit ... &`: the shell goes on."""
    del group
    shell.supervise("quiet", "say begun", after="&")
    shell.sees("begun")
    assert terminal.foreground() == shell.pid
    terminal.type("echo I am; echo still here")
    shell.sees("still here")
    assert terminal.foreground() == shell.pid


@needs_a_shell
@pytest.mark.parametrize("group", GROUPS)
def test_background_child_that_reads_is_stopped_until_fg(world: World, shell: Shell, terminal: Terminal, group: str) -> None:
    """SIGTTIN stops whoever reads in the background; the shell sees the job stopped, and `fg` gives the child the terminal."""
    shell.supervise(program="/bin/cat", after="&")
    world.graveyard.wait_for_stone("main")
    (supervisor,) = processes.children(shell.pid)
    job = Job(shell, *processes.children(supervisor))
    wait_stopped(*job.both)
    terminal.type("fg")
    wait_running(*job.both)
    wait_until(lambda: terminal.foreground() == os.getpgid(job.child), "the terminal is the child's")
    terminal.type(f"group {group}")
    shell.sees(f"group {group}")


@needs_a_shell
@pytest.mark.parametrize("group", GROUPS)
def test_child_that_ignores_the_stop_key_stops_nobody(shell: Shell, terminal: Terminal, group: str) -> None:
    """An editor takes Ctrl-Z for itself: we stop only when the child has stopped."""
    del group
    shell.supervise("ignore 20")
    job = Job(shell)
    terminal.press(CONTROL_Z)
    os.kill(job.supervisor, SIGUSR1)
    shell.sees("signal 10")
    assert not is_stopped(job.supervisor)
    terminal.press(CONTROL_C)
    shell.sees("signal 2")


@needs_a_shell
@pytest.mark.parametrize("group", GROUPS)
def test_job_whose_child_was_stopped_by_a_signal_can_be_continued(shell: Shell, terminal: Terminal, group: str) -> None:
    """However the child was stopped: the shell sees the job stopped, and can bring it back."""
    del group
    shell.supervise("listen")
    job = Job(shell)
    os.kill(job.child, SIGSTOP)
    wait_stopped(*job.both)
    shell.sees("[1]+  Stopped")
    terminal.type("fg")
    wait_running(*job.both)
    wait_until(lambda: terminal.foreground() == os.getpgid(job.child), "the terminal is the child's again")
    terminal.type("say hello")
    shell.sees("hello")


@needs_a_shell
@pytest.mark.parametrize("group", GROUPS)
def test_stop_key_stops_a_whole_pipeline(shell: Shell, terminal: Terminal, group: str) -> None:
    """The shell has its prompt only when every process of the job is stopped."""
    del group
    shell.supervise("obey 20", after="| cat")
    job = Job(shell)
    terminal.press(CONTROL_Z)
    wait_stopped(*job.both)
    shell.sees("[1]+  Stopped")
    terminal.type("fg")
    wait_running(*job.both)
    shell.sees(f"signal {int(SIGCONT)}")


@needs_a_shell
def test_stop_key_while_we_wait_stops_the_wait(world: World, shell: Shell, terminal: Terminal) -> None:
    """Ctrl-Z before the child is there: the supervisor stops, and `fg` lets it wait on."""
    terminal.type("export KUBEXIT_BIRTH_DEPS=server KUBEXIT_BIRTH_TIMEOUT=0")
    shell.prompts()
    shell.supervise()
    world.graveyard.wait_for_file(".main.lock")
    terminal.press(CONTROL_Z)
    shell.sees("[1]+  Stopped")
    (supervisor,) = processes.children(shell.pid)
    assert is_stopped(supervisor)
    world.graveyard.carve_born("server")
    assert is_stopped(supervisor)
    terminal.type("fg")
    assert Job(shell).supervisor == supervisor


@needs_a_shell
@pytest.mark.parametrize("group", GROUPS)
def test_death_that_came_while_the_job_was_stopped_counts_when_it_goes_on(world: World, shell: Shell, terminal: Terminal, group: str) -> None:
    """Who stopped the job by hand continues it by hand; then the child is told."""
    del group
    terminal.type("export KUBEXIT_DEATH_DEPS=other")
    shell.prompts()
    shell.supervise("obey 20", "on 15 exit 0")
    job = Job(shell)
    terminal.press(CONTROL_Z)
    wait_stopped(*job.both)
    shell.sees("[1]+  Stopped")
    shell.prompts()
    world.graveyard.carve_died("other", 0)
    terminal.type("fg")
    shell.sees("signal 15")
    wait_gone(job.supervisor)
    shell.prompts()
    assert world.graveyard.stone("main")["Reason"] == "DependencyDied"


@needs_a_shell
@pytest.mark.parametrize("group", GROUPS)
def test_shell_goes_on_after_the_end(shell: Shell, terminal: Terminal, group: str) -> None:
    """It has its terminal again, and the exit status: 130 after Ctrl-C."""
    del group
    shell.supervise("obey 2")
    job = Job(shell)
    terminal.press(CONTROL_C)
    wait_gone(job.supervisor)
    shell.prompts()
    terminal.type("echo status $?")
    shell.sees("status 130")
    assert terminal.foreground() == shell.pid


@needs_a_shell
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("stopped", [False, True])
def test_closed_window_ends_the_job(world: World, shell: Shell, terminal: Terminal, group: str, stopped: bool) -> None:
    """The shell hangs up on its jobs, stopped ones too: child and supervisor end, and it is written down."""
    del group
    shell.supervise("obey 1", "obey 20")
    job = Job(shell)
    if stopped:
        terminal.press(CONTROL_Z)
        wait_stopped(*job.both)
        shell.prompts()
    terminal.hang_up()
    wait_gone(job.child)
    wait_gone(job.supervisor)
    assert world.graveyard.stone("main")["Signal"] == "SIGHUP"
