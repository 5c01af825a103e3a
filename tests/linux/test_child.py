"""linux/process.py against the kernel: the child's life with its supervisor, its group, its end, and orphans."""

from __future__ import annotations

import os
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from kubexit.linux import process, signals
from kubexit.linux.process import Child, Command
from linux.forks import Process, Talk, descriptors, in_a_process, status, wait_for_end_of, wait_readable
from linux.starts import ENVIRONMENT, PYTHON, run, start

if TYPE_CHECKING:
    from pathlib import Path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="other users need root")


def test_whether_it_started_is_not_known_before_it_has() -> None:
    """The pipe says nothing while the child is about to; then, once, 0 or the error."""

    @in_a_process
    def check() -> None:
        reader, writer = os.pipe()
        signals.block_all()
        command = Command([b"true"], ENVIRONMENT)
        execute = command.execute
        pytest.MonkeyPatch().setattr(command, "execute", lambda: (os.read(reader, 1), execute()))
        child = Child(command, start(), lead_group=False)
        assert child.start_error() is None
        os.write(writer, b"x")
        wait_readable(child.started.fd, "the start")
        assert child.start_error() == 0
        assert os.waitpid(child.pid, 0)[1] == 0

    check()


@in_a_process
def test_a_child_that_dies_before_its_exec_counts_as_started() -> None:
    """Its end follows, by a signal that came in between."""
    signals.block_all()
    command = Command([b"true"], ENVIRONMENT)
    pytest.MonkeyPatch().setattr(command, "execute", lambda: os.kill(os.getpid(), signal.SIGTERM))
    child = Child(command, start(), lead_group=False)
    wait_readable(child.started.fd, "the start")
    assert child.start_error() == 0
    assert process.exit_of(os.waitpid(child.pid, 0)[1]) == (0, signal.SIGTERM)


@in_a_process
def test_nothing_stays_open_after_a_start() -> None:
    """But for the pipe that its owner closes."""
    signals.block_all()
    before = descriptors()
    for group in (False, True):
        child = Child(Command([b"true"], ENVIRONMENT), start(), lead_group=group)
        wait_readable(child.started.fd, "the start")
        child.started.close()
        os.waitpid(child.pid, 0)
    assert descriptors() == before


def sleeper(*, group: bool, program: bytes = b"echo; exec sleep 1000") -> tuple[Child, int]:
    """Start a child that writes to its standard output when it is there; give it, and what reads that. For a process of the test's own."""
    signals.block_all()
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(writer)
    child = Child(Command([b"sh", b"-c", program], ENVIRONMENT), start(), lead_group=group)
    os.dup2(2, 1)
    wait_readable(reader, "the child")
    child.started.close()
    return child, reader


@in_a_process
def test_the_child_dies_with_its_supervisor() -> None:
    """However that ends: the kernel sends SIGKILL."""
    for number in (signal.SIGKILL, 0):

        def supervise(talk: Talk, number: int = number) -> None:
            talk.say(sleeper(group=False)[0].pid)
            if number:
                talk.hear()

        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        process.adopt_orphans()
        supervisor = Process(supervise, talks=True)
        pid = supervisor.talk.hear()
        supervisor.end(number)
        wait_for_end_of(pid)
        assert process.exit_of(os.waitpid(pid, 0)[1]) == (0, signal.SIGKILL)


@in_a_process
def test_a_child_whose_supervisor_died_before_it_was_watched_executes_nothing(tmp_path: Path) -> None:
    """Between fork and prctl there is a moment; getppid tells."""
    signals.block_all()
    command = Command([b"touch", os.fsencode(tmp_path / "executed")], ENVIRONMENT)
    pytest.MonkeyPatch().setattr("kubexit.linux.process.posix.getppid", lambda: 1)
    child = Child(command, start(), lead_group=False)
    assert process.exit_of(os.waitpid(child.pid, 0)[1]) == (127, 0)
    assert not (tmp_path / "executed").exists()


@in_a_process
def test_a_child_leads_its_group_from_the_first_moment() -> None:
    """No signal to the group finds it missing, whoever of the two processes runs first."""
    signals.block_all()
    for _ in range(50):
        child = Child(Command([b"true"], ENVIRONMENT), start(), lead_group=True)
        assert os.getpgid(child.pid) == child.pid
        child.send(signal.SIGKILL)
        child.started.close()
        assert process.exit_of(os.waitpid(child.pid, 0)[1]) in [(0, signal.SIGKILL), (0, 0)]


