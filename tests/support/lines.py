"""What a program says, line by line. A deadline only ever makes a test fail; none makes one pass."""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE = float(os.environ.get("KUBEXIT_TEST_DEADLINE") or 30)  # seconds: far more than anything here takes


class NotSeenError(AssertionError):
    """What a test waits for did not come."""


def wait_readable(fd: int, until: float, what: str) -> None:
    """Wait until `fd` can be read; NotSeenError when the monotonic clock passes `until`."""
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    if not poller.poll(max(0.0, until - time.monotonic()) * 1000):
        raise NotSeenError(f"{what}: not seen within {DEADLINE:g} s")


class Lines:
    """The reading end of a pipe or terminal, and all that came through it so far."""

    def __init__(self, fd: int, whose: str) -> None:
        self.fd = fd
        self.whose = whose
        self.seen = b""
        self.ended = False
        self._taken = 0

    def line(self) -> str:
        """Give the next line, without its end. NotSeenError if the other side ends before it has said a whole one."""
        while (end := self.seen.find(b"\n", self._taken)) < 0:
            self._more("a line")
        line = self.seen[self._taken : end]
        self._taken = end + 1
        return line.decode(errors="surrogateescape").rstrip("\r")

    def starts(self) -> bool:
        """Wait until something was said, or it has ended without a word."""
        while not self.seen and not self.ended:
            self._more("anything")
        return bool(self.seen)

    def until(self, wanted: Callable[[str], bool], what: str) -> str:
        """Skip lines up to the first one that is `wanted`, and give it."""
        try:
            while not wanted(line := self.line()):
                pass
        except NotSeenError as error:
            raise NotSeenError(f"{what}: {error}") from error
        return line

    def anywhere(self, beginning: str) -> str:
        """Give the first line of all, taken or not, that begins like this; wait for it if it was not said yet."""
        while True:
            whole = self.seen[: self.seen.rfind(b"\n") + 1].decode(errors="surrogateescape").splitlines()
            for line in whole:
                if line.startswith(beginning):
                    return line
            self._more(f"{beginning!r}")

    def text(self, wanted: str) -> None:
        """Read on until `wanted` was said, within a line or over several."""
        while (at := self.seen.find(wanted.encode(), self._taken)) < 0:
            self._more(repr(wanted))
        self._taken = at + len(wanted.encode())

    def rest(self) -> list[str]:
        """Wait for the end of it, and give the lines that were not taken yet."""
        while not self.ended:
            self._more("its end")
        rest = self.seen[self._taken :].decode(errors="surrogateescape").splitlines()
        self._taken = len(self.seen)
        return rest

    def all(self) -> str:
        """Wait for the end of it, and give everything that was ever said."""
        self.rest()
        return self.seen.decode(errors="surrogateescape")

    def catch_up(self) -> str:
        """Give everything that was said so far, without waiting."""
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        while not self.ended and poller.poll(0):
            self._read()
        return self.seen.decode(errors="surrogateescape")

    def _more(self, what: str) -> None:
        what = f"{self.whose} to say {what} (it said {self.seen[-2000:]!r})"
        if self.ended:
            raise NotSeenError(f"{what}: it has ended")
        wait_readable(self.fd, time.monotonic() + DEADLINE, what)
        self._read()

    def _read(self) -> None:
        try:
            got = os.read(self.fd, 65536)
        except OSError:  # EIO: the last process at a terminal is gone
            got = b""
        self.seen += got
        self.ended = not got
