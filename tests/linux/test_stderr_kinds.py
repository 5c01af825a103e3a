"""linux/stderr.py against the kernel: sockets, terminals, files, devices and what is closed."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
import termios
import tty
from typing import TYPE_CHECKING

import pytest

from kubexit.linux.stderr import StandardError
from linux.forks import descriptors, in_a_process
from linux.standard_errors import WAYS, line, read_all, standard_error_is

if TYPE_CHECKING:
    from pathlib import Path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="other users need root")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal", "file"])
def test_the_flags_of_the_descriptor_stay_as_they_are(kind: str, way: str, tmp_path: Path) -> None:
    """O_NONBLOCK belongs to the open file description, which is the child's standard error, too."""

    @in_a_process
    def check() -> None:
        other, fd = pair(kind, tmp_path)
        before = fcntl.fcntl(fd, fcntl.F_GETFL)
        output = standard_error_is(fd, way=way)
        for number in range(1000):
            output.write(line(number, 4096))
        assert fcntl.fcntl(2, fcntl.F_GETFL) == before
        assert os.get_blocking(2)
        assert os.get_inheritable(2)
        assert kind == "file" or other >= 0

    check()


def pair(kind: str, folder: Path) -> tuple[int, int]:
    """Give the reader's end and the writer's end of something."""
    if kind == "pipe":
        return os.pipe()
    if kind == "socket":
        ends = socket.socketpair()
        return ends[0].detach(), ends[1].detach()
    if kind == "terminal":
        controller, terminal = os.openpty()
        tty.setraw(terminal)
        return controller, terminal
    return -1, os.open(folder / "log", os.O_WRONLY | os.O_CREAT)


@in_a_process
def test_a_socket_is_written_to_without_waiting() -> None:
    """As some runtimes and systemd hand it over; it cannot be opened anew."""
    ends = socket.socketpair()
    reader, writer = ends[0].detach(), ends[1].detach()
    output = standard_error_is(writer)
    output.write(line(1, 16_384))
    assert read_all(reader) == line(1, 16_384)
    for number in range(1000):
        output.write(line(number, 4096))
    assert 0 < output.dropped < 1000
    os.close(reader)
    output.write(line(2))


@pytest.mark.parametrize("stalled_by", ["Ctrl-S", "nobody who reads"])
@in_a_process
def test_a_stalled_terminal_is_no_trouble(stalled_by: str) -> None:
    """Somebody pressed Ctrl-S, or the window hangs."""
    controller, terminal = os.openpty()
    tty.setraw(terminal)
    if stalled_by == "Ctrl-S":
        termios.tcflow(terminal, termios.TCOOFF)
    output = standard_error_is(terminal)
    for number in range(1000):
        output.write(line(number))
    assert output.dropped > 0
    if stalled_by == "Ctrl-S":
        termios.tcflow(2, termios.TCOON)
    read_all(controller)
    output.write(line(7))
    assert read_all(controller).endswith(line(7))


@in_a_process
def test_a_terminal_does_not_become_ours() -> None:
    """Opening one as a session's leader would make it the controlling terminal: O_NOCTTY."""
    os.setsid()
    controller, terminal = os.openpty()
    standard_error_is(terminal).write(line(1))
    with pytest.raises(OSError, match="No such device"):
        os.open("/dev/tty", os.O_RDWR)
    assert controller >= 0


@in_a_process
def test_lines_and_those_of_the_child_do_not_overwrite_each_other_in_a_file(tmp_path: Path) -> None:
    """`kubexit job 2> log`: one offset for both, with or without O_APPEND."""
    fd = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    output = standard_error_is(fd)
    for number in range(10):
        output.write(line(number))
        os.write(2, b"child %d\n" % number)
    assert (tmp_path / "log").read_bytes() == b"".join(line(number) + b"child %d\n" % number for number in range(10))


@in_a_process
def test_a_file_that_can_grow_no_more_is_no_trouble(tmp_path: Path) -> None:
    """A full disk: dropped and counted, and the next line does not run into the half one."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    output = standard_error_is(os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, hard))
    for number in range(3):
        output.write(line(number))
    assert output.dropped == 2
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    output.write(line(7))
    assert (tmp_path / "log").read_bytes() == line(0) + line(1)[:50] + b"\n" + line(7)


@pytest.mark.parametrize(("device", "dropped"), [("/dev/null", 0), ("/dev/full", 3)])
@in_a_process
def test_other_devices_are_written_to(device: str, dropped: int) -> None:
    """Whatever they make of it."""
    output = standard_error_is(os.open(device, os.O_WRONLY))
    for number in range(3):
        output.write(line(number))
    assert output.dropped == dropped


@in_a_process
def test_a_closed_standard_error_is_left_alone(tmp_path: Path) -> None:
    """What has taken its number since is another file."""
    os.dup2(os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT), 2)
    output = StandardError(closed=True)
    output.write(line(1))
    assert (tmp_path / "other").read_bytes() == b""
    assert output.dropped == 0


@in_a_process
def test_a_descriptor_for_reading_only_is_no_trouble(tmp_path: Path) -> None:
    """`2< file`: nothing can be written."""
    (tmp_path / "file").write_text("content")
    output = standard_error_is(os.open(tmp_path / "file", os.O_RDONLY))
    output.write(line(1))
    assert output.dropped == 1
    assert (tmp_path / "file").read_text() == "content"


@in_a_process
def test_the_child_inherits_nothing_of_it() -> None:
    """What is opened for the log is close-on-exec."""
    for way in WAYS:
        reader, writer = os.pipe()
        before = set(descriptors())
        output = standard_error_is(writer, way=way)
        output.write(line(1))
        assert not [fd for fd in set(descriptors()) - before if os.get_inheritable(fd)]
        os.close(reader)
