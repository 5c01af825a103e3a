"""The role `cp`: as much of it as manifests use to copy kubexit into a volume, in an image that holds nothing but kubexit.

A link that is a source is followed: the names that our image has are links. A target is written whole under another name in its folder
and takes its place by a rename, so an older version that is running there runs on, and one that is being started is never half of it.
"""

from __future__ import annotations

import posix

from kubexit.commands.hints import explain, shown
from kubexit.domain.record import Record
from kubexit.linux.copying import CREATE, temporary_name, transfer
from kubexit.linux.files import S_IFMT, is_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

USAGE = "usage: cp [-a] [-f] [-p] SOURCE TARGET, or cp [-a] [-f] [-p] SOURCE... FOLDER"
KEEP = b"ap"  # -a means -p here: there are neither links nor folders to be kept
OPTIONS = KEEP + b"f"  # -f: a target that cannot be written to is replaced, as any is
S_IFDIR = 0o040000
PERMISSIONS, ALL_BITS = 0o777, 0o7777


class RefusedError(Exception):
    """Nothing, or nothing more, is copied: the text says why, and what to do."""


class Wish(Record):
    """What to copy: `target` is a folder if there are several sources. `keep`: times and owner as well."""

    sources: tuple[bytes, ...]
    target: bytes
    keep: bool = False


def copy(arguments: list[bytes], complain: Callable[[bytes], None]) -> int:
    """Copy files as the command line says; give the exit status."""
    try:
        wish = parse(arguments)
        for source, target in pairs(wish):
            copy_file(source, target, keep=wish.keep)
    except RefusedError as error:
        complain(f"cp: {error}\n".encode("utf-8", "replace"))
        return 1
    return 0


def parse(arguments: list[bytes]) -> Wish:
    """Understand the command line. Options may stand anywhere before `--`."""
    names, letters, options = [], b"", True
    for word in arguments:
        if options and word == b"--":
            options = False
        elif options and word.startswith(b"-") and word != b"-":
            if word.strip(OPTIONS) != b"-" or word.count(b"-") > 1:
                raise RefusedError(f"unknown option {shown(word)}: this is kubexit's cp, which copies files and knows -a, -f and -p; {USAGE}")
            letters += word
        else:
            names.append(word)
    if len(names) < 2:
        raise RefusedError(f"{f'no target is given for {shown(names[0])}' if names else 'no file is given'}; {USAGE}")
    return Wish(tuple(names[:-1]), names[-1], any(letter in letters for letter in KEEP))


def pairs(wish: Wish) -> list[tuple[bytes, bytes]]:
    """Give each source with its own target."""
    status = _status(wish.target)
    if status is None or status.st_mode & S_IFMT != S_IFDIR:
        if len(wish.sources) > 1 or wish.target.endswith(b"/"):
            raise RefusedError(f"{shown(wish.target)} is no folder: make it, or mount a volume there")
        return [(wish.sources[0], wish.target)]
    found = [(source, wish.target.rstrip(b"/") + b"/" + source.rstrip(b"/").rpartition(b"/")[2]) for source in wish.sources]
    targets = [target for _, target in found]
    for target in targets:
        if targets.count(target) > 1:
            raise RefusedError(f"several of the files would become {shown(target)}: copy them into different folders")
    return found


def copy_file(source: bytes, target: bytes, *, keep: bool) -> None:
    """Copy one file with its permissions, whatever the umask is; with its times and, where that is permitted, its owner if `keep`."""
    _check(source, target)
    folder, slash, _ = target.rpartition(b"/")
    temporary = folder + slash + b".cp-" + temporary_name()
    try:
        reader = posix.open(source, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
    except OSError as error:
        raise RefusedError(f"cannot read {shown(source)}: {explain(error)}") from error
    try:
        _write(reader, temporary, keep=keep)
        posix.rename(temporary, target)
    except OSError as error:
        _remove(temporary)
        raise RefusedError(f"cannot copy {shown(source)} to {shown(target)}: {explain(error)}") from error
    finally:
        posix.close(reader)


def _check(source: bytes, target: bytes) -> None:
    """Refuse what is no file: a FIFO would block, and nobody means to replace a device."""
    try:
        status, there = posix.stat(source), _status(target)
    except OSError as error:
        raise RefusedError(f"cannot read {shown(source)}: {error.strerror}") from error
    if there and (there.st_dev, there.st_ino) == (status.st_dev, status.st_ino):
        raise RefusedError(f"{shown(source)} and {shown(target)} are the same file: copy it to another place")
    for path, kind in ((source, status), (target, there)):
        if kind and not is_regular(kind):
            what = "folder" if kind.st_mode & S_IFMT == S_IFDIR else "FIFO, device or socket"
            raise RefusedError(f"{shown(path)} is a {what}: this is kubexit's cp, which copies files to files")


def _write(reader: int, path: bytes, *, keep: bool) -> None:
    status = posix.fstat(reader)
    writer = posix.open(path, CREATE, 0o600)
    try:
        transfer(reader, writer)
        mode = status.st_mode & PERMISSIONS
        if keep and _give(writer, status):
            mode = status.st_mode & ALL_BITS  # setuid means the owner
        posix.fchmod(writer, mode)
        if keep:
            posix.utime(writer, ns=(status.st_atime_ns, status.st_mtime_ns))
    finally:
        posix.close(writer)


def _give(file: int, status: posix.stat_result) -> bool:
    """Give a file the owner and the group of another one; tell whether that is permitted."""
    try:
        posix.fchown(file, status.st_uid, status.st_gid)
    except OSError:
        return False
    return True


def _status(path: bytes) -> posix.stat_result | None:
    """Look at what is there, or at what a link leads to."""
    try:
        return posix.stat(path)
    except OSError:  # it is the writing that matters
        return None


def _remove(path: bytes) -> None:
    try:
        posix.unlink(path)
    except OSError:  # it was not made
        pass
