"""Bytes that go from file to file within the kernel."""

from __future__ import annotations

import posix
from errno import EINVAL, EIO, ENOSYS

from kubexit.domain.record import Record

AT_ONCE = 2**30  # the kernel copies less than 2 GiB with one call
COMPARED_AT_ONCE = 2**18
READ = posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK | posix.O_CLOEXEC
CREATE = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_NOFOLLOW | posix.O_CLOEXEC


class Part(Record):
    """A file to be made at `path` below some folder: `size` bytes of the file `source`, from `offset` on."""

    path: bytes
    mode: int
    source: bytes
    offset: int
    size: int


def transfer(source: int, target: int, offset: int = 0, size: int | None = None) -> None:
    """Append `size` bytes of `source` from `offset` on to `target`; all that there are if it is not said how many.

    Not copy_file_range, which many pairs of file systems and older kernels refuse.
    """
    end = None if size is None else offset + size
    while end is None or offset < end:
        moved = _move(source, target, offset, AT_ONCE if end is None else min(AT_ONCE, end - offset))
        if moved == 0 and end is not None:
            raise OSError(EIO, "it ends too early")
        if moved == 0:
            break
        offset += moved


def _move(source: int, target: int, offset: int, count: int) -> int:
    try:
        return posix.sendfile(target, source, offset, count)
    except OSError as error:
        if error.errno not in (EINVAL, ENOSYS):
            raise
    return posix.write(target, posix.pread(source, min(count, COMPARED_AT_ONCE), offset))  # a file that cannot be spliced, as in /proc


def is_copy(file: int, source: int, part: Part) -> bool:
    """Tell whether `file` has the bytes of `part`, which lies in `source`."""
    if posix.fstat(file).st_size != part.size:
        return False
    for at in range(0, part.size, COMPARED_AT_ONCE):
        count = min(COMPARED_AT_ONCE, part.size - at)
        if posix.pread(file, count, at) != posix.pread(source, count, part.offset + at):
            return False
    return True


def temporary_name() -> bytes:
    """Give a name that no other process gives."""
    return posix.urandom(8).hex().encode()
