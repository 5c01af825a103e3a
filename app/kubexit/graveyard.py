"""Our own side of the graveyard: the folder, the alive lock, the tombstone."""

from __future__ import annotations

import posix
import time
from errno import EACCES, EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP, EPERM

from kubexit.domain.timestamps import format_timestamp
from kubexit.domain.tombstone import Tombstone, format_tombstone
from kubexit.linux import files, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NO_SUCH_LOCKS = (EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP)  # fcntl(2) and renameat2(2) on file systems that lack what we need
LOCK_FLAGS = posix.O_RDWR | posix.O_NOFOLLOW | posix.O_NONBLOCK | posix.O_CLOEXEC


class GraveyardUnusableError(Exception):
    """The folder cannot serve: the message names the path and the cause."""


class DuplicateNameError(Exception):
    """A supervisor of our name lives in this graveyard."""


def lock_name(name: bytes) -> bytes:
    """Give the name of the alive lock of a supervisor called `name`."""
    return b"." + name + b".lock"


class NoGraveyard:
    """In the place of a Graveyard where peers are known by the pod's status alone: nothing is written."""

    restarted = False

    def record_birth(self) -> None:
        """Do nothing."""

    def record_death(self, _bury: Callable[[Tombstone, str], Tombstone]) -> None:
        """Do nothing."""


class Graveyard:
    """A folder that we hold the lock of our name in, from `open` to the end of this process."""

    def __init__(self, path: str, name: str, warn: Callable[[str], None], trace: Callable[[str], None]) -> None:
        """Open the folder, lock our name and remove our own old tombstone, in this order.

        Raises GraveyardUnusableError, and DuplicateNameError before anything is touched.
        """
        self.path = path.encode("utf-8", "surrogateescape")
        self._name = name.encode("utf-8", "surrogateescape")
        self._shown = f"{path.rstrip('/')}/{name}"
        self._temporary = b"." + self._name + b".new"
        self.own_lock = lock_name(self._name)
        self._warn, self._trace = warn, trace
        self._complained = False
        self._stone = Tombstone()
        try:
            self.made = files.make_directory(self.path)
            self.directory = posix.open(self.path, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
            self.restarted = self._take_lock() | self._clear()
        except OSError as error:
            raise GraveyardUnusableError(_explain(path, name, error)) from error

    def _take_lock(self) -> bool:
        """Hold the alive lock; tell whether its file was there before us."""
        while True:
            there = files.require_regular(self.directory, self.own_lock)
            private = self.own_lock if there else self.own_lock + b"-" + posix.urandom(6).hex().encode()
            fd = posix.open(private, LOCK_FLAGS | (0 if there else posix.O_CREAT | posix.O_EXCL), 0o666, dir_fd=self.directory)
            try:
                locked = locks.try_lock(fd)
                published = there or (locked and self._publish(fd, private))
            except OSError as error:
                if error.errno not in NO_SUCH_LOCKS:
                    raise
                self._do_without_lock(private, error)
                return there
            if locked and published:
                self._lock_fd = fd  # never closed: the kernel does that when we end, and everybody sees it
                return there
            posix.close(fd)
            if not locked:
                raise DuplicateNameError

    def _publish(self, fd: int, private: bytes) -> bool:
        """Give the new lock file its name once it is locked, so that it is never seen free. False: another one was first."""
        posix.fchmod(fd, 0o666)  # whatever the umask is: the next container of this name may run as another user
        if files.rename_if_free(self.directory, private, self.own_lock):
            return True
        files.remove(self.directory, private)
        return False

    def _do_without_lock(self, name: bytes, error: OSError) -> None:
        files.remove(self.directory, name)  # a lock file that nobody can hold would say that we have vanished
        self._warn(
            f"{self._shown}: this file system has no locks that others can see ({error.strerror}), so peers will not notice if this "
            "supervisor is killed: use an emptyDir or another local file system as the graveyard"
        )

    def _clear(self) -> bool:
        """Remove our own old tombstone, and what a killed writer left; tell whether there was a tombstone."""
        for name in (self._temporary, self._name):
            there = files.require_regular(self.directory, name)
            files.remove(self.directory, name)
        return there

    def record_birth(self) -> None:
        """Carve Born, and ReadyAt: without a probe of our own a process is ready when it is started."""
        born = timestamp()
        self._trace(f"Creating tombstone: {self._shown}")
        self._carve(self._stone.replace(born=born, ready_at=born))

    def record_death(self, bury: Callable[[Tombstone, str], Tombstone]) -> None:
        """Carve the end. What cannot be written is told once; the lock tells the peers of it all the same."""
        self._trace(f"Updating tombstone: {self._shown}")
        self._carve(bury(self._stone, timestamp()))

    def _carve(self, stone: Tombstone) -> None:
        self._stone = stone
        data = format_tombstone(stone).encode("utf-8", "replace")
        try:
            files.replace(self.directory, self._name, self._temporary, data)
        except OSError as error:
            if not self._complained:
                self._complained = True
                self._warn(
                    f"cannot write tombstone {self._shown}: {error.strerror}; peers do not see this state, and take an end that is "
                    "not written for a failure: see whether the volume is full or was taken away"
                )

    def volume_warning(self) -> str | None:
        """Give a warning if this can hardly be a volume that other containers see."""
        if self.made or (posix.getpid() == 1 and files.is_on_root_file_system(self.directory)):
            where = self.path.decode("utf-8", "replace")
            return f"no volume is mounted at {where}; peers in other containers will never be seen: mount the same emptyDir there in each"
        return None


def timestamp() -> str:
    """Give the time of day, RFC 3339 in UTC."""
    return format_timestamp(time.time_ns())


def _explain(path: str, name: str, error: OSError) -> str:
    hint = "set KUBEXIT_GRAVEYARD to a folder on a writable volume that the pod's containers share"
    if error.errno == EINVAL and error.filename:
        hint = "something that no kubexit makes is in the way: remove it"
    if error.errno in (EACCES, EPERM):
        hint = (
            "give this container's user the right to write there (fsGroup, or a graveyard of mode 0777); "
            "in a folder with the sticky bit a name works for one user only"
        )
    shown = error.filename.decode("utf-8", "replace") if isinstance(error.filename, bytes) else ""
    what = path if not shown or shown == path else f"{path} ({shown})"
    return f"graveyard {what} cannot be used for {name}: {error.strerror}; {hint}"
