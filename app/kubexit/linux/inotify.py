"""inotify(7) on one directory. Bound here: the `inotify` package runs ldconfig and compilers when it is imported."""

from __future__ import annotations

import posix
from _struct import Struct

from kubexit.linux.fd import Descriptor
from kubexit.linux.libc import call

IN_CLOSE_WRITE = 0x8
IN_MOVED_TO = 0x80
IN_DELETE = 0x200
IN_DELETE_SELF = 0x400
IN_UNMOUNT = 0x2000
IN_Q_OVERFLOW = 0x4000
IN_IGNORED = 0x8000
IN_ONLYDIR = 0x1000000
IN_NONBLOCK_CLOEXEC = 0o2004000

# A Go kubexit writes in place (IN_CLOSE_WRITE), we rename (IN_MOVED_TO), a restart removes its old stone (IN_DELETE), and the
# kernel closes the lock of a killed holder (IN_CLOSE_WRITE again).
CHANGES = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE
LOST = IN_DELETE_SELF | IN_UNMOUNT | IN_IGNORED
HEADER = Struct("=iIII")  # struct inotify_event: wd, mask, cookie, len; then the name, padded with NUL to len bytes
BUFFER = 65_536


class Changes:
    """What one read told: names of changed files, whether events were dropped, whether the directory is lost."""

    __slots__ = ("closed", "lost", "names", "overflowed")

    def __init__(self) -> None:
        self.names: set[bytes] = set()
        self.closed: set[bytes] = set()
        self.overflowed = False
        self.lost = False


class DirectoryWatch(Descriptor):
    """A watch on the files of one directory."""

    def __init__(self, path: bytes) -> None:
        """Raise OSError: EMFILE at fs.inotify.max_user_instances, ENOSPC at max_user_watches, ENOSYS in some sandboxes."""
        super().__init__(call("inotify_init1", IN_NONBLOCK_CLOEXEC))
        try:
            call("inotify_add_watch", self.fd, path, CHANGES | IN_DELETE_SELF | IN_ONLYDIR)
        except OSError:
            self.close()
            raise

    def read(self) -> Changes:
        """Give all that has changed since the last read, each name once: a flood of events costs one look."""
        changes = Changes()
        try:
            data = posix.read(self.fd, BUFFER)
        except BlockingIOError:
            return changes
        position = 0
        while position < len(data):
            _, mask, _, length = HEADER.unpack_from(data, position)
            position += HEADER.size
            if length:
                name = data[position : position + length].rstrip(b"\0")
                changes.names.add(name)
                if mask & IN_CLOSE_WRITE:
                    changes.closed.add(name)
            changes.overflowed |= bool(mask & IN_Q_OVERFLOW)
            changes.lost |= bool(mask & LOST)
            position += length
        return changes
