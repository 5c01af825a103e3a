"""How the helper program is started, in each form of ours."""

from __future__ import annotations

import posix
import sys

from kubexit.linux.libc import call
from kubexit.linux.process import SIGKILL, Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from kubexit.linux.handover import Start

PR_SET_PDEATHSIG = 1
HANDED_ON = (b"KUBERNETES_SERVICE_HOST=", b"KUBERNETES_SERVICE_PORT=", b"PYTHONPATH=")


class HelperProgram:
    """Starts the helper program."""

    def __init__(self, start: Start) -> None:
        self._environment = [entry for entry in start.environment if entry.startswith(HANDED_ON)]

    def start(self, arguments: Sequence[bytes], output: int) -> int:
        """Start it with `output` as its standard output and error; give its pid. An OSError says why there is no process."""
        parent = posix.getpid()
        command = Command([sys.executable.encode(), b"-m", b"kubexit.helpers", *arguments], self._environment)
        pid = posix.fork()
        if pid == 0:
            self._become(command, parent, output)
        return pid

    def _become(self, command: Command, parent: int, output: int) -> NoReturn:
        try:
            posix.setsid()
            call("prctl", PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
            if posix.getppid() == parent:
                null = posix.open("/dev/null", posix.O_RDONLY)
                posix.dup2(null, 0)
                posix.dup2(output, 1)
                posix.dup2(output, 2)
                command.execute()
        except OSError as error:
            posix.write(output, f"cannot execute {sys.executable}: {error.strerror}\n".encode())
        finally:
            posix._exit(127)

    def clean_up(self) -> None:
        """Remove what it has left."""
