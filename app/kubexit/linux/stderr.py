"""Standard error, which we share with the child: writing to it must never block us nor change anything of it.

O_NONBLOCK would do, but it belongs to the open file description, which is the child's too. So each kind of file has a way of its own.
"""

from __future__ import annotations

import posix
import select
import time
from errno import EAGAIN

from kubexit.linux import terminal
from kubexit.linux.files import S_IFMT
from kubexit.linux.libc import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

S_IFIFO, S_IFCHR, S_IFSOCK = 0o010000, 0o020000, 0o140000
STDERR = 2
PIPE_BUF = 4096  # bytes that a pipe takes whole or not at all (pipe(7))
SPLICE_F_NONBLOCK = 2
MSG_DONTWAIT, MSG_NOSIGNAL = 0x40, 0x4000
OPEN_ANEW = posix.O_WRONLY | posix.O_NONBLOCK | posix.O_NOCTTY | posix.O_CLOEXEC
PATIENCE = 0.1  # seconds that a whole life may spend on waiting for a slow reader


class StandardError:
    """Writes lines to descriptor 2. What a stalled, full or closed one does not take is dropped and counted."""

    def __init__(self, *, closed: bool) -> None:
        self._put = None if closed else _way_to_write()
        self._patience = PATIENCE
        self._broken_off = False
        self.dropped = 0

    def write(self, line: bytes) -> None:
        """Write one line, whole if it has at most PIPE_BUF bytes. Never blocks, never fails."""
        if self._put is None:
            return
        if self._broken_off and self._write_all(self._put, b"\n"):
            self._broken_off = False
        if self._broken_off or not self._write_all(self._put, line):
            self.dropped += 1

    def _write_all(self, put: Callable[[bytes], int], data: bytes) -> bool:
        """Write it; False if the reader has not taken it, or only a part of it."""
        start = 0
        while start < len(data):
            taken = self._write_some(put, data[start:])
            if taken == 0 and not self._wait():
                self._broken_off |= start > 0
                return False
            start += taken
        return True

    def _write_some(self, put: Callable[[bytes], int], data: bytes) -> int:
        """Write what can be written at once; 0 if that is nothing."""
        try:
            return put(data)
        except OSError as error:
            if error.errno != EAGAIN:  # EPIPE, EIO, ENOSPC: nobody reads this any more
                self._patience = 0
            return 0

    def _wait(self) -> bool:
        """Wait for the reader, if there is any patience left."""
        if self._patience <= 0:
            return False
        begin = time.monotonic()
        poll = select.poll()
        poll.register(STDERR, select.POLLOUT)
        writable = any(events & select.POLLOUT for _, events in poll.poll(self._patience * 1000))
        self._patience -= max(time.monotonic() - begin, 0.001)
        return writable


def _way_to_write() -> Callable[[bytes], int] | None:
    """Give a function that writes at once what it can, and raises BlockingIOError if that is nothing; None if there is none."""
    kind = posix.fstat(STDERR).st_mode & S_IFMT
    if kind in (S_IFIFO, S_IFCHR) and (fd := _opened_anew()) is not None:
        return lambda data: posix.write(fd, data)
    if kind == S_IFIFO:
        return Splice().write
    if kind == S_IFSOCK:
        return _send
    if kind == S_IFCHR and posix.isatty(STDERR):  # of another user, and not the one that controls us: it could stall us
        return None
    # A regular file, whose offset keeps our lines and the child's apart; /dev/null and its like without /proc
    return lambda data: posix.write(STDERR, data)


def _opened_anew() -> int | None:
    """Open the file of descriptor 2 once more, as a description of our own."""
    names = ["/proc/self/fd/2"]
    if terminal.foreground_group(STDERR):  # our controlling terminal: everybody may open it under this name
        names.append("/dev/tty")
    for name in names:
        try:
            return posix.open(name, OPEN_ANEW)
        except OSError:  # no /proc, or a file of another user
            continue
    return None


class Splice:
    """Writes to a pipe that another user made: splice(2) moves what is in a pipe of ours, whole, or fails at once."""

    def __init__(self) -> None:
        self._reader, self._writer = posix.pipe2(posix.O_CLOEXEC | posix.O_NONBLOCK)

    def write(self, data: bytes) -> int:
        """Write up to PIPE_BUF bytes at once."""
        length = posix.write(self._writer, data[:PIPE_BUF])
        moved = 0
        try:
            moved = posix.splice(self._reader, STDERR, length, flags=SPLICE_F_NONBLOCK)
        finally:
            if moved < length:
                posix.read(self._reader, length - moved)
        return moved


def _send(data: bytes) -> int:
    """Write to a socket."""
    return call("send", STDERR, data, len(data), MSG_DONTWAIT | MSG_NOSIGNAL)
