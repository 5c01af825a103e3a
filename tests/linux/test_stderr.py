"""linux/stderr.py against the kernel: whatever descriptor 2 is, writing to it neither blocks nor fails nor changes anything of it."""

from __future__ import annotations

import fcntl
import os
import signal

import pytest

from kubexit.linux import stderr
from kubexit.linux.stderr import StandardError
from linux.forks import Process, Talk, in_a_process
from linux.standard_errors import WAYS, fill, line, read_all, standard_error_is

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="other users need root")


@pytest.mark.parametrize("way", WAYS)
@in_a_process
def test_lines_arrive_in_a_pipe(way: str) -> None:
    """Each of them, in their order, up to what the pipe holds."""
    reader, writer = os.pipe()
    output = standard_error_is(writer, way=way)
    lines = [line(number, length) for number, length in enumerate((10, 100, 4096, 4097, 16_384))]
    for each in lines:
        output.write(each)
    assert read_all(reader) == b"".join(lines)
    assert output.dropped == 0


@pytest.mark.parametrize("way", WAYS)
@in_a_process
def test_a_full_pipe_takes_nothing_and_harms_nothing(way: str) -> None:
    """A stalled reader: lines are dropped and counted; when it reads again, the next line is there, whole."""
    reader, writer = os.pipe()
    output = standard_error_is(writer, way=way)
    filled = fill(2)
    for number in range(5):
        output.write(line(number))
    assert output.dropped == 5
    assert read_all(reader) == b"." * filled
    output.write(line(7))
    assert read_all(reader) == line(7)
    assert output.dropped == 5


@pytest.mark.parametrize("way", WAYS)
@in_a_process
def test_a_line_that_did_not_fit_never_runs_into_the_next(way: str) -> None:
    """A long line is broken off where the pipe is full; the next one that fits begins on a line of its own, however many were dropped in between."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 16_384)
    output = standard_error_is(writer, way=way)
    long = line(1, 40_000)
    output.write(long)
    output.write(line(2))
    output.write(line(3))
    assert output.dropped == 3
    half = read_all(reader)
    assert half
    assert long.startswith(half)
    output.write(line(4, 4096))
    output.write(line(5))
    assert read_all(reader) == b"\n" + line(4, 4096) + line(5)


@pytest.mark.parametrize("way", WAYS)
def test_lines_of_up_to_4_kib_are_never_mixed_with_those_of_others(way: str) -> None:
    """Two supervisors and their children write to one pipe, which is nearly always full."""

    def write(fd: int, first: int) -> None:
        output = standard_error_is(fd, way=way)
        for number in range(first, first + 300):
            output.write(line(number, 4096 if number % 3 else 50))

    reader, writer = os.pipe()
    processes = [Process(lambda first=first: write(os.dup(writer), first)) for first in (0, 1000)]
    os.close(writer)
    data = b""
    while part := os.read(reader, 3000):
        data += part
    os.close(reader)
    for process in processes:
        process.result()
    possible = {line(number, 4096 if number % 3 else 50) for number in (*range(300), *range(1000, 1300))}
    assert set(data.splitlines(keepends=True)) <= possible


@pytest.mark.parametrize("way", WAYS)
@in_a_process
def test_a_reader_that_has_gone_is_no_error(way: str) -> None:
    """EPIPE, every time; and one that comes back is none of ours."""
    reader, writer = os.pipe()
    output = standard_error_is(writer, way=way)
    os.close(reader)
    for number in range(3):
        output.write(line(number, 5000))
    assert output.dropped == 3


@needs_root
@in_a_process
def test_a_pipe_that_another_user_made_is_written_to_without_waiting() -> None:
    """It cannot be opened anew: containers run as users who do not own the runtime's pipes."""
    reader, writer = os.pipe()
    os.fchmod(writer, 0o600)
    os.dup2(writer, 2)
    os.close(writer)
    os.setgid(12345)
    os.setuid(12345)
    with pytest.raises(PermissionError):
        os.open("/proc/self/fd/2", os.O_WRONLY)
    output = StandardError(closed=False)
    output.write(line(1, 4096))
    assert read_all(reader) == line(1, 4096)
    for number in range(100):
        output.write(line(number, 4096))
    assert output.dropped > 0
    assert set(read_all(reader).splitlines(keepends=True)) <= {line(number, 4096) for number in range(100)}


class Clock:
    """Time that passes only while somebody polls."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Give the time."""
        return self.now

    def poll(self) -> Clock:
        """Be what select.poll gives."""
        return self

    def register(self, _fd: int, _events: int) -> None:
        """Take anything."""

    def __call__(self, milliseconds: float) -> list[tuple[int, int]]:
        """Wait in vain."""
        self.now += milliseconds / 1000
        return []


@in_a_process
def test_a_whole_life_waits_at_most_a_tenth_of_a_second_for_readers() -> None:
    """However many lines are dropped: else a stalled collector of logs would delay each signal."""
    clock = Clock()
    reader, writer = os.pipe()
    output = standard_error_is(writer)
    fill(2)

    class Poll:
        register = clock.register
        poll = clock.__call__

    patch = pytest.MonkeyPatch()
    patch.setattr("kubexit.linux.stderr.time.monotonic", clock.monotonic)
    patch.setattr("kubexit.linux.stderr.select.poll", Poll)
    for number in range(100):
        output.write(line(number))
    assert output.dropped == 100
    assert 0 < clock.now <= 0.1
    assert reader >= 0


def test_a_reader_that_is_slow_for_a_moment_loses_nothing() -> None:
    """The pipe is full when the line comes; while we wait, it is read."""

    def write(talk: Talk) -> int:
        stderr.PATIENCE = 20.0
        reader, writer = os.pipe()
        output = standard_error_is(writer)
        filled = fill(2)
        signal.signal(signal.SIGALRM, lambda *_: None)

        def read() -> int:
            length = 0
            while length < filled + 20_000:
                length += len(os.read(reader, 1000))
            return length

        slow = Process(read)
        output.write(line(1, 20_000))
        assert output.dropped == 0
        assert slow.result() == filled + 20_000
        talk.say("done")
        return output.dropped

    process = Process(write, talks=True)
    assert process.talk.hear() == "done"
    assert process.result() == 0
