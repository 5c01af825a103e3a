"""Containers and images, by podman and buildah: ci/image tells them by the environment where their storage is, and podman which runtime to use."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support import processes
from support.lines import DEADLINE, Lines, NotSeenError
from support.programs import program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
ARCHIVES = ROOT / "dist" / "images"
IMAGE, KOORDINATOR = "localhost/kubexit:latest", "localhost/koordinator:latest"
BUILT = "localhost/kubexit-test-"  # how the names of images begin that tests build
TOOLS = "/test"  # where a container finds the tests' programs
ACTOR, PROBE = f"{TOOLS}/actor", f"{TOOLS}/probe"


def podman(*words: object) -> str:
    """Have podman do something; give what it says."""
    return _tool("podman", *words)


def buildah(*words: object) -> str:
    """Have buildah do something; give what it says."""
    return _tool("buildah", *words)


def _tool(*words: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, timeout=100)
    assert not done.returncode, f"{' '.join(str(word) for word in words)}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout.strip()


def build(name: str, text: str, context: Path, *options: str) -> str:
    """Build an image by the text of a Dockerfile, of what is here alone; give its name."""
    tag = f"{BUILT}{name}:latest"
    (context / "Dockerfile").write_text(text)
    buildah("build", "--isolation=chroot", "--pull-never", "--layers", "--force-rm", *options, "--tag", tag, context)
    return tag


@dataclass(frozen=True)
class Ended:
    """A container that has ended, as it is seen from outside."""

    status: int
    out: str
    err: str


class Container:
    """A container that was started."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        assert process.stderr
        self.name = name
        self.process = process
        self.out = Lines(process.stdout.fileno(), f"the container {name}")
        self.err = Lines(process.stderr.fileno(), f"the log of {name}")

    def says(self, beginning: str) -> str:
        """Wait for a line that begins like this."""
        return self.out.anywhere(beginning)

    def fact(self, format_: str) -> str:
        """Ask podman."""
        return podman("inspect", "--format", format_, self.name)

    @property
    def first(self) -> int:
        """The pid, here, of the process that the container was started with."""
        return int(self.fact("{{.State.Pid}}"))

    def stop(self, seconds: int) -> None:
        """End it as the kubelet does: SIGTERM to its first process, and SIGKILL after these seconds."""
        podman("stop", "--time", seconds, self.name)

    def kill(self) -> None:
        """SIGKILL its first process."""
        os.kill(self.first, 9)

    def end(self) -> Ended:
        """Wait for its end."""
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired as error:
            raise NotSeenError(f"the end of {self.name} (it said {self.out.catch_up()!r} and {self.err.catch_up()!r})") from error
        return Ended(status, self.out.all(), self.err.all())

    def close(self) -> None:
        """Let go of it."""
        for stream in (self.process.stdout, self.process.stderr):
            assert stream
            stream.close()
        self.process.wait(DEADLINE)


class Pod:
    """Containers that share a graveyard and a volume for programs, as those of a pod do. At its end all of them are removed."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kubexit-image-"))
        self.graveyard, self.volume, self.tools = (self.folder / name for name in ("graveyard", "volume", "tools"))
        for each in (self.graveyard, self.volume):
            each.mkdir()
            each.chmod(0o777)
        self.tools.mkdir()
        for name in ("actor", "probe"):
            shutil.copy(program(name), self.tools / name)
        self.started: list[Container] = []

    def start(self, name: str, *command: str, image: str = IMAGE, options: Sequence[str] = (), **variables: str) -> Container:
        """Start a container whose kubexit is called `name`. Variables are KUBEXIT_'s, in lower case, or have their whole name."""
        unique = f"{self.folder.name}-{len(self.started)}-{name}"
        given = [*self._mounts(), *_variables({"name": name, **variables}), *options]
        words = ["podman", "run", "--name", unique, "--pull=never", *given, image, *command]
        # conmon leaves a file "oom" in the folder that it was started in
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder)
        container = Container(unique, process)
        self.started.append(container)
        return container

    def run(self, name: str, *command: str, image: str = IMAGE, options: Sequence[str] = (), **variables: str) -> Ended:
        """Start a container and wait for its end."""
        return self.start(name, *command, image=image, options=options, **variables).end()

    def stone(self, name: str) -> str:
        """Give the text of a tombstone."""
        return (self.graveyard / name).read_text()

    def close(self) -> None:
        """Remove everything."""
        if self.started:
            # --depend: one may be in another's namespace
            podman("rm", "--force", "--depend", "--time", "0", "--ignore", *(container.name for container in self.started))
        for container in self.started:
            container.close()
        shutil.rmtree(self.folder)

    def _mounts(self) -> list[str]:
        places = ((self.graveyard, "/graveyard"), (self.volume, "/kubexit"), (self.tools, f"{TOOLS}:ro"))
        return [word for source, place in places for word in ("--volume", f"{source}:{place}")]


def _variables(variables: Mapping[str, str]) -> list[str]:
    given = {f"KUBEXIT_{name.upper()}" if name.islower() else name: value for name, value in variables.items()}
    return [word for name, value in given.items() for word in ("--env", f"{name}={value}")]


def members(pid: int) -> list[int]:
    """Give all processes, zombies too, of the pid namespace that a process is in."""
    found = []
    for other in processes.pids():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if (processes.PROC / str(other) / "ns" / "pid").samefile(processes.PROC / str(pid) / "ns" / "pid"):
                found.append(other)
    return found
