"""What both forms owe when they install themselves. Each docstring is the promise that its function checks."""
# ruff: noqa: D401  a promise is a sentence about the program

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from freeze.helper_promises import pod
from freeze.promises import ANYBODY, FORMS, NOEXEC, PROMISES
from freeze.root import PROBE, SINGLE, Case, expect, same
from support import processes
from support.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from freeze.root import Root

INSTALLED = "/far/anywhere/kubexit"
ON_A_NODE = {"gy": NOEXEC}
WATCHING = (b"KUBEXIT_DEATH_SOURCE=kubernetes", b"KUBEXIT_DEATH_DEPS=client")  # the helper stays as long as the child


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Give mode and content of all files below."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*")}
    return {name: (path.stat().st_mode, path.read_bytes() if path.is_file() else b"") for name, path in found.items()}


def made_by(root: Root, form: str) -> Path:
    """Have a form install itself into a new folder, in the empty root, as a user that nobody has heard of, under the worst umask."""
    folder = root.outside / f"volume-{Path(form).parent.name}"
    folder.mkdir()
    folder.chmod(0o777)
    done = root.run(Case(bind=((folder, "run"),), stage=("--umask", "777", *ANYBODY)), form, "--install", "/run/new/")
    expect(done.returncode == 0 and done.stdout == b"/run/new/kubexit\n" and not done.stderr, form, done)
    return folder / "new"


def the_same_tree(root: Root) -> None:
    """Both forms install the very tree that was made, byte for byte."""
    expected = files(root.dist / "kubexit-tree")
    for form in FORMS:
        made = files((made_by(root, form) / "kubexit").resolve().parent)
        expect(made == expected, form, *(name for name in expected.keys() | made.keys() if made.get(name) != expected.get(name)))


def in_an_empty_root(root: Root) -> None:
    """What was installed runs at another path, read-only, as another user, and the child gets what was given; the helper too."""
    for form in FORMS:
        volume = root.outside / f"volume-{Path(form).parent.name}" / "new"
        shutil.copytree(volume, root.folder / "far" / "anywhere", symlinks=True)
        try:
            same(root, Case(mounts=ON_A_NODE, stage=ANYBODY), INSTALLED, "a", "b c")
            with pod(root, ready=True) as (_, entries):
                same(root, Case(mounts=ON_A_NODE, entries=entries, stage=ANYBODY), INSTALLED)
        finally:
            shutil.rmtree(root.folder / "far" / "anywhere")


def helper_of(supervisor: int) -> int:
    """Give the pid of its helper program."""
    (helper,) = (pid for pid in processes.children(supervisor) if processes.status(pid)["Name"] == "kubexit-helper")
    return helper


@contextlib.contextmanager
def ended_with(supervisor: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill a supervisor in the end, and wait for its child and its helper, which die with it: they keep what is mounted busy."""
    try:
        yield
    finally:
        ends = [os.pidfd_open(pid) for pid in processes.children(supervisor.pid)]
        supervisor.kill()
        for end in ends:
            expect(select.select([end], [], [], 30)[0], "something lives on without its supervisor")
            os.close(end)


def over_one_that_runs(root: Root) -> None:
    """A tree that is installed over a single file that runs gives that the helper which it starts later."""
    volume = root.outside / "upgraded"
    volume.mkdir()
    shutil.copy(root.dist / "kubexit", volume / "kubexit")
    shutil.copy(program("actor"), volume / "actor")
    with pod(root, ready=True) as (server, entries), Path(os.devnull).open("wb") as null:
        case = Case(mounts=ON_A_NODE | {"tmp": ""}, entries=(*entries, *WATCHING), bind=((volume, "far"),))
        with root.started(case, null, null, "/far/kubexit", "/far/actor", "listen") as supervisor, ended_with(supervisor):
            server.wait_for_watch()
            subprocess.run([root.dist / "kubexit", "--install", volume], check=True, stdout=subprocess.DEVNULL)
            os.kill(helper_of(supervisor.pid), signal.SIGKILL)
            server.wait_for_requests(2, "watch")
            helper = helper_of(supervisor.pid)
            expect(f"{root.folder}/far/.kubexit-" in processes.read(f"/proc/{helper}/maps"), processes.read(f"/proc/{helper}/maps"))


def as_cp(root: Root) -> None:
    """Called cp, both forms copy in the empty root, as another user, links that are sources included."""
    volume = root.outside / "copies"
    volume.mkdir()
    volume.chmod(0o777)
    (root.folder / "bin" / "link").symlink_to("kubexit")
    for form in FORMS:
        case = Case(bind=((volume, "run"),), stage=("--argv0", "cp", "--umask", "777", *ANYBODY))
        done = root.run(case, form, "-pf", "/bin/link", PROBE, "/run")
        expect(done.returncode == 0 and not done.stdout and not done.stderr, form, done)
        expect((volume / "link").read_bytes() == (root.dist / "kubexit").read_bytes() and os.access(volume / "probe", os.X_OK), form)
    same(root, Case(bind=((volume, "run"),)), "/run/link")


def without_room(root: Root) -> None:
    """Where a volume has no room for it, it says so, and leaves nothing."""
    case = Case(mounts={"tmp": "", "gy": "size=16m"}, entries=())
    done = root.run(case, SINGLE, "--install", "/gy")
    expect(done.returncode == 1 and b"No space left" in done.stderr and b"MB" in done.stderr and done.stderr.count(b"\n") == 1, done)


def add() -> None:
    """Put them on the list of promises."""
    PROMISES.extend((the_same_tree, in_an_empty_root, over_one_that_runs, as_cp, without_room))
