"""Files of a directory that others write to as well: no link is followed, and nothing but a regular file is ever touched.

`read_text` alone is for files of the system.
"""

from __future__ import annotations

import posix
from errno import EINVAL, ELOOP, EMFILE, ENFILE, ENOMEM

from kubexit.linux.libc import call

S_IFMT = 0o170000
S_IFREG = 0o100000
RENAME_NOREPLACE = 1
PASSING = (EMFILE, ENFILE, ENOMEM)  # errors of the moment, which say nothing of the file
READ = posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK | posix.O_CLOEXEC
CREATE = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_NOFOLLOW | posix.O_CLOEXEC


def is_regular(status: posix.stat_result) -> bool:
    """Tell whether it is a regular file: no directory, FIFO, device, socket or symbolic link."""
    return status.st_mode & S_IFMT == S_IFREG


def is_there(directory: int, name: bytes) -> bool:
    """Tell whether there is anything of that name."""
    try:
        posix.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return False
    return True


def require_regular(directory: int, name: bytes) -> bool:
    """Tell whether `name` is there; an OSError if it is anything but a regular file."""
    try:
        status = posix.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not is_regular(status):
        raise OSError(EINVAL, "not a regular file", name)
    return True


def read_regular(directory: int, name: bytes, limit: int) -> bytes | None:
    """Give the content, None if there is no such file. OSError: it cannot be read, is no regular file or is over `limit` bytes.

    Looked at before it is opened: opening a FIFO may wake its writer, and opening a device may do anything.
    """
    if not require_regular(directory, name):
        return None
    try:
        fd = posix.open(name, READ, dir_fd=directory)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == ELOOP:
            raise OSError(EINVAL, "not a regular file") from error
        raise
    try:
        if not is_regular(posix.fstat(fd)):
            raise OSError(EINVAL, "not a regular file")
        data = posix.read(fd, limit + 1)
    finally:
        posix.close(fd)
    if len(data) > limit:
        raise OSError(EINVAL, f"larger than {limit} bytes")
    return data


def read_text(path: str, limit: int = 4096) -> str:
    """Give the first `limit` bytes of a small file of the system as text, blanks around it taken off; "" if it cannot be read.

    Links are followed: a volume of the downward API has nothing else.
    """
    try:
        fd = posix.open(path, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return posix.read(fd, limit).decode("utf-8", "surrogateescape").strip()
    except OSError:  # a directory, a FIFO
        return ""
    finally:
        posix.close(fd)


def replace(directory: int, name: bytes, temporary: bytes, data: bytes) -> None:
    """Write a file whole: under a temporary name, then renamed, so that no reader ever sees half of it. Mode 0644."""
    try:
        fd = posix.open(temporary, CREATE, 0o644, dir_fd=directory)
    except FileExistsError:  # a killed writer left it
        remove(directory, temporary)
        fd = posix.open(temporary, CREATE, 0o644, dir_fd=directory)
    try:
        posix.fchmod(fd, 0o644)  # whatever the umask is
        _allocate(fd, len(data))
        written = posix.write(fd, data)
        if written < len(data):  # the rest would not fit either
            posix.write(fd, data[written:])
        posix.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        remove(directory, temporary)
        raise
    finally:
        posix.close(fd)  # not before the rename: watchers would be woken by a name that means nothing to them


def _allocate(fd: int, length: int) -> None:
    """Have the blocks now: else ext4 allocates them within the rename (auto_da_alloc), and the disk is waited for before anybody is told."""
    try:
        posix.posix_fallocate(fd, 0, length)
    except OSError:  # it is the write that matters
        pass


def remove(directory: int, name: bytes) -> None:
    """Remove a file if it is there."""
    try:
        posix.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        pass


def rename_if_free(directory: int, name: bytes, new_name: bytes) -> bool:
    """Rename a file unless the new name is taken; tell whether it was free. OSError: EINVAL where the file system cannot.

    Not link and unlink: inotify reports an open file under the name that it was opened by, unless that was renamed.
    """
    try:
        call("renameat2", directory, name, directory, new_name, RENAME_NOREPLACE)
    except FileExistsError:
        return False
    return True


def make_directory(path: bytes, mode: int = 0o777) -> bool:
    """Make a directory, open to all users whatever the umask is, and the directories above it. False: it was there."""
    umask = posix.umask(0)  # not chmod afterwards: another container may look in between
    try:
        return _make(path, mode)
    finally:
        posix.umask(umask)


def _make(path: bytes, mode: int) -> bool:
    try:
        posix.mkdir(path, mode)
    except FileExistsError:
        return False
    except FileNotFoundError:
        parent = path.rstrip(b"/").rpartition(b"/")[0]
        if not parent:
            raise
        _make(parent, 0o755)
        try:
            posix.mkdir(path, mode)  # once: in /proc nothing can be made, though it is there
        except FileExistsError:
            return False
    return True


def is_on_root_file_system(directory: int) -> bool:
    """Tell whether no other file system is mounted at or above the directory."""
    try:
        return posix.fstat(directory).st_dev == posix.stat("/").st_dev
    except OSError:
        return False
