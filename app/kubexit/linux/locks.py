"""Open-file-description locks (fcntl_locking(2)): the kernel gives them back however their holder dies, and shows them to all."""

from __future__ import annotations

import fcntl
import posix
from _struct import Struct
from errno import EACCES, EAGAIN, EINVAL, ELOOP, ENOENT, EPERM

from kubexit.linux import files

FOR_EVER = (ENOENT, EINVAL, ELOOP, EACCES, EPERM)  # not there, no regular file, not for us
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


def state_of(directory: int, name: bytes) -> bool | None:
    """Tell whether the lock file `name` is locked by another open file description; None if there is no lock to speak of.

    Takes nothing, and needs the right to read only. OSError: it cannot be told at the moment, as with EMFILE.
    """
    try:
        if not files.require_regular(directory, name):
            return None
        fd = posix.open(name, files.READ, dir_fd=directory)
    except OSError as error:
        if error.errno in FOR_EVER:
            return None
        raise
    try:
        kind: int = FLOCK.unpack(fcntl.fcntl(fd, F_OFD_GETLK, WHOLE_FILE))[0]
    except OSError:  # no such locks on this file system
        return None
    finally:
        posix.close(fd)
    return kind != fcntl.F_UNLCK
