"""Standard errors of every kind, in every state that a reader can leave them in."""

from __future__ import annotations

import fcntl
import os
import pty
import socket
import struct
import termios
from typing import TYPE_CHECKING

from support.lines import Lines, wait_readable
from support.processes import deadline, wait_until

if TYPE_CHECKING:
    from pathlib import Path

# A console is a terminal that is the controlling terminal of those that write to it.
KINDS = ("pipe", "fifo", "socket", "terminal", "console")
TERMINAL_ROOM = 4095  # bytes that a terminal's line discipline holds for its reader


class Stream:
    """Something to be written to by a supervisor and its child (`writer`), and to be read, or not, by the test (`reader`)."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.reader, self.writer = ENDS[kind](folder)
        self.lines = Lines(self.reader, f"the {kind}")

    @property
    def is_terminal(self) -> bool:
        """Tell whether it is a terminal of either kind."""
        return self.kind in ("terminal", "console")

    def fill(self) -> int:
        """Write until nothing more goes in, without touching the flags that the other writers share; give the number of bytes."""
        written = self._write_all()
        if self.is_terminal:  # the kernel moves some of it on to the reader, a moment later
            wait_until(lambda: unread(self.reader) >= TERMINAL_ROOM, "a full terminal")
            written += self._write_all()
        return written

    def _write_all(self) -> int:
        written = 0
        own = -1 if self.kind == "socket" else os.open(f"/proc/self/fd/{self.writer}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            while True:
                written += os.write(own, b"x" * 4096) if own >= 0 else self._send()
        except BlockingIOError:
            return written
        finally:
            if own >= 0:
                os.close(own)

    def _send(self) -> int:
        with socket.socket(fileno=os.dup(self.writer)) as peer:
            return peer.send(b"x" * 4096, socket.MSG_DONTWAIT)

    def take(self, length: int) -> None:
        """Read so many bytes, and wait for them if they are not there yet."""
        while length > 0:
            wait_readable(self.reader, deadline(), f"{length} more bytes in the {self.kind}")
            length -= len(os.read(self.reader, length))

    def drain(self) -> None:
        """Read away what is in it."""
        self.lines.catch_up()

    def release(self) -> None:
        """Close the test's own writing end: what is read ends with the last of the others."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def hang_up(self) -> None:
        """Go away as a reader."""
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1

    def close(self) -> None:
        """Close what is open."""
        self.release()
        self.hang_up()


def unread(fd: int) -> int:
    """Give the number of bytes that could be read now."""
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0])


def _pipe(_folder: Path) -> tuple[int, int]:
    return os.pipe()


def _fifo(folder: Path) -> tuple[int, int]:
    path = folder / "fifo"
    if not path.exists():
        os.mkfifo(path, 0o600)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return reader, os.open(path, os.O_WRONLY | os.O_CLOEXEC)


def _socket(_folder: Path) -> tuple[int, int]:
    reader, writer = socket.socketpair()
    return reader.detach(), writer.detach()


def _terminal(_folder: Path) -> tuple[int, int]:
    return pty.openpty()


ENDS = {"pipe": _pipe, "fifo": _fifo, "socket": _socket, "terminal": _terminal, "console": _terminal}
