"""linux/signals.py against the kernel."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import sys
import termios
from pathlib import Path

import pytest

from kubexit.linux import signals
from linux.forks import Process, Talk, bits, call, in_a_process, mask_of, set_mask, status, wait_readable

ALL = 2**64 - 1
UNBLOCKABLE = bits(signal.SIGKILL, signal.SIGSTOP)
SENDABLE = [number for number in range(1, 65) if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD)]
PYTHON = f"{sys.base_prefix}/bin/python3.11"


def sender(*numbers: int) -> int:
    """Let another process send us these signals; give its pid."""
    target = os.getpid()

    def send() -> None:
        for number in numbers:
            os.kill(target, number)

    process = Process(send)
    process.result()
    return process.pid


@in_a_process
def test_every_signal_can_be_read_and_none_acts() -> None:
    """All that can be blocked, from 1 to 64: each once, with its sender; nothing of it is from a terminal."""
    set_mask(0)
    assert signals.block_all() == 0
    assert mask_of() == ALL & ~UNBLOCKABLE
    fd = signals.SignalFd()
    for numbers in ([number for number in SENDABLE if number != signal.SIGCONT], [signal.SIGCONT]):  # a stop signal takes a waiting SIGCONT away
        pid = sender(*numbers)
        received = [one for one in read_all(fd) if one.number != signal.SIGCHLD]
        assert sorted(one.number for one in received) == numbers
        assert {(one.pid, one.from_terminal) for one in received} == {(pid, False)}
    assert fd.read() == []


def read_all(fd: signals.SignalFd) -> list[signals.Received]:
    """Read until nothing is left."""
    received = []
    while batch := fd.read():
        received += batch
    return received


@in_a_process
def test_block_all_gives_the_mask_that_was_there_before() -> None:
    """The C library's own 32 and 33 included, which its sigprocmask hides."""
    before = bits(1, 15, 32, 33, 34, 64)
    set_mask(before)
    assert signals.block_all() == before


@in_a_process
def test_real_time_signals_are_queued_each() -> None:
    """More than one read can take: none is lost."""
    signals.block_all()
    fd = signals.SignalFd()
    sender(*[40] * 100, 15, 15)
    numbers = [one.number for one in read_all(fd)]
    assert numbers.count(40) == 100
    assert numbers.count(15) == 1


@in_a_process
def test_a_request_to_stop_is_read_before_a_flood_of_others() -> None:
    """The first read has it: nothing may start a child when SIGTERM is there."""
    signals.block_all()
    fd = signals.SignalFd()
    sender(*[64] * 100, 34, 15)
    assert 15 in [one.number for one in fd.read()]


@in_a_process
def test_all_ordinary_signals_are_read_at_once() -> None:
    """Whichever of them is the configured stop signal: the first read has it."""
    signals.block_all()
    fd = signals.SignalFd()
    ordinary = [number for number in SENDABLE if number < 32 and number not in (signal.SIGCONT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)]
    sender(*[64] * 50, *ordinary)
    assert set(ordinary) <= {one.number for one in fd.read()}


@in_a_process
def test_the_descriptor_becomes_readable_and_is_not_inherited() -> None:
    """It is what the supervisor waits for, and nothing for the child."""
    signals.block_all()
    fd = signals.SignalFd()
    assert not os.get_inheritable(fd.fd)
    assert not os.get_blocking(fd.fd)
    sender(10)
    wait_readable(fd.fd, "a signal")


@in_a_process
def test_a_broken_pipe_of_our_own_is_no_signal_for_the_child() -> None:
    """Although blocked, SIGPIPE is queued; one that somebody else sends is passed on."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signals.block_all()
    fd = signals.SignalFd()
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"x")
    assert signal.SIGPIPE in signal.sigpending()
    assert fd.read() == []
    pid = sender(signal.SIGPIPE)
    assert [(one.number, one.pid) for one in fd.read() if one.number != signal.SIGCHLD] == [(signal.SIGPIPE, pid)]


@in_a_process
def test_a_file_size_limit_that_we_hit_is_no_signal_for_the_child(tmp_path: Path) -> None:
    """SIGXFSZ by a tombstone."""
    signals.block_all()
    fd = signals.SignalFd()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    with pytest.raises(OSError, match="File too large"):
        (tmp_path / "stone").write_bytes(b"x")
    assert signal.SIGXFSZ in signal.sigpending()
    assert fd.read() == []


@in_a_process
def test_the_end_of_a_child_is_told_even_where_it_was_ignored() -> None:
    """SIGCHLD ignored at our start would let the kernel reap children unseen."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signals.block_all()
    signals.expect_children()
    fd = signals.SignalFd()
    child = os.fork()
    if child == 0:
        os._exit(7)
    wait_readable(fd.fd, "SIGCHLD")
    assert [(one.number, one.pid) for one in fd.read()] == [(signal.SIGCHLD, child)]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


IGNORABLE = [number for number in range(1, 65) if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33)]


