"""`--install` against the kernel: a whole tree under the name that it was called by, and nothing that is there is touched."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from kubexit.commands import install as installing
from kubexit.linux.handover import Start
from linux.forks import become, call, in_a_process
from linux.graves import names
from linux.trees import FOLDER, TREES_FILES, facts, installed, run, tree

if TYPE_CHECKING:
    from pathlib import Path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts and other users need root")


@needs_root
@pytest.mark.parametrize("user", [0, 4711])
@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_tree_is_installed_whole_whatever_the_umask(tmp_path: Path, start: Start, umask: int, user: int) -> None:
    """Every file byte for byte, from the tree and from the single file; nothing else is left in the folder, which is made if need be."""
    tmp_path.chmod(0o777)

    @in_a_process
    def do() -> str:
        if user:
            become(user, tmp_path / "a")
        os.umask(umask)
        printed = run(start, tmp_path / "a" / "volume")
        assert os.umask(0) == umask
        return printed

    assert do() == str(tmp_path / "a" / "volume" / "kubexit")
    assert installed(tmp_path / "a" / "volume" / "kubexit") == TREES_FILES
    assert names(tmp_path / "a" / "volume") == [FOLDER, "kubexit"]
    assert [stat.S_IMODE((tmp_path / path).stat().st_mode) for path in ("a", "a/volume")] == [0o755, 0o755]


@pytest.mark.parametrize(
    ("argv0", "name"),
    [(b"koordinator", "koordinator"), (b"/a/b c", "b c"), (b"caf\xe9", "caf\udce9"), (b"", "kubexit"), (b"/bin/", "kubexit"), (b"..", "kubexit")],
)
def test_it_has_the_name_that_it_was_called_by(tmp_path: Path, start: Start, argv0: bytes, name: str) -> None:
    """Manifests count on a name; where there is none, it is kubexit."""
    called = Start(argv0, [], 0, 0, start.form, start.program)
    assert run(called, tmp_path / "volume") == f"{tmp_path}/volume/{name}"
    assert names(tmp_path / "volume") == sorted([FOLDER, name])
    assert installed(tmp_path / "volume" / name) == TREES_FILES


def test_a_tree_whose_program_has_another_name_is_installed(tmp_path: Path) -> None:
    """It is the one that was called."""
    start = tree(tmp_path / "from")
    (tmp_path / "from" / "kubexit").rename(tmp_path / "from" / "koordinator")
    run(Start(b"koordinator", [], 0, 0, start.form, start.program), tmp_path / "volume")
    assert installed(tmp_path / "volume" / "koordinator") == TREES_FILES


def test_folder_may_be_mounted_anywhere_afterwards(tmp_path: Path, start: Start) -> None:
    """The link is relative."""
    run(start, tmp_path / "volume")
    (tmp_path / "volume").rename(tmp_path / "elsewhere")
    assert installed(tmp_path / "elsewhere" / "kubexit") == TREES_FILES
    assert os.readlink(tmp_path / "elsewhere" / "kubexit") == f"{FOLDER}/kubexit"  # noqa: PTH115  the text is what matters


@needs_root
def test_what_is_there_and_whole_is_left_as_it_is(tmp_path: Path, start: Start) -> None:
    """Also where nothing may be written any more, by a user who may not."""
    (tmp_path / "volume").mkdir()

    @in_a_process
    def do() -> None:
        call("unshare", 0x20000)
        call("mount", b"none", b"/", None, 0x44000, None)
        call("mount", b"none", os.fsencode(tmp_path / "volume"), b"tmpfs", 0, b"mode=755")
        run(start, tmp_path / "volume")
        before = facts(tmp_path / "volume")
        run(start, tmp_path / "volume")
        call("mount", b"none", os.fsencode(tmp_path / "volume"), b"tmpfs", 0x21, b"mode=755")  # MS_REMOUNT, MS_RDONLY
        become(4711, tmp_path / "volume")
        assert run(start, tmp_path / "volume") == str(tmp_path / "volume" / "kubexit")
        assert facts(tmp_path / "volume") == before

    do()


@pytest.mark.parametrize("damage", ["cut", "changed", "missing", "mode", "folder", "link", "closed"])
def test_what_is_damaged_is_not_taken_for_whole(tmp_path: Path, start: Start, damage: str) -> None:
    """A node's crash may have cut files. Somebody may run it all the same, so it stays, and the tree is made anew beside it."""
    run(start, tmp_path / "volume")
    victim = tmp_path / "volume" / FOLDER / "lib" / "libc.so.6"
    content = victim.read_bytes()
    if damage == "closed":
        victim.parent.chmod(0o700)
    elif damage == "mode":
        victim.chmod(0o600)
    else:
        victim.unlink()
    if damage in ("cut", "changed"):
        victim.write_bytes(content[:-1] + (b"" if damage == "cut" else b"!"))
        victim.chmod(0o755)
    elif damage == "folder":
        victim.mkdir()
    elif damage == "link":
        victim.symlink_to("/dev/null")
    before = facts(tmp_path / "volume" / FOLDER)
    for _ in range(2):
        run(start, tmp_path / "volume")
        assert installed(tmp_path / "volume" / "kubexit") == TREES_FILES
        assert names(tmp_path / "volume") == [FOLDER, f"{FOLDER}.2", "kubexit"]
    assert facts(tmp_path / "volume" / FOLDER) == before


def test_an_older_version_stays_whole_beside_the_new_one(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be running, and about to start its helper. What the name led to changes by a rename: somebody always finds a program there."""
    link = tmp_path / "volume" / "kubexit"
    run(start, tmp_path / "volume")
    old = link.resolve()
    over = threading.Event()
    missed: list[OSError] = []

    def look() -> None:
        while not over.is_set():
            try:
                link.read_bytes()
            except OSError as error:  # pragma: no cover
                missed.append(error)

    looker = threading.Thread(target=look)
    looker.start()
    for number in range(20):
        monkeypatch.setattr(installing, "COMMIT", f"new{number}")
        run(start, tmp_path / "volume")
    over.set()
    looker.join()
    assert missed == []
    assert link.resolve().parent.name == ".kubexit-0.1.0-new19"
    assert old.read_bytes() == TREES_FILES["kubexit"]
    assert (old.parent / "lib" / "kubexit-helper").read_bytes() == TREES_FILES["lib/kubexit-helper"]


@pytest.mark.parametrize("old", ["file", "link", "dangling"])
def test_a_file_or_link_of_the_name_is_replaced(tmp_path: Path, start: Start, old: str) -> None:
    """A single file that `cp` has left there, or whatever; what a link led to stays."""
    (tmp_path / "volume").mkdir()
    (tmp_path / "victim").write_text("untouched")
    link = tmp_path / "volume" / "kubexit"
    if old == "file":
        link.write_text("an older kubexit")
    else:
        link.symlink_to("../victim" if old == "link" else "nowhere")
    run(start, tmp_path / "volume")
    assert installed(link) == TREES_FILES
    assert (tmp_path / "victim").read_text() == "untouched"
