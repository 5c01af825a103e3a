"""Open-file-description locks (fcntl_locking(2)): the kernel gives them back however their holder dies, and shows them to all."""

from __future__ import annotations

import fcntl
import posix
from _struct import Struct
from errno import EACCES, EAGAIN

F_OFD_GETLK = 36
F_OFD_SETLK = 37
FLOCK = Struct("hhqqi")  # struct flock: l_type, l_whence, l_start, l_len (0: to the end), l_pid
WHOLE_FILE = FLOCK.pack(fcntl.F_WRLCK, 0, 0, 0, 0)


def try_lock(fd: int) -> bool:
    """Lock the whole file for writing; False if another open file description has it. OSError: no such locks here."""
    try:
        fcntl.fcntl(fd, F_OFD_SETLK, WHOLE_FILE)
    except OSError as error:
        if error.errno in (EAGAIN, EACCES):
            return False
        raise
    return True


def is_locked(fd: int) -> bool:
    """Tell whether another open file description holds the lock. Takes nothing, and a read-only descriptor will do."""
    kind: int = FLOCK.unpack(fcntl.fcntl(fd, F_OFD_GETLK, WHOLE_FILE))[0]
    return kind != fcntl.F_UNLCK


def open_for_asking(directory: int, name: bytes) -> int | None:
    """Open a lock file to ask about it; None if it is not there or is none of ours to judge."""
    try:
        return posix.open(name, posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK | posix.O_CLOEXEC, dir_fd=directory)
    except OSError:
        return None
