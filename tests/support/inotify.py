"""Waits for what becomes true in a folder, by inotify."""

from __future__ import annotations

import ctypes
import os
import time
from typing import TYPE_CHECKING

from support.lines import DEADLINE, NotSeenError, wait_readable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
# inotify(7): modify, close_write, moved_from, moved_to, create, delete, delete_self, move_self
EVENTS = 0x2 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800


def wait_for(folder: Path, true: Callable[[], bool], what: str) -> None:
    """Wait until something is true that can become so only by a change in `folder`."""
    fd = LIBC.inotify_init1(os.O_CLOEXEC)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1")
    try:
        if LIBC.inotify_add_watch(fd, os.fsencode(folder), EVENTS) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        until = time.monotonic() + DEADLINE
        while not true():  # watched first, then looked: nothing falls between
            try:
                wait_readable(fd, until, what)
            except NotSeenError as error:
                raise NotSeenError(f"{error}; in {folder}: {sorted(entry.name for entry in folder.iterdir())}") from error
            os.read(fd, 65536)
    finally:
        os.close(fd)
