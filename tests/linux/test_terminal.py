"""linux/terminal.py and the group that a child may have to itself, on a real pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import signal
import termios
from typing import TYPE_CHECKING, NamedTuple

import pytest

from kubexit.linux import signals, terminal
from kubexit.linux.handover import SOURCE, Start
from kubexit.linux.process import Child, Command
from linux.forks import Process, Talk, in_a_process, wait_readable

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = [b"PATH=/usr/bin:/bin"]


class Pseudo(NamedTuple):
    """A pseudo-terminal: the far end, and the near end's name."""

    controller: int
    name: str


@pytest.fixture
def pseudo() -> Iterator[Pseudo]:
    """Give one."""
    ends = os.openpty()
    yield Pseudo(ends[0], os.ttyname(ends[1]))
    for fd in ends:
        os.close(fd)


def have_terminal(pseudo: Pseudo, *fds: int) -> None:
    """Become the leader of a session with this terminal, and have it as these descriptors and no other standard one."""
    os.setsid()
    fd = os.open(pseudo.name, os.O_RDWR)
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
    nothing = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(fd if standard in fds else nothing, standard)
    os.close(fd)
    os.close(nothing)


@pytest.mark.parametrize("fds", [(0,), (1,), (2,), (0, 1, 2)])
@in_a_process
def test_the_controlling_terminal_is_found_on_any_standard_descriptor(pseudo: Pseudo, fds: tuple[int, ...]) -> None:
    """`job | cat` and `job < file` are at a terminal as well."""
    have_terminal(pseudo, *fds)
    found = terminal.controlling_descriptor()
    assert found == fds[0]
    assert terminal.is_there()
    assert terminal.foreground_group(fds[0]) == os.getpgrp()
    assert terminal.is_foreground(fds[0])


@in_a_process
def test_a_terminal_on_no_standard_descriptor_is_there_all_the_same(pseudo: Pseudo) -> None:
    """`job < file > log 2>&1` of a shell with job control."""
    have_terminal(pseudo)
    assert terminal.controlling_descriptor() is None
    assert terminal.is_there()


@in_a_process
def test_a_terminal_that_does_not_control_us_is_none(pseudo: Pseudo) -> None:
    """Somebody else's, handed to us as standard input: its keys go to others."""
    os.setsid()
    os.dup2(os.open(pseudo.name, os.O_RDWR | os.O_NOCTTY), 0)
    nothing = os.open("/dev/null", os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    assert terminal.controlling_descriptor() is None
    assert not terminal.is_there()
    assert terminal.foreground_group(0) == 0


@in_a_process
def test_without_any_descriptor_there_is_none() -> None:
    """Closed ones are no terminals."""
    os.setsid()
    for fd in (0, 1, 2):
        os.close(fd)
    assert terminal.controlling_descriptor() is None
    assert not terminal.is_there()


@in_a_process
def test_the_foreground_can_be_given_by_a_background_process_too(pseudo: Pseudo) -> None:
    """SIGTTOU, which would stop it, is blocked; a group that has ended is no error."""
    have_terminal(pseudo, 0)
    signals.block_all()

    def live(talk: Talk) -> None:
        os.setpgid(0, 0)
        talk.say(os.getpgrp())
        talk.hear()
        terminal.set_foreground(0, os.getpgrp())
        assert terminal.is_foreground(0)

    process = Process(live, talks=True)
    group = process.talk.hear()
    assert terminal.foreground_group(0) == os.getpgrp() != group
    process.talk.say()
    process.result()
    assert not terminal.is_foreground(0)
    terminal.set_foreground(0, group)
    terminal.set_foreground(0, os.getpgrp())
    assert terminal.is_foreground(0)


def start_child(*, group: bool) -> Child:
    """Start one that sleeps, and wait until it does."""
    child = Child(Command([b"sleep", b"1000"], ENVIRONMENT), Start(b"kubexit", ENVIRONMENT, 0, 0, SOURCE), lead_group=group)
    wait_readable(child.started.fd, "the child")
    assert child.start_error() == 0
    return child


def end(child: Child) -> None:
    child.send(signal.SIGKILL)
    child.send(signal.SIGCONT)
    os.waitpid(child.pid, 0)


@in_a_process
def test_a_group_of_the_child_s_own_is_in_the_foreground_when_we_were(pseudo: Pseudo) -> None:
    """It gets the keys; when it ends we take the terminal back."""
    have_terminal(pseudo, 0)
    signals.block_all()
    for _ in range(20):
        child = start_child(group=True)
        assert terminal.foreground_group(0) == child.pid
        child.take_terminal()
        assert terminal.is_foreground(0)
        child.give_terminal()
        assert terminal.foreground_group(0) == child.pid
        end(child)
        child.take_terminal()
        assert terminal.is_foreground(0)


@in_a_process
def test_ctrl_c_reaches_a_child_with_a_group_of_its_own_from_its_first_moment(pseudo: Pseudo) -> None:
    """And not us."""
    have_terminal(pseudo, 0)
    signals.block_all()
    fd = signals.SignalFd()
    child = start_child(group=True)
    os.write(pseudo.controller, b"\x03")
    assert os.WTERMSIG(os.waitpid(child.pid, 0)[1]) == signal.SIGINT
    assert signal.SIGINT not in [one.number for one in fd.read()]


@in_a_process
def test_in_the_background_nothing_is_taken(pseudo: Pseudo) -> None:
    """`kubexit job &`: the terminal stays the shell's, before, during and after."""
    have_terminal(pseudo, 0)
    signals.block_all()
    shell = os.getpgrp()

    def live() -> None:
        os.setpgid(0, 0)
        child = start_child(group=True)
        assert terminal.foreground_group(0) == shell
        child.give_terminal()
        child.take_terminal()
        assert terminal.foreground_group(0) == shell
        end(child)
        child.take_terminal()
        assert terminal.foreground_group(0) == shell

    Process(live).result()


@in_a_process
def test_without_a_group_of_its_own_the_child_shares_ours(pseudo: Pseudo) -> None:
    """Nothing about the terminal changes."""
    have_terminal(pseudo, 0)
    signals.block_all()
    child = start_child(group=False)
    assert terminal.is_foreground(0)
    assert child.is_in_our_group()
    child.give_terminal()
    child.take_terminal()
    assert terminal.is_foreground(0)
    end(child)
