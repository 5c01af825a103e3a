"""What we were started with, before the freezing and the interpreter changed it: the child gets exactly that.

The frozen program's C start code (build/start.c) hands it over in private variables, see PRIVATE below. Started from source
there are none, and the process's own state is the answer.
"""

from __future__ import annotations

import posix
import sys

from kubexit.linux import bundle, signals

ARGV0 = b"_KUBEXIT_ARGV0"  # the argv[0] of the start
MASK = b"_KUBEXIT_MASK"  # hexadecimal bits: the signals blocked
IGNORED = b"_KUBEXIT_IGNORED"  # the same: the signals ignored
HID = b"_KUBEXIT_HID."  # + NAME: a variable that the bundled loader, C library or PyInstaller would have obeyed
MEMFDS, BUNDLE = bundle.MEMFDS.encode(), bundle.BUNDLE.encode()
FILE = b"STATICX_PROG_PATH"  # the single file
ARCHIVE = b"_PYI_ARCHIVE_FILE"  # lib/kubexit
PYINSTALLERS = (ARCHIVE, b"_PYI_PARENT_PROCESS_LEVEL", b"_PYI_APPLICATION_HOME_DIR", b"_PYI_LINUX_PROCESS_NAME")
PRIVATE = (ARGV0, MASK, IGNORED, MEMFDS, BUNDLE, FILE, *PYINSTALLERS)
SOURCE, TREE, SINGLE_FILE = "source", "tree", "single file"


class Start:
    """The start of this process: `argv0` is the name it was called by, `environment` are the raw NAME=value entries.

    mask and ignored have bit n-1 for signal n. `program` is the path of the interpreter, of lib/kubexit or of the single file, according to
    the form; `place` is the folder that the single file unpacked itself below.
    """

    def __init__(self, argv0: bytes, environment: list[bytes], mask: int, ignored: int, form: str, program: bytes = b"", place: bytes = b"") -> None:
        self.argv0 = argv0
        self.environment = environment
        self.mask = mask
        self.ignored = ignored
        self.form = form
        self.program = program
        self.place = place

    @property
    def name(self) -> bytes:
        """The last part of the name that it was called by."""
        return self.argv0.rpartition(b"/")[2]

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

    From here on the single file can import nothing but built-in modules and our own, see bundle.forget.
    """
    blocked_now = signals.block_all()
    entries = _entries()
    private = dict(entry.split(b"=", 1) for entry in entries if entry.partition(b"=")[0] in PRIVATE and b"=" in entry)
    if MASK not in private:
        argv0, program = (text.encode("utf-8", "surrogateescape") for text in (sys.argv[0], sys.executable))
        return Start(argv0, entries, blocked_now, signals.ignored_signals(), SOURCE, program)
    form, program, place = TREE, private.get(ARCHIVE, b""), b""
    if BUNDLE in private:
        form, program, place = SINGLE_FILE, private.get(FILE, b""), private[BUNDLE].rpartition(b"/")[0]
        bundle.forget(private[BUNDLE], private.get(MEMFDS, b""))
    environment = [entry.removeprefix(HID) for entry in entries if entry.partition(b"=")[0] not in PRIVATE]
    return Start(private[ARGV0], environment, int(private[MASK], 16), int(private[IGNORED], 16), form, program, place)


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
