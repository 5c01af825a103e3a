"""One test's world: a folder with a graveyard, the supervisors that the test starts, and the proof that nothing is left of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from support import processes
from support.graveyards import Graveyard
from support.lines import Lines, NotSeenError
from support.mounts import mount_tmpfs, unmount
from support.supervisors import Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from support.forms import Installation

Text = str | bytes


class World:
    """Where one test takes place."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.root = Path(tempfile.mkdtemp(prefix="kubexit-test-"))
        self.root.chmod(0o755)  # supervisors of other users come here too
        self.graveyard = Graveyard(self.root / "graveyard")
        self.temporary = self.root / "tmp"
        self.shared = self.root / "shared"  # for whatever a test's programs write
        for folder in (self.graveyard.path, self.temporary, self.shared):
            folder.mkdir()
            folder.chmod(0o777)
        self.started: list[Supervisor] = []
        self.others: list[subprocess.Popen[bytes]] = []
        self.mounted: list[Path] = []
        self.may_leave_bundle = False  # set by tests that SIGKILL a supervisor before its child runs: a single file has just unpacked itself

    def environment(self, variables: Mapping[str, Text]) -> dict[bytes, bytes]:
        """Give the environment of a supervisor: little enough to know all of it. Names without KUBEXIT_ in lower case get that."""
        given: dict[str, Text] = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TMPDIR": str(self.temporary),
            **self.installation.variables,
            "KUBEXIT_GRAVEYARD": str(self.graveyard.path),
        }
        given |= {f"KUBEXIT_{name.upper()}" if name.islower() else name: value for name, value in variables.items()}
        return {os.fsencode(name): os.fsencode(value) for name, value in given.items()}

    def start(self, name: str, *commands: str, **variables: Any) -> Supervisor:
        """Start a supervisor called `name` of an actor that gets these commands (see actor.c).

        Variables are Text. They are Any here because a type checker takes what `**` brings for each keyword parameter of `run`.
        """
        return self.run([self.installation.actor, *commands], name=name, **variables)

    def run(
        self,
        command: Sequence[Text],
        *,
        stage: Sequence[Text] = (),
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        pass_fds: Sequence[int] = (),
        kubexit: Sequence[Text] | None = None,
        **variables: Text,
    ) -> Supervisor:
        """Start a supervisor of `command`, in a state that the options `stage` make (see stage.c)."""
        how: list[Text] = [self.installation.stage]
        reader = -1
        if self.installation.first:
            reader, writer = os.pipe()
            how += ["--first", str(writer)]
            pass_fds = [*pass_fds, writer]
        how += [*stage, "--", *(self.installation.command if kubexit is None else kubexit), *command]
        process = subprocess.Popen(how, stdin=stdin, stdout=stdout, stderr=stderr, pass_fds=pass_fds, env=self.environment(variables), cwd=self.root)
        pid = process.pid
        if self.installation.first:
            os.close(writer)
            with open(reader, "rb") as report:  # noqa: PTH123  a descriptor
                pid = int(report.readline() or b"0") or process.pid
        supervisor = Supervisor(str(variables.get("name", "")), process, pid, self.graveyard)
        self.started.append(supervisor)
        return supervisor

    def other(self, command: Sequence[Text], *, stage: Sequence[Text] = (), **variables: Text) -> subprocess.Popen[bytes]:
        """Start something that is no supervisor; it is killed at the end."""
        process = subprocess.Popen(
            [self.installation.stage, *stage, "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=self.environment(variables),
            cwd=self.root,
        )
        self.others.append(process)
        return process

    def actor(self, *commands: str, stage: Sequence[Text] = ()) -> Lines:
        """Start an actor without a supervisor; give what it says."""
        process = self.other([self.installation.actor, *commands], stage=stage)
        assert process.stdout is not None
        return Lines(process.stdout.fileno(), "an actor")

    def mount_graveyard(self, options: str) -> None:
        """Make the graveyard a volume: a tmpfs with these options."""
        mount_tmpfs(self.graveyard.path, options)
        self.mounted.append(self.graveyard.path)

    def close(self) -> None:
        """End everything. Fail if anything outlives its supervisor or was left behind."""
        self._tell()
        for process in self.others:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        for supervisor in self.started:
            supervisor.close()
        left = self._left_processes()
        files = [] if self.may_leave_bundle else sorted(entry.name for entry in self.temporary.iterdir())
        for path in self.mounted:
            unmount(path)
        shutil.rmtree(self.root, ignore_errors=True)
        assert not left, f"processes outlived their supervisors: {left}"
        assert not files, f"left in TMPDIR: {files}"

    def _left_processes(self) -> list[str]:
        """Wait for what is about to end, since the kernel kills a supervisor's child a moment after it; kill and give the rest."""
        left = []
        until = processes.deadline()
        for pid in processes.with_in_environment(str(self.root)):
            try:
                processes.wait_gone(pid, until)
            except NotSeenError:
                left.append(processes.describe(pid))
                os.kill(pid, 9)
                processes.wait_gone(pid)
        return left

    def _tell(self) -> None:
        """Print what everybody said; pytest shows it if the test fails."""
        for supervisor in self.started:
            out = supervisor.out.catch_up()[-2000:] if supervisor.out else ""
            print(f"--- {supervisor.name} pid {supervisor.pid} status {supervisor.process.poll()}\n{out}{supervisor.logged_so_far()[-4000:]}")  # noqa: T201
