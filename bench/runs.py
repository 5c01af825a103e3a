"""Starting what is measured, hearing from it, ending it. Every wait is for an event: a line, the end of a process."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.forms import Form

PATIENCE_SECONDS = 60  # after which something hangs, and the benchmark ends with an error
# What a container's process is given at the least. No locale: images set none.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "HOSTNAME": "bench"}


class Run:
    """One program of the benchmark with its child, from its start to its end. Times are nanoseconds of CLOCK_MONOTONIC."""

    def __init__(self, form: Form, role: str, variables: Mapping[str, str] | None = None) -> None:
        command = form.command(role)
        environment = {**ENVIRONMENT, **dict(form.variables), **(variables or {})}
        given, self._input = os.pipe()
        self._output, said = os.pipe()
        null = os.open(os.devnull, os.O_WRONLY)
        self._shown = f"{form.name} ({role})"
        self._rest = b""
        self._running = True
        self.cpu_seconds = 0.0
        self.began = time.monotonic_ns()
        self.pid = os.posix_spawn(
            command[0],
            command,
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, given, 0), (os.POSIX_SPAWN_DUP2, said, 1), (os.POSIX_SPAWN_DUP2, null, 2)],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # which our own interpreter ignores
        )
        for fd in (given, said, null):
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it, if it has not ended by itself."""
        if self._running:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.end_input()
        os.close(self._output)

    def next_time(self) -> int:
        """Wait for the child's next line, and give the time that it tells."""
        while b"\n" not in self._rest:
            if not select.select([self._output], [], [], PATIENCE_SECONDS)[0]:
                raise TimeoutError(f"{self._shown} has said nothing for {PATIENCE_SECONDS} s")
            data = os.read(self._output, 4096)
            if not data:
                raise RuntimeError(f"{self._shown} ended before its child said what it was to say")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return int(line)

    def end_input(self) -> None:
        """Let the child's standard input end: it tells a main container to."""
        if self._input >= 0:
            os.close(self._input)
            self._input = -1

    def wait(self) -> int:
        """Wait for the end of the program, and give the time at which we knew of it."""
        _, status, used = os.wait4(self.pid, 0)
        ended = time.monotonic_ns()
        self.cpu_seconds = used.ru_utime + used.ru_stime  # with what it has waited for: its child
        self._running = False
        if status:
            raise RuntimeError(f"{self._shown} ended with wait status {status}")
        return ended

    def settle(self, tombstone: Path | None = None) -> None:
        """Wait until it has carved Born, and sleeps. No event tells of that, so it is looked at again and again."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while not self._sleeps() or (tombstone is not None and not _is_born(tombstone)):
            if time.monotonic() > limit:
                raise TimeoutError(f"{self._shown} is still busy after {PATIENCE_SECONDS} s")
            os.sched_yield()

    def _sleeps(self) -> bool:
        status = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii", errors="replace")
        return status.rpartition(")")[2].split()[0] == "S"


def _is_born(tombstone: Path) -> bool:
    try:
        return tombstone.read_bytes().startswith(b"Born:")
    except FileNotFoundError:
        return False


class Pod(contextlib.ExitStack):
    """Sidecars, in a graveyard of their own, and a main container that they end with; all of them settled.

    A program that knows no graveyard has the sidecars alone.
    """

    def __init__(self, form: Form, graveyard: Path, sidecars: int, *, with_main: bool = True) -> None:
        super().__init__()
        variables = {"KUBEXIT_GRAVEYARD": str(graveyard), "KUBEXIT_DEATH_DEPS": "main"} if form.is_kubexit else {}
        names = [f"sidecar{number}" for number in range(sidecars)]
        self.main: Run | None = None
        try:
            self.sidecars = [self.enter_context(Run(form, "sidecar", {"KUBEXIT_NAME": name, **variables})) for name in names]
            for sidecar in self.sidecars:
                sidecar.next_time()
            if with_main and form.is_kubexit:
                self.main = self.enter_context(Run(form, "main", {"KUBEXIT_NAME": "main", "KUBEXIT_GRAVEYARD": str(graveyard)}))
                self.main.next_time()
                self.main.settle(graveyard / "main")  # first: the sidecars are woken by its tombstone
            for name, sidecar in zip(names, self.sidecars, strict=True):
                sidecar.settle(graveyard / name if form.is_kubexit else None)
        except BaseException:
            self.close()
            raise

    @property
    def supervisors(self) -> list[int]:
        """Give the process ids of all supervisors."""
        return [run.pid for run in (self.main, *self.sidecars) if run]

    def end_main(self) -> list[int]:
        """Let the main container end; give the nanoseconds from there to each sidecar's SIGTERM, and wait for all ends."""
        if self.main is None:
            raise RuntimeError("this pod has no main container")
        self.main.end_input()
        told = [sidecar.next_time() for sidecar in self.sidecars]
        ended = self.main.next_time()  # last: to be woken by it would take a core from those that are measured
        for run in (self.main, *self.sidecars):
            run.wait()
        return [at - ended for at in told]
