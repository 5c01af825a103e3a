"""How the helper program is started, in each form of ours, and what it may leave behind when it is killed.

source       python -m kubexit.helpers
tree         lib/kubexit-helper, by the loader beside it, as build/launcher.c starts lib/kubexit
single file  the file itself once more: by a private variable it knows that it is to unpack and run the helper (build/start.c)
"""

from __future__ import annotations

import posix
from errno import ENOENT

from kubexit.linux import bundle
from kubexit.linux.fd import take_standard_descriptors
from kubexit.linux.handover import SINGLE_FILE, SOURCE
from kubexit.linux.libc import call, string_array
from kubexit.linux.process import die_with

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubexit.linux.handover import Start

HELPER, LOADER = b"kubexit-helper", b"ld-linux"  # the latter is the beginning of the name, on any machine
# All that it is told by its environment: nothing of the application's may reach its C library, OpenSSL or Python.
HANDED_ON = (b"KUBERNETES_SERVICE_HOST=", b"KUBERNETES_SERVICE_PORT=")
NO_OPENSSL_CONF = b"OPENSSL_CONF="  # empty: no configuration is read, not the container's either
GRAVEYARD = b"KUBEXIT_GRAVEYARD="
# where build/inplace.c unpacks to, besides TMPDIR, the graveyard and the folder of the file
PLACES = (b"/tmp", b"/var/tmp", b"/run", b"/dev/shm")


class HelperProgram:
    """Starts the helper program, one process at a time."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._environment = [*(entry for entry in start.environment if entry.startswith(HANDED_ON)), NO_OPENSSL_CONF]
        self._bundle = b""  # the name of the folder that it unpacks itself to

    def command(self, arguments: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Give the arguments, the program's path first, and the environment of a new process. An OSError: the program is gone."""
        program = self._start.program
        if self._start.form == SOURCE:
            root = __file__.rpartition("/kubexit/")[0].encode("utf-8", "surrogateescape")
            path = [root, *(entry.partition(b"=")[2] for entry in self._start.environment if entry.startswith(b"PYTHONPATH="))]
            # -P: the working directory is no place for modules
            return [program, b"-P", b"-m", b"kubexit.helpers", *arguments], [*self._environment, b"PYTHONPATH=" + b":".join(path)]
        if self._start.form == SINGLE_FILE:
            if program.startswith(b"/proc/"):
                raise FileNotFoundError(ENOENT, "the file that kubexit was started from was gone from its path by then")
            self._bundle = b".kubexit-" + posix.urandom(8).hex().encode()
            wanted = b"_KUBEXIT_HELPER=%d.%s" % (posix.getpid(), self._bundle)
            places = [entry for entry in self._start.environment if entry.startswith(GRAVEYARD)][:1]
            return [program, *arguments], [*self._environment, *places, b"TMPDIR=" + self._start.place, wanted]
        folder = program.rpartition(b"/")[0]
        loader = next((name for name in posix.listdir(folder) if name.startswith(LOADER)), LOADER)
        helper = folder + b"/" + HELPER
        private = [b"_PYI_ARCHIVE_FILE=" + helper, b"_PYI_PARENT_PROCESS_LEVEL=-1", b"_PYI_LINUX_PROCESS_NAME=" + HELPER]
        return [folder + b"/" + loader, helper, *arguments], [*self._environment, *private]

    def start(self, arguments: Sequence[bytes], output: int) -> int:
        """Start it with `output` as its standard output and error; give its pid. An OSError says why there is no process.

        What becomes known only in the new process, as a failed exec, is written to `output` in words, and it exits with 127.
        """
        words, environment = self.command(arguments)
        parent, argument_array, environment_array = posix.getpid(), string_array(words), string_array(environment)
        pid = posix.fork()
        if pid:
            return pid
        try:
            posix.setsid()  # what a terminal sends is not for it
            take_standard_descriptors(output)
            if die_with(parent):
                call("execve", words[0], argument_array, environment_array)
        except OSError as error:
            posix.write(2, f"cannot execute {words[0].decode('utf-8', 'replace')}: {error.strerror}\n".encode())
        finally:
            posix._exit(127)

    def clean_up(self) -> None:
        """Remove what it has left: it must be dead. One that has come as far as its first report leaves nothing."""
        name, self._bundle = self._bundle, b""
        for place in self._places() if name else ():
            try:
                bundle.remove(place + b"/" + name)
            except OSError:  # it is not there; whatever else is there is not ours to remove
                pass

    def _places(self) -> list[bytes]:
        graveyard = next((entry.partition(b"=")[2] for entry in self._start.environment if entry.startswith(GRAVEYARD)), b"/graveyard")
        return [self._start.place, *PLACES, graveyard, self._start.program.rpartition(b"/")[0]]
