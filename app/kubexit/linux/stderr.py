"""Standard error, which we share with the child: writing to it must never block us nor change anything of it."""

from __future__ import annotations

import posix
import select
import time
from errno import EAGAIN, EINVAL, ENOSYS, EOPNOTSUPP, ESPIPE

from kubexit.linux.files import S_IFMT, S_IFREG

S_IFCHR = 0o020000
S_IFIFO = 0o010000
PIPE_BUF = 4096  # bytes that a pipe takes whole or not at all; where poll says writable, there is room for them (pipe(7))
RWF_NOWAIT = 8
NO_SUCH_FLAG = (EOPNOTSUPP, EINVAL, ENOSYS, ESPIPE)
REOPEN = posix.O_WRONLY | posix.O_NONBLOCK | posix.O_NOCTTY | posix.O_CLOEXEC
PATIENCE = 0.1  # seconds that a whole life may spend on waiting for a slow reader


class StandardError:
    """Writes lines to descriptor 2. What a stalled, full or closed one does not take is dropped and counted."""

    def __init__(self, *, closed: bool) -> None:
        self._closed = closed
        self._fd = 2
        self._kind = 0
        self._patience = PATIENCE
        self._broken_off = False
        self.dropped = 0
        if not closed:
            self._kind = posix.fstat(2).st_mode & S_IFMT
        if self._kind in (S_IFIFO, S_IFCHR):
            self._reopen()

    def _reopen(self) -> None:
        """Get an open file description of our own: O_NONBLOCK belongs to that, and the one of descriptor 2 is the child's too.

        Not for a regular file, whose shared offset keeps our lines and the child's apart.
        """
        try:
            self._fd = posix.open("/proc/self/fd/2", REOPEN)
        except OSError:  # no /proc, or a pipe that another user made
            self._fd = 2

    def write(self, line: bytes) -> None:
        """Write one line, whole if it has at most PIPE_BUF bytes. Never blocks, never fails."""
        if self._closed:
            return
        data = b"\n" + line if self._broken_off else line
        self._broken_off = False
        start = 0
        while start < len(data):
            taken = self._write_some(data[start:])
            if taken == 0 and not self._wait():
                self.dropped += 1
                self._broken_off |= start > 0
                return
            start += taken

    def _write_some(self, data: bytes) -> int:
        """Write what can be written at once; 0 if that is nothing."""
        try:
            if self._fd != 2 or self._kind == S_IFREG:
                return posix.write(self._fd, data)
            return self._write_without_waiting(data)
        except OSError as error:
            if error.errno != EAGAIN:  # EPIPE, EIO, ENOSPC: nobody reads this any more
                self._patience = 0
            return 0

    def _write_without_waiting(self, data: bytes) -> int:
        try:
            return posix.pwritev(2, [data], -1, RWF_NOWAIT)
        except OSError as error:
            if error.errno not in NO_SUCH_FLAG:
                raise
        return posix.write(2, data[:PIPE_BUF]) if self._is_writable(0) else 0

    def _wait(self) -> bool:
        """Wait for the reader, if there is any patience left."""
        if self._patience <= 0:
            return False
        begin = time.monotonic()
        writable = self._is_writable(self._patience)
        self._patience -= max(time.monotonic() - begin, 0.001)
        return writable

    def _is_writable(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        return any(events & select.POLLOUT for _, events in poll.poll(int(seconds * 1000)))
