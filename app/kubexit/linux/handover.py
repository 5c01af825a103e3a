"""What we were started with, before the freezing and the interpreter changed it: the child gets exactly that.

The frozen program's C start code (build/start.c) hands it over in private variables, see PRIVATE below. Started from source
there are none, and the process's own state is the answer.
"""

from __future__ import annotations

import posix
import sys

from kubexit.linux import signals

ARGV0 = b"_KUBEXIT_ARGV0"  # the argv[0] of the start
MASK = b"_KUBEXIT_MASK"  # hexadecimal bits: the signals blocked
IGNORED = b"_KUBEXIT_IGNORED"  # the same: the signals ignored
MEMFDS = b"_KUBEXIT_MEMFDS"  # descriptors that hold an unpacked bundle which could not stay in a directory
HID = b"_KUBEXIT_HID."  # + NAME: a variable that the bundled loader, C library or PyInstaller would have obeyed
BUNDLE = b"STATICX_BUNDLE_DIR"  # where the single file unpacked itself
PYINSTALLERS = (b"_PYI_ARCHIVE_FILE", b"_PYI_PARENT_PROCESS_LEVEL", b"_PYI_APPLICATION_HOME_DIR", b"_PYI_LINUX_PROCESS_NAME")
PRIVATE = (ARGV0, MASK, IGNORED, MEMFDS, BUNDLE, b"STATICX_PROG_PATH", *PYINSTALLERS)
SOURCE, TREE, SINGLE_FILE = "source", "tree", "single file"


class Start:
    """The start of this process: `argv0` is the name it was called by, `environment` are the raw NAME=value entries.

    mask and ignored have bit n-1 for signal n.
    """

    def __init__(self, argv0: bytes, environment: list[bytes], mask: int, ignored: int, form: str) -> None:
        self.argv0 = argv0
        self.environment = environment
        self.mask = mask
        self.ignored = ignored
        self.form = form

    def variables(self, prefix: bytes) -> dict[str, str]:
        """Give the variables whose names start with `prefix`, as getenv sees them: the first entry of a name counts.

        Bytes that are no UTF-8 become lone surrogates, as everywhere in Python ("surrogateescape").
        """
        found: dict[str, str] = {}
        for entry in self.environment:
            name, equals, value = entry.partition(b"=")
            if equals and name.startswith(prefix):
                found.setdefault(name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        return found


def take_over() -> Start:
    """Block all signals, remove the unpacked bundle, and give what we were started with. Must come first of all.

    From here on the single file can import nothing but built-in modules and our own.
    """
    blocked_now = signals.block_all()
    entries = _entries()
    private = dict(entry.split(b"=", 1) for entry in entries if entry.partition(b"=")[0] in PRIVATE and b"=" in entry)
    if MASK not in private:
        return Start(sys.argv[0].encode("utf-8", "surrogateescape"), entries, blocked_now, signals.ignored_signals(), SOURCE)
    form = TREE
    if BUNDLE in private:
        form = SINGLE_FILE
        _forget_bundle(private[BUNDLE], private.get(MEMFDS, b""))
    environment = [entry.removeprefix(HID) for entry in entries if entry.partition(b"=")[0] not in PRIVATE]
    return Start(private[ARGV0], environment, int(private[MASK], 16), int(private[IGNORED], 16), form)


def _entries() -> list[bytes]:
    """Give the environment as the kernel was given it: `posix.environ` lacks repeated names and entries without "="."""
    try:
        fd = posix.open("/proc/self/environ", posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:  # no /proc
        return [name + b"=" + value for name, value in posix.environ.items()]
    parts = []
    while part := posix.read(fd, 65_536):
        parts.append(part)
    posix.close(fd)
    return b"".join(parts).split(b"\0")[:-1]


def _forget_bundle(directory: bytes, memfds: bytes) -> None:
    """Remove the unpacked bundle while it is in use: nothing of it is left in any folder, however this process ends."""
    # PyInstaller's importer raises SystemExit for what it cannot find any more; without it there is an ordinary ImportError
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "PathFinder"]
    _remove(directory)
    for fd in memfds.split(b",")[:-1]:
        posix.close(int(fd))


def _remove(directory: bytes) -> None:
    for entry in posix.scandir(directory):
        if entry.is_dir(follow_symlinks=False):
            _remove(entry.path)
        else:
            posix.unlink(entry.path)
    posix.rmdir(directory)
