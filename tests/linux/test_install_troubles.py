"""`--install` where others are at it too, where it is killed, and where it cannot be done."""

from __future__ import annotations

import os
import posix
import shutil
import signal
from typing import TYPE_CHECKING, Any

import pytest

from kubexit.commands import install as installing
from kubexit.linux.handover import SOURCE, Start
from linux.forks import Process, become, call, in_a_process
from linux.graves import names
from linux.trees import FOLDER, SIZE, TREES_FILES, installed, refused, run, single, tree

if TYPE_CHECKING:
    from pathlib import Path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts and other users need root")


@needs_root
def test_a_dozen_of_several_users_at_once_need_the_room_of_one(tmp_path: Path, start: Start) -> None:
    """In a volume as emptyDir has it, open to all: each is content, and there is one tree."""
    (tmp_path / "volume").mkdir()
    for path in (tmp_path, tmp_path / "from"):
        if path.exists():
            path.chmod(0o755)

    @in_a_process
    def do() -> None:
        call("unshare", 0x20000)
        call("mount", b"none", b"/", None, 0x44000, None)
        call("mount", b"none", os.fsencode(tmp_path / "volume"), b"tmpfs", 0, b"mode=777,size=%d" % (SIZE * 3 // 2 + 65536))

        def one(user: int) -> str:
            become(user, tmp_path / "volume")
            return run(start, tmp_path / "volume")

        racers = [Process(lambda user=user: one(user)) for user in (4711, 4712, 4713) * 4]
        assert {racer.result() for racer in racers} == {str(tmp_path / "volume" / "kubexit")}
        assert installed(tmp_path / "volume" / "kubexit") == TREES_FILES
        assert names(tmp_path / "volume") == [FOLDER, "kubexit"]

    do()


def test_where_there_are_no_locks_a_dozen_at_once_are_safe(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network volumes have none: they meet when they rename what they made."""

    def no_locks(*_: Any) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(installing, "flock", no_locks)
    for number in range(5):
        folder = tmp_path / f"volume{number}"
        racers = [Process(lambda folder=folder: run(start, folder)) for _ in range(12)]
        assert {racer.result() for racer in racers} == {str(folder / "kubexit")}
        assert installed(folder / "kubexit") == TREES_FILES
        assert names(folder) == [FOLDER, "kubexit"]


@needs_root
@in_a_process
def test_a_folder_that_may_not_be_listed_is_no_hindrance(tmp_path: Path, start: Start) -> None:
    """Then there is no lock to be had, but names can be made."""
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume").chmod(0o733)
    become(4711, tmp_path / "volume")
    run(start, tmp_path / "volume")
    assert installed(tmp_path / "volume" / "kubexit") == TREES_FILES


def test_what_a_killed_one_has_left_is_removed(tmp_path: Path, start: Start) -> None:
    """Or a restarted container would fill the volume. No link is followed, and nothing of another name is touched."""
    volume, victim = tmp_path / "volume", tmp_path / "victim"
    victim.mkdir()
    (victim / "file").touch()
    (volume / ".kubexit-0123.new" / "lib").mkdir(parents=True)
    (volume / ".kubexit-0123.new" / "lib" / "libc.so.6").write_text("half")
    (volume / ".kubexit-0123.new" / "link").symlink_to(victim)
    (volume / ".kubexit-4567.new").symlink_to(victim)
    for name in ("kubexit.new", ".kubexit-old"):
        (volume / name).mkdir()
    run(start, volume)
    assert names(volume) == sorted([FOLDER, ".kubexit-old", "kubexit", "kubexit.new"])
    assert names(victim) == ["file"]


class Mortal:
    """The module posix, with which a process lives for so many calls."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(posix, name)
        if not callable(found):
            return found
        self.calls -= 1
        if not self.calls:
            posix.kill(posix.getpid(), signal.SIGKILL)
        return found


def test_killed_at_any_instant_it_leaves_what_was_there(tmp_path: Path, start: Start) -> None:
    """Before each of its calls: the name leads to the old version or to the new one; and the next one succeeds."""
    killed = 0
    while True:
        volume = tmp_path / f"volume{killed}"
        volume.mkdir()
        (volume / "kubexit").write_text("old")

        def live(calls: int = killed + 1, volume: Path = volume) -> None:
            vars(installing)["posix"] = Mortal(calls)
            run(start, volume)

        status = Process(live).end()
        assert (volume / "kubexit").read_bytes() in (b"old", TREES_FILES["kubexit"])
        run(start, volume)
        assert installed(volume / "kubexit") == TREES_FILES
        assert names(volume) == [FOLDER, "kubexit"]
        if not os.WIFSIGNALED(status):
            break
        killed += 1
    assert killed > 40


@needs_root
@in_a_process
def test_a_volume_without_room_is_left_as_it_was(tmp_path: Path, start: Start) -> None:
    """The message says how much it takes."""
    call("unshare", 0x20000)
    call("mount", b"none", b"/", None, 0x44000, None)
    volume = tmp_path / "volume"
    volume.mkdir()
    call("mount", b"none", os.fsencode(volume), b"tmpfs", 0, b"size=40k,mode=755")
    (volume / "kubexit").write_text("old")
    assert f"cannot install into {volume}: No space left on device; make room there, or give the volume more; I take 1 MB" in refused(start, volume)
    assert names(volume) == ["kubexit"]
    assert (volume / "kubexit").read_text() == "old"


@needs_root
@in_a_process
def test_a_user_without_the_right_is_told_so(tmp_path: Path, start: Start) -> None:
    """With the number, since a container's manifest has that."""
    (tmp_path / "volume").mkdir()
    become(4711, tmp_path / "volume")
    assert "Permission denied; user 4711 needs the right" in refused(start, tmp_path / "volume")
    assert "Permission denied; user 4711 needs the right" in refused(start, tmp_path / "new")


def test_a_folder_that_cannot_be_one_is_named(tmp_path: Path, start: Start) -> None:
    """A file in its place, a folder in the program's, a place where nothing can be made."""
    (tmp_path / "file").touch()
    (tmp_path / "volume" / "kubexit").mkdir(parents=True)
    for place, words in (("file", "Not a directory"), ("file/folder", "Not a directory"), ("volume", "Is a directory")):
        assert f"cannot install into {tmp_path / place}: {words}" in refused(start, tmp_path / place)
    assert names(tmp_path / "volume") == [FOLDER, "kubexit"]
    assert "cannot install into /proc/kubexit" in refused(start, type(tmp_path)("/proc/kubexit"))


def test_a_damaged_single_file_installs_nothing(tmp_path: Path) -> None:
    """Wherever it was cut, and whatever stands in its headers: a refusal, and no folder."""
    whole = single(tmp_path / "single")
    content = (tmp_path / "single").read_bytes()
    damaged = [content[:length] for length in range(0, len(content), 997)]
    damaged += [content[:at] + b"\xff" * 8 + content[at + 8 :] for at in (0, 40, 58, 60, 62, len(content) - 40, len(content) - 32)]
    begin = content.index(b"both/.staticx.interp")
    for at, field in ((100, b"zzzzzzz"), (124, b"zzzzzzz"), (124, b"0077777"), (156, b"5")):
        damaged.append(content[: begin + at] + field + content[begin + at + len(field) :])
    for each in damaged:
        (tmp_path / "single").write_bytes(each)
        assert f"cannot read myself at {tmp_path}/single" in refused(whole, tmp_path / "volume")
    assert not (tmp_path / "volume").exists()


def test_files_of_ours_that_are_gone_are_named(tmp_path: Path) -> None:
    """The path of the start may be no more."""
    for start, gone in ((tree(tmp_path / "from"), tmp_path / "from"), (single(tmp_path / "single"), tmp_path / "single")):
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
        assert "cannot read myself at" in refused(start, tmp_path / "volume")


def test_the_source_form_is_refused(tmp_path: Path) -> None:
    """There is nothing frozen to be copied."""
    assert "from source" in refused(Start(b"kubexit", [], 0, 0, SOURCE, b"/usr/bin/python3"), tmp_path / "volume")
