"""Waits for what becomes true in a folder, by inotify."""

from __future__ import annotations

import ctypes
import os
import struct
import time
from typing import TYPE_CHECKING

from support.lines import DEADLINE, NotSeenError, wait_readable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

LIBC = ctypes.CDLL(None, use_errno=True)
# inotify(7): modify, close_write, moved_from, moved_to, create, delete, delete_self, move_self
EVENTS = 0x2 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800


MODIFIED, MOVED_TO, CREATED = 0x2, 0x80, 0x100
HEADER = struct.Struct("iIII")  # struct inotify_event: wd, mask, cookie, length of the name


class Recorder:
    """Everything that happens in a folder while this is open."""

    def __init__(self, folder: Path) -> None:
        self.fd = _watch(folder)

    def events(self) -> list[tuple[str, int]]:
        """Give name and event mask of all that happened since the last call."""
        data, found = os.read(self.fd, 1 << 20), []
        while data:
            _, mask, _, length = HEADER.unpack_from(data)
            name, data = data[HEADER.size : HEADER.size + length], data[HEADER.size + length :]
            found.append((os.fsdecode(name.rstrip(b"\0")), mask))
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)


def _watch(folder: Path) -> int:
    fd = LIBC.inotify_init1(os.O_CLOEXEC)
    if fd < 0 or LIBC.inotify_add_watch(fd, os.fsencode(folder), EVENTS) < 0:
        raise OSError(ctypes.get_errno(), f"inotify: {os.strerror(ctypes.get_errno())}")
    return int(fd)


def wait_for(folder: Path, true: Callable[[], bool], what: str) -> None:
    """Wait until something is true that can become so only by a change in `folder`."""
    fd = _watch(folder)
    try:
        until = time.monotonic() + DEADLINE
        while not true():  # watched first, then looked: nothing falls between
            try:
                wait_readable(fd, until, what)
            except NotSeenError as error:
                raise NotSeenError(f"{error}; in {folder}: {sorted(entry.name for entry in folder.iterdir())}") from error
            os.read(fd, 65536)
    finally:
        os.close(fd)
