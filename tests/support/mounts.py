"""Mounts of the test run's own, which nobody else sees and which end with it."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MNT_DETACH = 2


def _check(result: int, what: str) -> None:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)} (the black-box tests have to run as root)")


def leave_for_own_mounts() -> None:
    """Give this process a mount namespace of its own."""
    _check(LIBC.unshare(CLONE_NEWNS), "unshare")
    _check(LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount")


def mount_tmpfs(path: Path, options: str) -> None:
    """Mount an empty file system there."""
    _check(LIBC.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, options.encode()), f"mount {path}")


def unmount(path: Path) -> None:
    """Take a mount away, in use or not."""
    _check(LIBC.umount2(os.fsencode(path), MNT_DETACH), f"umount {path}")
