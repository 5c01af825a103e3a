"""File descriptors: who owns one, and where it may lie."""

from __future__ import annotations

import posix

from kubexit.linux.libc import call

EFD_CLOEXEC = 0o2000000


def reserve_standard_descriptors() -> frozenset[int]:
    """Take up those of 0, 1 and 2 that are closed, and give them.

    Without this the next file that we open would become the standard error that the log is written to. What takes the place
    is close-on-exec, so the child finds closed what was closed.
    """
    closed: set[int] = set()
    while True:
        fd = posix.eventfd(0, EFD_CLOEXEC)
        if fd > 2:
            posix.close(fd)
            return frozenset(closed)
        closed.add(fd)


def take_standard_descriptors(output: int) -> None:
    """Make `output` the standard output and error of this new process, give it an empty standard input, and close all others."""
    posix.dup2(output, 1)
    posix.dup2(output, 2)
    reader, _ = posix.pipe2(posix.O_CLOEXEC)  # at its end when its writer is closed; /dev/null may not be there
    posix.dup2(reader, 0)
    try:
        call("close_range", 3, 2**32 - 1, 0)
    except OSError:  # a kernel before 5.9
        for name in posix.listdir("/proc/self/fd"):
            if int(name) > 2:
                _close(int(name))


def _close(fd: int) -> None:
    try:
        posix.close(fd)
    except OSError:  # that which the folder was read by
        pass


class Descriptor:
    """A file descriptor with one owner. It is close-on-exec from birth, and -1 once it is closed."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def fileno(self) -> int:
        """Give the number, for select.poll."""
        return self.fd

    def close(self) -> None:
        """Close it; a second time does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            posix.close(fd)