@pytest.mark.parametrize("group", [False, True])
def test_signals_go_to_the_child_or_to_its_whole_group(group: bool) -> None:
    """KUBEXIT_SIGNAL_GROUP: children of the child's are told as well."""

    @in_a_process
    def check() -> None:
        process.adopt_orphans()
        child, reader = sleeper(group=group, program=b"sh -c 'echo $$; exec sleep 1000' & wait")
        grandchild = int(os.read(reader, 20))
        assert child.is_in_our_group() == (not group)
        child.send(signal.SIGTERM)
        assert process.exit_of(os.waitpid(child.pid, 0)[1]) == (0, signal.SIGTERM)
        if group:
            wait_for_end_of(grandchild)
        else:
            assert status(grandchild)["State"][0] in "SR"
            os.kill(grandchild, signal.SIGKILL)
        os.waitpid(grandchild, 0)

    check()


@in_a_process
def test_a_child_that_left_for_a_session_of_its_own_is_not_in_our_group() -> None:
    """What a terminal sends to ours does not reach it."""
    child, _ = sleeper(group=False, program=b"exec %s -I -c 'import os, time; os.setsid(); print(flush=True); time.sleep(1000)'" % PYTHON)
    assert not child.is_in_our_group()
    child.send(signal.SIGKILL)
    os.waitpid(child.pid, 0)


@in_a_process
def test_a_signal_to_a_child_that_is_a_zombie_is_no_error() -> None:
    """It has ended, and we have not heard of it yet."""
    signals.block_all()
    for group in (False, True):
        child = Child(Command([b"true"], ENVIRONMENT), start(), lead_group=group)
        wait_for_end_of(child.pid)
        child.send(signal.SIGTERM)
        os.waitpid(child.pid, 0)
        child.started.close()


@needs_root
@in_a_process
def test_a_signal_to_a_child_that_became_another_user_is_no_error() -> None:
    """It cannot be sent; a child that changes its credentials knows why."""
    child, _ = sleeper(group=False)
    os.setresuid(12345, 12345, 0)
    child.send(signal.SIGTERM)
    assert status(child.pid)["State"][0] in "SR"
    os.setresuid(0, 0, 0)
    child.send(signal.SIGKILL)
    os.waitpid(child.pid, 0)


@in_a_process
def test_orphans_are_ours_to_reap() -> None:
    """A grandchild whose parent ends: the kernel gives it to us, and reaping takes both, then nothing."""
    process.adopt_orphans()
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        orphan = os.fork()
        if orphan == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(9)
        os._exit(8)
    os.close(reader)
    wait_for_end_of(middle)
    assert process.reap() == (middle, 8 << 8)
    assert process.reap() == (0, 0)
    os.write(writer, b"x")
    orphan, wait_status = reap_one()
    assert orphan != middle
    assert process.exit_of(wait_status) == (9, 0)
    assert process.reap() == (0, 0)


def reap_one() -> tuple[int, int]:
    """Wait until there is something to reap, and reap as the supervisor does."""
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
    return process.reap()


@in_a_process
def test_a_stop_and_an_end_are_told_apart() -> None:
    """WUNTRACED: Ctrl-Z of the child is news, continuing is not."""
    child, _ = sleeper(group=False)
    assert process.reap() == (0, 0)
    child.send(signal.SIGSTOP)
    pid, stopped = reap_one()
    assert (pid, process.stop_signal(stopped)) == (child.pid, signal.SIGSTOP)
    child.send(signal.SIGCONT)
    child.send(signal.SIGTERM)
    pid, ended = reap_one()
    assert (pid, process.stop_signal(ended), process.exit_of(ended)) == (child.pid, 0, (0, signal.SIGTERM))


@pytest.mark.parametrize("code", [0, 1, 126, 255])
def test_exit_codes_come_back(code: int) -> None:
    """All eight bits."""
    assert run([b"sh", b"-c", b"exit %d" % code], start())[:2] == (0, code)


@needs_root
@in_a_process
def test_a_fork_that_fails_is_an_error() -> None:
    """No process can be had: the limit of the user's processes."""
    os.setgid(54322)
    os.setuid(54322)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    with pytest.raises(BlockingIOError):
        Child(Command([b"true"], ENVIRONMENT), start(), lead_group=False)
