"""What a kubexit does besides supervising: it copies itself (`cp`) and installs itself (`--install`), as init containers ask for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support import koordinators

if TYPE_CHECKING:
    from support.supervisors import Supervisor
    from support.world import World

NOTHING_TO_INSTALL = "there is nothing frozen that could be installed"
NAMELESS = "the interpreter has a name of its own, and its argv[0] says where its library is"
ANYBODY = ("--user", "65534")


def said(supervisor: Supervisor) -> str:
    """Wait for its good end, and give what it wrote."""
    assert supervisor.end() == 0, supervisor.logged_so_far()
    assert supervisor.err is not None
    assert supervisor.err.all() == ""
    assert supervisor.out is not None
    return supervisor.out.all()


def complaint(supervisor: Supervisor, status: int = 1) -> str:
    """Wait for its bad end, and give the one line that it said."""
    assert supervisor.end() == status
    assert supervisor.err is not None
    text = supervisor.err.all()
    assert text.count("\n") == 1
    assert supervisor.out is not None
    assert supervisor.out.all() == ""
    return text


def install(world: World, folder: Path, *, user: bool = False) -> Path:
    """Install as an init container does; give the path that is printed."""
    stage = ("--umask", "777", *ANYBODY) if user else ()
    return Path(said(world.run(["--install", str(folder)], stage=stage)).removesuffix("\n"))


# ── --install ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.frozen_only(NOTHING_TO_INSTALL)
@pytest.mark.parametrize("user", [False, True])
def test_what_is_installed_supervises(world: World, user: bool) -> None:
    """Under any umask, as any user, and it is the fast form, which needs no place to unpack to."""
    installed = install(world, world.shared / "bin", user=user)
    assert installed == world.shared / "bin" / "kubexit"
    assert said(world.run(["--version"], kubexit=[str(installed)])).endswith(", tree)\n")
    for stage in ((), ANYBODY):
        main = world.start("main", "exit 7", kubexit=[str(installed)], stage=stage, TMPDIR="/nowhere")
        assert main.end() == 7


@pytest.mark.frozen_only(NOTHING_TO_INSTALL)
def test_volume_may_be_mounted_elsewhere_and_read_only(world: World) -> None:
    """Another container sees it at another path."""
    install(world, world.shared / "bin")
    other = world.root / "other"
    other.mkdir()
    stage = ["--mounts", "--bind", str(world.shared / "bin"), str(other), "--readonly", str(other), *ANYBODY]
    assert world.start("main", "exit 3", kubexit=[str(other / "kubexit")], stage=stage).end() == 3


@pytest.mark.frozen_only(NOTHING_TO_INSTALL)
def test_what_was_installed_installs_itself(world: World) -> None:
    """The tree form has all that it takes, and makes the same of it."""
    first = install(world, world.shared / "a")
    second = Path(said(world.run(["--install", str(world.shared / "b")], kubexit=[str(first)])).removesuffix("\n"))
    trees = [path.resolve().parent for path in (first, second)]
    contents = [{path.relative_to(tree): path.read_bytes() for path in tree.rglob("*") if path.is_file()} for tree in trees]
    assert contents[0] == contents[1]
    assert world.start("main", "exit 3", kubexit=[str(second)]).end() == 3


@pytest.mark.frozen_only(NOTHING_TO_INSTALL)
def test_it_is_installed_under_the_name_that_it_is_called_by(world: World) -> None:
    """Koordinator's manifests count on /koordinator/koordinator, and there it is koordinator."""
    folder = world.shared / "koordinator"
    assert said(world.run(["--install", str(folder)], stage=["--argv0", "koordinator"])) == f"{folder}/koordinator\n"
    assert koordinators.start(world, None, "exit 7", kubexit=[str(folder / "koordinator")]).end() == 7


@pytest.mark.frozen_only(NOTHING_TO_INSTALL)
def test_a_dozen_install_at_once(world: World) -> None:
    """Over what runs there, which runs on."""
    folder = world.shared / "bin"
    running = world.start("running", "listen", kubexit=[str(install(world, folder))])
    running.ready()
    installers = [world.run(["--install", str(folder)]) for _ in range(12)]
    assert {said(installer) for installer in installers} == {f"{folder}/kubexit\n"}
    assert len(list(folder.iterdir())) == 2
    assert not running.ended
    running.kill()


@pytest.mark.parametrize("words", [[], [""], ["a", "b"]])
def test_install_wants_one_folder(world: World, words: list[str]) -> None:
    """Status 2, as for any mistake on the command line, and nothing is made."""
    assert "kubexit --install DIR" in complaint(world.run(["--install", *words]), 2)
    assert not (world.root / "a").exists()


def test_a_folder_that_cannot_be_had_is_refused(world: World) -> None:
    """Status 1, and the cause."""
    text = complaint(world.run(["--install", "/proc/kubexit"]))
    assert ("/proc/kubexit: " if world.installation.frozen else "from source") in text


# ── cp ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.frozen_only(NAMELESS)
def test_it_is_cp_by_its_name(world: World) -> None:
    """The manifests of the originals say `cp /bin/kubexit /kubexit/kubexit`, in an image where all names are links to kubexit."""
    program = world.shared / "program"
    shutil.copy(world.installation.actor, program)
    (world.shared / "link").symlink_to("program")
    for argv0 in ("cp", "/bin/cp"):
        words = ["-pf", str(world.shared / "link"), str(world.shared / "copy")]
        assert said(world.run(words, stage=["--argv0", argv0, "--umask", "777"])) == ""
        assert (world.shared / "copy").read_bytes() == program.read_bytes()
        assert not (world.shared / "copy").is_symlink()
        assert os.access(world.shared / "copy", os.X_OK)


@pytest.mark.frozen_only(NAMELESS)
def test_cp_says_what_is_wrong(world: World) -> None:
    """Status 1 and one line; no variable of ours counts, and no tombstone is written."""
    for words, wrong in (
        (["-r", "a", "b"], "unknown option -r"),
        (["/etc", "b"], "/etc is a folder"),
        (["missing", "b"], "cannot read missing: No such"),
    ):
        text = complaint(world.run(words, stage=["--argv0", "cp"], name="main", KUBEXIT_DISABLED="nonsense"))
        assert text.startswith(f"cp: {wrong}")
    assert list(world.graveyard.path.iterdir()) == []