@pytest.mark.parametrize("ignored", [[], [1, 2, 3], [17], [21, 22, 34, 64], IGNORABLE])
def test_what_our_starter_had_ignored_is_known(ignored: list[int]) -> None:
    """But for SIGPIPE and SIGXFSZ, which the Python interpreter ignores by itself in any case."""
    answer, theirs = os.pipe()

    def start() -> None:
        set_mask(0)
        for number in IGNORABLE:
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
        os.set_inheritable(theirs, True)
        script = f"import os, sys; sys.path.insert(0, {str(Path(signals.__file__).parents[2])!r})\n"
        script += f"from kubexit.linux import signals; os.write({theirs}, str(signals.ignored_signals()).encode())"
        os.execv(PYTHON, [PYTHON, "-I", "-S", "-c", script])  # noqa: S606  no shell is wanted

    process = Process(start)
    assert process.end() == 0
    assert int(os.read(answer, 100)) == bits(*(number for number in ignored if number not in (signal.SIGPIPE, signal.SIGXFSZ)))
    os.close(answer)
    os.close(theirs)


@pytest.mark.parametrize("mask", [0, bits(15), bits(2, 15, 32, 33, 34, 35, 64), ALL & ~UNBLOCKABLE])
@pytest.mark.parametrize("ignored", [0, bits(2), bits(13, 17, 25), bits(2, 13, 17, 25)])
def test_mask_and_dispositions_are_given_back(mask: int, ignored: int) -> None:
    """Bit for bit, signals 32 to 34 too, with what the interpreter and we changed."""

    @in_a_process
    def check() -> None:
        set_mask(0)
        for number in (2, 13, 17, 25):
            signal.signal(number, signal.SIG_DFL)
        signals.block_all()
        signals.expect_children()
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signals.restore(mask, ignored)
        now = status()
        assert int(now["SigBlk"], 16) == mask
        assert int(now["SigIgn"], 16) & bits(2, 13, 17, 25) == ignored
        assert not int(now["SigCgt"], 16) & bits(2, 13, 17, 25)

    check()


@in_a_process
def test_suspend_returns_at_once_where_nobody_could_continue_us() -> None:
    """A session of our own: the process group is orphaned, so the kernel discards the signal."""
    os.setsid()
    signals.block_all()
    assert not signals.suspend()
    assert mask_of() == ALL & ~UNBLOCKABLE
    assert signal.SIGTSTP not in signal.sigpending()


@pytest.mark.parametrize("disposition", [signal.SIG_DFL, signal.SIG_IGN])
def test_suspend_stops_us_until_somebody_continues_us(disposition: signal.Handlers) -> None:
    """In a group whose parent is in another one of the same session, as a shell with job control has it; even if SIGTSTP was ignored."""

    def stop(talk: Talk) -> None:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTSTP, disposition)
        signals.block_all()
        talk.say("soon")
        assert signals.suspend()
        assert signal.getsignal(signal.SIGTSTP) == disposition
        assert mask_of() == ALL & ~UNBLOCKABLE
        assert signal.SIGTSTP not in signal.sigpending()

    process = Process(stop, talks=True)
    assert process.talk.hear() == "soon"
    pid, wait_status = os.waitpid(process.pid, os.WUNTRACED)
    assert (pid, os.WIFSTOPPED(wait_status), os.WSTOPSIG(wait_status)) == (process.pid, True, signal.SIGTSTP)
    os.kill(process.pid, signal.SIGCONT)
    process.result()


@in_a_process
def test_a_continue_that_is_there_already_keeps_us_running() -> None:
    """It came after the child had stopped and before we did: all goes on."""
    os.setpgid(0, 0)
    signals.block_all()
    sender(signal.SIGCONT)
    assert signal.SIGCONT in signal.sigpending()
    assert signals.suspend()
    assert not {signal.SIGCONT, signal.SIGTSTP} & signal.sigpending()


def test_the_whole_group_can_be_suspended_and_continued() -> None:
    """As Ctrl-Z stops all of `kubexit job | filter` at once."""

    def lead(talk: Talk) -> bool:
        os.setpgid(0, 0)
        signals.block_all()
        talk.say("leading")
        talk.hear()
        return signals.suspend(whole_group=True)

    leader = Process(lead, talks=True)
    assert leader.talk.hear() == "leading"
    companion = Process(lambda talk: talk.hear(), talks=True)
    os.setpgid(companion.pid, leader.pid)
    leader.talk.say("go")
    for process in (leader, companion):
        _, wait_status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(wait_status)
    os.killpg(leader.pid, signal.SIGCONT)
    assert leader.result() is True
    companion.kill()


@in_a_process
def test_a_signal_of_the_terminal_is_told_from_one_that_somebody_sent() -> None:
    """The keys and a resize: the kernel sent them, to the whole foreground group; kill(2) of the same signal is somebody's."""
    controller, terminal = os.openpty()
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    signals.block_all()
    fd = signals.SignalFd()
    for key, number in ((b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT), (b"\x1a", signal.SIGTSTP)):
        os.write(controller, key)
        wait_readable(fd.fd, "the terminal's signal")
        assert [(one.number, one.from_terminal) for one in fd.read()] == [(number, True)]
    fcntl.ioctl(controller, termios.TIOCSWINSZ, b"\x18\0\x50\0\0\0\0\0")
    wait_readable(fd.fd, "the terminal's signal")
    assert [(one.number, one.from_terminal) for one in fd.read()] == [(signal.SIGWINCH, True)]
    sender(signal.SIGINT)
    assert (signal.SIGINT, False) in [(one.number, one.from_terminal) for one in fd.read()]
    target = os.getpid()
    Process(lambda: call("sigqueue", target, int(signal.SIGINT), None)).result()
    assert (signal.SIGINT, False) in [(one.number, one.from_terminal) for one in fd.read()]
