"""An empty root to start the frozen forms in, and what is expected of a start."""
# ruff: noqa: PTH102, PTH109  os takes paths of bytes

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from support.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

TREE, SINGLE = "/tree/kubexit", "/bin/kubexit"
PROBE = "/bin/probe"
SUPERVISED = (b"KUBEXIT_NAME=probe", b"KUBEXIT_GRAVEYARD=/gy")
DISABLED = (b"KUBEXIT_DISABLED=true",)  # the command takes our place at once: no graveyard is needed
OWN = (b"process ", b"parent ", b"parent-death-signal ")  # facts that differ for a good reason
# What something of the bundle would obey, what is no variable at all, what a careless parent leaves.
ENVIRONMENT = (
    *(b"PATH=/bin", b"TMPDIR=/nonexistent", b"A=first", b"LD_PRELOAD=/nonexistent.so", b"LD_LIBRARY_PATH=/bin", b"no equals sign", b"LD_AUDIT"),
    *(b"MALLOC_CHECK_=3", b"MALLOC_PERTURB_=7", b"GLIBC_TUNABLES=glibc.malloc.check=3", b"LC_ALL=ja_JP.eucJP", b"LANG=C", b"LOCPATH=/bin"),
    *(b"GCONV_PATH=/bin", b"PYTHONHOME=/none", b"PYTHONPATH=/none", b"PYTHONSTARTUP=/none", b"PYTHONVERBOSE=1", b"VIRTUAL_ENV=/v"),
    *(b"_PYI_ARCHIVE_FILE=x", b"_PYI_PARENT_PROCESS_LEVEL=1", b"PYINSTALLER_RESET_ENVIRONMENT=1", b"STATICX_BUNDLE_DIR=/bin"),
    *(b"STATICX_PROG_PATH=y", b"STATICX_BOOTLOADER_IDENTIFY=1", b"_KUBEXIT_MASK=ff", b"_KUBEXIT_HID._KUBEXIT_MASK=z", b"_KUBEXIT_MEMFDS=0,1,2,"),
    *(b"_KUBEXIT_HELPER=1", b"_KUBEXIT_HELPER=1.x", b"OPENSSL_CONF=/bin/probe", b"SSL_CERT_FILE=/bin/probe", b"HTTPS_PROXY=http://127.0.0.1:1"),
    *(b"X=\xff\xfe\n", b"A=second", b"A=first", b"=", b"DEBUG=true"),
)


@dataclass(frozen=True)
class Case:
    """A start.

    mounts    what is writable: {place: options of a tmpfs}; all else is read-only
    stage     how the process is staged (support/stage.c)
    entries   what is in the environment besides ENVIRONMENT
    keep      descriptors of ours that it inherits
    bind      folders of the outside, and where they are to be seen
    """

    mounts: dict[str, str] = field(default_factory=lambda: {"gy": "", "tmp": ""})
    stage: tuple[str, ...] = ()
    entries: tuple[bytes, ...] = SUPERVISED
    keep: tuple[int, ...] = ()
    proc: bool = True
    bind: tuple[tuple[Path, str], ...] = ()


