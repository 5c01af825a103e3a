"""A kubexit that was started, and what can be known of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from typing import TYPE_CHECKING, Any

from support import processes
from support.lines import Lines, NotSeenError, wait_readable

if TYPE_CHECKING:
    import subprocess

    from support.graveyards import Graveyard, Stone

Record = dict[str, Any]


class Supervisor:
    """A running or ended kubexit. `process` is what was started, `pid` the supervisor itself."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], pid: int, graveyard: Graveyard) -> None:
        self.name = name
        self.process = process
        self.pid = pid
        self.graveyard = graveyard
        self.child = 0  # once it has said that it is ready
        self._pidfd = os.pidfd_open(process.pid)
        # as the first of a namespace it may be gone already; the status comes through `process` all the same
        self._target = self._open(pid)
        self.out = Lines(process.stdout.fileno(), f"the child of {name}") if process.stdout else None
        self.err = Lines(process.stderr.fileno(), f"the log of {name}") if process.stderr else None

    @staticmethod
    def _open(pid: int) -> int | None:
        try:
            return os.pidfd_open(pid)
        except ProcessLookupError:
            return None

    def ready(self) -> int:
        """Wait until the child says that it is ready; give its pid."""
        self.child = self.other("ready")
        return self.child

    def other(self, what: str) -> int:
        """Wait until another process that the child made (`forked` or `orphan`) says that it is there; give its pid."""
        assert self.out is not None
        return processes.outside_pid(int(self.out.anywhere(what).split()[1]), self.pid)

    def says(self, beginning: str) -> str:
        """Skip what the child says up to a line that begins like this, and give that."""
        assert self.out is not None
        return self.out.until(lambda line: line.startswith(beginning), f"{self.name}: {beginning!r}")

    def tell(self, command: str) -> None:
        """Give a listening child a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def send(self, number: int) -> None:
        """Send a signal to the supervisor; to one that has ended: nothing."""
        if self._target is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._target, number)

    def kill(self) -> None:
        """SIGKILL the supervisor, and wait until the kernel has taken it away."""
        self.send(signal.SIGKILL)
        self.end()

    def end(self) -> int:
        """Wait for its end. Give the exit status; -n if signal n killed it."""
        try:
            wait_readable(self._pidfd, processes.deadline(), f"the end of {self.name}")
        except NotSeenError as error:
            raise NotSeenError(f"{error} ({processes.describe(self.pid)}, it logged {self.logged_so_far()})") from error
        return self.process.wait()

    @property
    def ended(self) -> bool:
        """Tell whether it has ended."""
        return self.process.poll() is not None

    def stone(self) -> Stone:
        """Give its tombstone. The child may be heard before its birth is carved: the first one is waited for."""
        return self.graveyard.wait_for_stone(self.name)

    def logged_so_far(self) -> str:
        """Give what it has written on standard error so far."""
        return self.err.catch_up() if self.err else ""

    def log(self) -> list[Record]:
        """Wait for the end of its log, and give all lines of it; each must be a JSON object."""
        assert self.err is not None
        return [json.loads(line) for line in self.err.all().splitlines()]

    def error(self) -> str:
        """Wait for its end and give the one error that it logged."""
        errors = [line["error"] for line in self.log() if line["level"] == "error"]
        assert len(errors) == 1, f"{self.name} logged {len(errors)} errors: {errors}"
        return str(errors[0])

    def warnings(self) -> list[str]:
        """Wait for its end and give the warnings that it logged, but for the one about volumes, which no test machine has."""
        return [line["message"] for line in self.log() if line["level"] == "warning" and "no volume is mounted" not in line["message"]]

    def next_record(self, wanted: str) -> Record:
        """Skip log lines up to the first one with `wanted` in it, and give that."""
        assert self.err is not None
        return Record(json.loads(self.err.until(lambda line: wanted in line, f"the log of {self.name}: {wanted!r}")))

    def event(self, wanted: str) -> Record:
        """Wait for an event of the traces that begins like this; only with KUBEXIT_INSTANT_LOGGING is it to be seen."""
        return self.next_record(f'"event":"{wanted}')

    def settle(self) -> None:
        """Wait until it has acted on all that is there to be seen now; only with KUBEXIT_INSTANT_LOGGING. A child hears of URG.

        What came before the first signal is looked at in the same turn of its loop or before; that turn is over when it answers the second.
        """
        assert self.err is not None
        self.err.starts()  # before, URG means nothing to it
        for _ in range(2):
            self.send(signal.SIGURG)
            self.event("Received signal: SIGURG")

    def has_started_its_child(self) -> bool:
        """Tell whether it has decided to, whatever has come of it; only with KUBEXIT_INSTANT_LOGGING, after `settle`."""
        return '"event":"Start: ' in self.logged_so_far()

    def close(self) -> None:
        """Let everything go; kill what still runs."""
        if not self.ended:
            self.process.kill()
            self.process.wait()
        for fd in (self._pidfd, self._target):
            if fd is not None:
                os.close(fd)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
