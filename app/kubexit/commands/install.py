"""`kubexit --install DIR`: the tree form into a folder, such as a volume that the pod's containers share.

    DIR/NAME                        a link, relative: the volume may be mounted at another path. NAME is the name that we were called by
    DIR/.kubexit-VERSION-COMMIT/    kubexit (the launcher) and lib/, under its name from the moment that it is whole; never changed

Each version has a folder of its own, and none is ever removed: it may be running, and start its helper program from there. The link is
replaced by a rename.
"""

from __future__ import annotations

import posix
from errno import EEXIST, ENOTEMPTY
from fcntl import LOCK_EX, flock

from kubexit import __version__
from kubexit.build_info import COMMIT
from kubexit.commands.hints import explain, shown
from kubexit.linux import files
from kubexit.linux.copying import CREATE, READ, Part, is_copy, temporary_name, transfer
from kubexit.linux.handover import SINGLE_FILE, SOURCE
from kubexit.linux.single_file import tree_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubexit.linux.handover import Start

LAUNCHER = b"kubexit"
BEGINNING, UNFINISHED = b".kubexit-", b".new"
MOST_FOLDERS = 100  # of one version: each but the last is damaged, or another build of it
FOR_ALL = 0o755
READ_AND_RUN = 0o555
FOLDER = posix.O_RDONLY | posix.O_DIRECTORY | posix.O_NOFOLLOW | posix.O_CLOEXEC


class NotInstalledError(Exception):
    """The text says why, and what to do."""


def install(start: Start, directory: bytes) -> bytes:
    """Install what runs here, and give the path that it has now."""
    if start.form == SOURCE:
        raise NotInstalledError("cannot install what was started from source: only the frozen forms can be copied, make them by ci/freeze")
    name = start.name if start.name.strip(b".") else LAUNCHER
    parts = _own_tree(start)
    umask = posix.umask(0)  # 0777 would have us make folders that we cannot enter ourselves
    try:
        files.make_directory(directory, FOR_ALL)
        fd = _open(directory)
        try:
            _link(fd, _provide(fd, parts) + b"/" + LAUNCHER, name)
        finally:
            posix.close(fd)
    except OSError as error:
        size = sum(part.size for part in parts) // 1_000_000 + 1
        raise NotInstalledError(f"cannot install into {shown(directory)}: {explain(error)}; I take {size} MB") from error
    finally:
        posix.umask(umask)
    return directory.rstrip(b"/") + b"/" + name


def _own_tree(start: Start) -> list[Part]:
    """Give the files of the tree that we are, or that the single file has in it."""
    try:
        if start.form == SINGLE_FILE:
            return tree_in(start.program)
        library = start.program.rpartition(b"/")[0]
        folder = library.rpartition(b"/")[0]
        found = posix.listdir(folder)
        paths = {LAUNCHER: LAUNCHER if LAUNCHER in found else start.name} | {b"lib/" + name: b"lib/" + name for name in posix.listdir(library)}
        sources = {path: folder + b"/" + name for path, name in paths.items()}
        return [Part(path, FOR_ALL, source, 0, posix.stat(source).st_size) for path, source in sources.items()]
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise NotInstalledError(f"cannot read myself at {shown(start.program)} ({what}): give me a path that lasts, and all of my files") from error


def _open(directory: bytes) -> int:
    """Open the folder, and wait until nobody else installs there: a dozen at once need the room of one.

    Where there are no locks, or the folder may not be listed, they meet when they rename what they made.
    """
    try:
        fd = posix.open(directory, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)
    except PermissionError:
        return posix.open(directory, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        flock(fd, LOCK_EX)
        for name in posix.listdir(fd):
            if name.encode("utf-8", "surrogateescape").startswith(BEGINNING) and name.endswith(UNFINISHED.decode()):
                _remove(fd, name)  # of one who was killed
    except OSError:
        pass
    return fd


def _provide(directory: int, parts: list[Part]) -> bytes:
    """Give the name of a folder that has the tree, whole. It is made if there is none."""
    name = first = BEGINNING + f"{__version__}-{COMMIT or 'unknown'}".encode()
    for number in range(2, MOST_FOLDERS):
        if not files.is_there(directory, name):
            _make(directory, name, parts)
            return name
        if _is_whole(directory, name, parts):
            return name
        name = b"%s.%d" % (first, number)
    raise OSError(EEXIST, f"{MOST_FOLDERS} damaged copies of me are there already")


def _is_whole(directory: int, name: bytes, parts: list[Part]) -> bool:
    """Tell whether a folder has every file of the tree, byte for byte, to be run by anybody. A node's crash may have cut them."""
    try:
        folders = [posix.stat(name + path, dir_fd=directory, follow_symlinks=False) for path in (b"", b"/lib")]
        return all(status.st_mode & READ_AND_RUN == READ_AND_RUN for status in folders) and all(_has(directory, name, part) for part in parts)
    except OSError:
        return False


def _has(directory: int, folder: bytes, part: Part) -> bool:
    source = posix.open(part.source, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        file = posix.open(folder + b"/" + part.path, READ, dir_fd=directory)
        try:
            status = posix.fstat(file)
            return files.is_regular(status) and status.st_mode & part.mode == part.mode and is_copy(file, source, part)
        finally:
            posix.close(file)
    finally:
        posix.close(source)


def _make(directory: int, name: bytes, parts: list[Part]) -> None:
    """Make the folder under another name, and rename it. Somebody else may have done so by then: theirs is as good."""
    temporary = BEGINNING + temporary_name() + UNFINISHED
    try:
        for folder in (temporary, temporary + b"/lib"):
            posix.mkdir(folder, 0o700, dir_fd=directory)
        for part in parts:
            _write(directory, temporary + b"/" + part.path, part)
        for folder in (temporary + b"/lib", temporary):
            _open_to_all(directory, folder)
        posix.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError as error:
        _remove(directory, temporary)
        if error.errno not in (EEXIST, ENOTEMPTY):
            raise


def _write(directory: int, path: bytes, part: Part) -> None:
    source = posix.open(part.source, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        file = posix.open(path, CREATE, 0o600, dir_fd=directory)
        try:
            transfer(source, file, part.offset, part.size)
            posix.fchmod(file, part.mode)
        finally:
            posix.close(file)
    finally:
        posix.close(source)


def _open_to_all(directory: int, folder: bytes) -> None:
    fd = posix.open(folder, FOLDER, dir_fd=directory)
    try:
        posix.fchmod(fd, FOR_ALL)
    finally:
        posix.close(fd)


def _link(directory: int, target: bytes, name: bytes) -> None:
    """Have `name` lead to `target`, whatever it was before; a folder alone is not replaced."""
    try:
        if posix.readlink(name, dir_fd=directory) == target:
            return
    except OSError:  # no link, or nothing
        pass
    temporary = BEGINNING + temporary_name() + UNFINISHED
    posix.symlink(target, temporary, dir_fd=directory)
    try:
        posix.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        posix.unlink(temporary, dir_fd=directory)
        raise


def _remove(directory: int, name: bytes | str) -> None:
    """Remove a file, or a folder with all that is in it, and follow no link; what somebody else owns may stay."""
    try:
        posix.unlink(name, dir_fd=directory)
    except IsADirectoryError:
        try:
            fd = posix.open(name, FOLDER, dir_fd=directory)
            try:
                for each in posix.listdir(fd):
                    _remove(fd, each)
            finally:
                posix.close(fd)
            posix.rmdir(name, dir_fd=directory)
        except OSError:
            pass
    except OSError:
        pass
