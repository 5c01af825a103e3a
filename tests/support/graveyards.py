"""The graveyard as others see it: tombstones, alive locks, and peers that are no kubexit of ours."""

from __future__ import annotations

import fcntl
import os
import struct
from typing import TYPE_CHECKING, Any

import yaml

from support.inotify import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

Stone = dict[str, Any]
FLOCK = "hhqqi4x"  # struct flock: type, whence, start, length, pid


def read_stone(path: Path) -> Stone | None:
    """Read a tombstone as any YAML reader would; None if there is none (or an empty one: a Go kubexit truncates first)."""
    try:
        stone = yaml.safe_load(path.read_bytes())
    except FileNotFoundError:
        return None
    assert stone is None or isinstance(stone, dict), f"{path} holds no mapping: {stone!r}"
    return stone


class Graveyard:
    """A folder of tombstones."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stone(self, name: str) -> Stone:
        """Give the tombstone of `name`, which must be there."""
        stone = read_stone(self.path / name)
        assert stone is not None, f"there is no tombstone of {name} in {sorted(entry.name for entry in self.path.iterdir())}"
        return stone

    def wait_for_stone(self, name: str, wanted: Callable[[Stone], bool] = bool) -> Stone:
        """Wait until the tombstone of `name` says what is `wanted`, and give it."""
        wait_for(self.path, lambda: wanted(read_stone(self.path / name) or {}), f"such a tombstone of {name}")
        return self.stone(name)

    def wait_for_file(self, name: str) -> None:
        """Wait until there is a file of that name."""
        wait_for(self.path, (self.path / name).exists, f"a file {name}")

    def wait_until_gone(self, name: str) -> None:
        """Wait until there is no file of that name."""
        wait_for(self.path, lambda: not (self.path / name).exists(), f"the end of file {name}")

    def carve(self, name: str, text: str | bytes) -> None:
        """Write a tombstone as a Go kubexit does: in place, truncated first, without a lock file."""
        (self.path / name).write_bytes(text.encode() if isinstance(text, str) else text)

    def carve_born(self, name: str) -> None:
        """Let a Go kubexit be born."""
        self.carve(name, 'Born: "2026-11-20T03:12:18.233793483Z"\n')

    def carve_died(self, name: str, code: int) -> None:
        """Let a Go kubexit die."""
        self.carve(name, f'Born: "2026-11-20T03:12:18.233793483Z"\nDied: "2026-11-20T03:12:19.5Z"\nExitCode: {code}\n')

    def is_lock_held(self, name: str) -> bool:
        """Ask whether the supervisor of `name` is alive, as a peer does: without taking its lock."""
        fd = os.open(self.path / f".{name}.lock", os.O_RDONLY | os.O_CLOEXEC)
        try:
            answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        finally:
            os.close(fd)
        return bool(struct.unpack(FLOCK, answer)[0] != fcntl.F_UNLCK)


class HeldLock:
    """The alive lock of a peer that is there but has carved nothing: between its start and its birth."""

    def __init__(self, graveyard: Graveyard, name: str) -> None:
        lock, private = graveyard.path / f".{name}.lock", graveyard.path / f".{name}.lock-private"
        self.path = lock
        self.fd = os.open(lock if lock.exists() else private, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._set(fcntl.F_WRLCK)
        if private.exists():
            private.rename(lock)  # nobody sees it free

    def _set(self, kind: int) -> None:
        fcntl.fcntl(self.fd, fcntl.F_OFD_SETLK, struct.pack(FLOCK, kind, os.SEEK_SET, 0, 0, 0))

    def announce_close(self) -> None:
        """Let watchers see a closed lock file that is still locked, as they do for a moment when its holder is killed."""
        os.close(os.open(self.path, os.O_RDWR | os.O_CLOEXEC))

    def drop_silently(self) -> None:
        """Let the lock go without anything that watchers could see."""
        self._set(fcntl.F_UNLCK)

    def close(self) -> None:
        """Let it go, as the kernel does for a process that ends."""
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
