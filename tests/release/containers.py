"""The nearest thing to two containers that needs no container engine: processes with pid 1 each, in an empty root that they share."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from support.programs import program

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE = 60  # seconds; a job takes a tenth of one
ENTER = 'mount -t proc proc "$1/proc" && exec chroot "$@"'


class EmptyRoot:
    """A folder with kubexit, the test program /actor, an empty /tmp and an empty /graveyard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("proc", "tmp", "graveyard"):
            (folder / name).mkdir()
        shutil.copy(program("actor"), folder / "actor")

    def start(self, *command: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a command in a container of its own."""
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh", str(self.folder), *command]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **variables}
        return subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def job(self, kubexit: str) -> tuple[int, int]:
        """Run a job of two, a server that ends with its client; give the exit status of client and server."""
        server = self.start(kubexit, "/actor", "obey 15", KUBEXIT_NAME="server", KUBEXIT_DEATH_DEPS="client")
        client = self.start(kubexit, "/actor", "exit 0", KUBEXIT_NAME="client", KUBEXIT_BIRTH_DEPS="server", KUBEXIT_READINESS="graveyard")
        try:
            return client.wait(DEADLINE), server.wait(DEADLINE)
        finally:
            for process in (client, server):
                process.kill()
                process.wait()