class Root:
    """The empty root. `outside` is a folder beside it."""

    def __init__(self, folder: Path, dist: Path) -> None:
        self.dist = dist
        self.folder, self.outside = folder / "root", folder / "outside"
        for name in ("proc", "bin", "gy", "tmp", "var/tmp", "run", "dev/shm", "etc", "lib", "far"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "var" / "run").symlink_to("../run")
        self.outside.mkdir()
        for each in (folder, self.outside):
            each.chmod(0o755)
        shutil.copy(program("probe"), self.folder / "bin" / "probe")
        shutil.copy(dist / "kubexit", self.folder / "bin" / "kubexit")
        shutil.copytree(dist / "kubexit-tree", self.folder / "tree")

    @contextlib.contextmanager
    def mounted(self, case: Case) -> Iterator[None]:
        """Mount what a case wants, and make the rest read-only."""
        mount("--bind", self.folder, self.folder)
        for place, options in case.mounts.items():
            mount("-t", "tmpfs", "-o", options or "mode=1777", "tmpfs", self.folder / place)
        for source, place in case.bind:
            mount("--bind", source, self.folder / place)
        if case.proc:
            mount("-t", "proc", "proc", self.folder / "proc")
        mount("-o", "remount,bind,ro", self.folder)
        try:
            yield
        finally:
            subprocess.run(["umount", "-R", str(self.folder)], check=True)

    def run(self, case: Case, *command: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command in the root; 60 s are for ever."""
        # files that are the same each time: what is told of descriptors can be compared
        told, said = self.outside / "stdout", self.outside / "stderr"
        with told.open("w+b") as stdout, said.open("w+b") as stderr, self.started(case, stdout, stderr, *command) as process:
            process.wait(timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, told.read_bytes(), said.read_bytes())

    @contextlib.contextmanager
    def started(self, case: Case, stdout: IO[bytes], stderr: IO[bytes], *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Give a command that runs in the root. It is killed in the end, if it still runs."""
        entries = os.memfd_create("entries", 0)
        os.write(entries, b"\0".join(case.entries + ENVIRONMENT) + b"\0")
        os.lseek(entries, 0, os.SEEK_SET)
        stage = [str(program("stage")), "--environment", str(entries), "--chroot", str(self.folder), *case.stage, "--", *command]
        with self.mounted(case):
            process = subprocess.Popen(stage, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, pass_fds=(entries, *case.keep))
            os.close(entries)
            try:
                yield process
            finally:
                process.kill()
                process.wait()


def mount(*words: object) -> None:
    """Call the program of that name."""
    subprocess.run(["mount", *map(str, words)], check=True)


class BrokenPromiseError(Exception):
    """What was made does not do what the promise says."""


def expect(fact: object, *details: object) -> None:
    """Insist on a fact."""
    if not fact:
        raise BrokenPromiseError("\n".join(f"                {detail}" for detail in details))


def same(root: Root, case: Case, form: str, *arguments: str) -> list[bytes]:
    """Insist that the test program is given the same with a form before it as without; give all that it told."""
    told = []
    for before in ((), (form,)):
        done = root.run(case, *before, PROBE, *arguments)
        expect(done.returncode == 0 and done.stdout, form, case, done.returncode, done.stdout[-500:], done.stderr[-2000:])
        told.append(done.stdout.splitlines())
    plain, supervised = ([line for line in lines if not line.startswith(OWN)] for lines in told)
    expect(plain == supervised, form, case, *sorted({*plain} ^ {*supervised}))
    return told[1]


def refused(root: Root, case: Case, *words: str) -> None:
    """Insist that the single file ends with 127 and one line that has the words in it."""
    done = root.run(case, SINGLE, PROBE)
    text = done.stderr.decode()
    expect(done.returncode == 127 and text.count("\n") == 1 and all(word in text for word in words), words, done)


@contextlib.contextmanager
def running(form: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Give a started supervisor whose child runs, outside of the empty root."""
    environment = {"PATH": os.defpath, "KUBEXIT_NAME": "check", **variables}
    command = [str(form), "sh", "-c", "echo started; read -r wait"]
    child = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with child:
        expect(child.stdout and child.stdout.readline() == b"started\n", "the child was not started")
        yield child
        child.communicate(b"\n", timeout=60)


def make_far(place: bytes, root: Root) -> None:
    """Copy both forms below a path that may be too long for one call."""
    start = os.getcwd()
    os.chdir("/")
    for part in place.strip(b"/").split(b"/"):
        with contextlib.suppress(FileExistsError):
            os.mkdir(part)
        os.chdir(part)
    shutil.copytree(root.folder / "tree", "tree")
    shutil.copy(root.folder / "bin" / "kubexit", "kubexit")
    os.chdir(start)
