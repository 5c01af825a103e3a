"""watch.py against the kernel: broken, hostile and foreign files, and a graveyard that is taken away."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from linux.forks import call, descriptors, in_a_process
from linux.graves import VANISHED, Observer, PeerProcess, stone

if TYPE_CHECKING:
    from pathlib import Path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts and devices need root")


@in_a_process
def test_a_broken_tombstone_is_told_once_and_ignored_until_it_changes(tmp_path: Path) -> None:
    """What was known of the peer stays; another kind of nonsense is told again; a good one counts at once."""
    (tmp_path / "main").write_text(stone())
    observer = Observer(tmp_path, "main")
    for _ in range(3):
        (tmp_path / "main").write_text("garbage")
        observer.look()
    assert len(observer.warnings) == 1
    assert f"tombstone {tmp_path}/main cannot be read and is ignored until it changes: no key and value in 'garbage'" in observer.warnings[0]
    (tmp_path / "main").write_text('Born: "half')
    observer.look()
    assert len(observer.warnings) == 2
    assert observer.states("main") == ["ready"]
    (tmp_path / "main").write_text(stone(died=True))
    observer.look()
    assert observer.states("main") == ["ready", "exited 0"]
    (tmp_path / "main").write_text('Born: "half')
    observer.look()
    assert len(observer.warnings) == 3


@in_a_process
def test_a_dead_peer_stays_dead_whatever_is_written_over_it(tmp_path: Path) -> None:
    """Garbage does not take a death back."""
    (tmp_path / "main").write_text(stone(died=True))
    observer = Observer(tmp_path, "main")
    (tmp_path / "main").write_bytes(b"\0\xff" * 100)
    observer.look()
    assert observer.states("main") == ["exited 0"]


def make_hostile(path: Path, kind: str) -> None:
    """Put something in the place of a tombstone."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link out":
        path.symlink_to("/etc/hostname")
    elif kind == "link to a stone":
        (path.parent / "other").write_text(stone(died=True))
        path.symlink_to("other")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "device":
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    elif kind == "large":
        path.write_text(stone(died=True) + "x" * 65_536)
    elif kind == "sparse":
        path.touch()
        os.truncate(path, 2**40)


KINDS = ["fifo", "folder", "link out", "link to a stone", "loop", "large", "sparse", pytest.param("device", marks=needs_root)]


@pytest.mark.parametrize("kind", KINDS)
@in_a_process
def test_nothing_in_the_place_of_a_tombstone_blocks_or_breaks_us(tmp_path: Path, kind: str) -> None:
    """Told once, ignored; other peers are seen all the same; and a tombstone that takes its place counts."""
    make_hostile(tmp_path / "main", kind)
    observer = Observer(tmp_path, "main", "db")
    observer.survey()
    assert len(observer.warnings) == 1
    assert "main cannot be read and is ignored" in observer.warnings[0]
    assert observer.peers == {}
    (tmp_path / "db").write_text(stone())
    observer.wait_until(lambda: "db" in observer.peers, "the other peer")
    (tmp_path / "new").write_text(stone(died=True))
    if kind == "folder":
        (tmp_path / "main").rmdir()
    (tmp_path / "new").rename(tmp_path / "main")
    observer.wait_until(lambda: "main" in observer.peers and observer.peers["main"].ended, "the real tombstone")


@pytest.mark.parametrize("kind", ["fifo", "folder", "link out", "loop", "sparse", pytest.param("device", marks=needs_root)])
@in_a_process
def test_nothing_in_the_place_of_a_lock_file_blocks_or_breaks_us(tmp_path: Path, kind: str) -> None:
    """It is no lock then: a free regular one alone says that somebody vanished."""
    make_hostile(tmp_path / ".main.lock", kind)
    (tmp_path / "main").write_text(stone())
    observer = Observer(tmp_path, "main")
    assert observer.states("main") == [VANISHED if kind == "sparse" else "ready"]


@in_a_process
def test_foreign_files_are_neither_listed_nor_opened(tmp_path: Path) -> None:
    """Thousands of them, written to all the time, cost nothing but their events."""
    (tmp_path / "foreign").write_text(stone(died=True))
    (tmp_path / ".foreign.lock").touch()
    fd = call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)
    for name in ("foreign", ".foreign.lock"):
        call("inotify_add_watch", fd, os.fsencode(tmp_path / name), 0x1 | 0x20)  # IN_ACCESS, IN_OPEN
    observer = Observer(tmp_path, "main")
    (tmp_path / "new").write_text("x")
    for number in range(1000):
        (tmp_path / f"other{number}").touch()
    (tmp_path / "main").write_text(stone())
    observer.wait_until(lambda: "main" in observer.peers, "the one that matters")
    with pytest.raises(BlockingIOError):
        os.read(fd, 4096)
    assert "Ignore tombstone new" in observer.traces
    assert [trace for trace in observer.traces if trace.startswith("Reading")] == ["Reading tombstone: main"]


@in_a_process
def test_only_what_changed_is_looked_at(tmp_path: Path) -> None:
    """With many dependencies a change of one is a look at one."""
    names = [f"peer{number}" for number in range(200)]
    for name in names:
        (tmp_path / name).write_text(stone())
    observer = Observer(tmp_path, *names)
    assert len(observer.peers) == 200
    observer.traces.clear()
    (tmp_path / "peer7").write_text(stone(died=True))
    assert [name for name, _ in observer.look()] == ["peer7"]
    assert observer.traces == ["Reading tombstone: peer7"]


@in_a_process
def test_names_of_any_bytes_are_watched(tmp_path: Path) -> None:
    """As KUBEXIT_NAME allows them."""
    names = ["with blank", "\udcff\udcfe", "\u65e5", "n" * 200, "a.lock", "-x", "~"]
    observer = Observer(tmp_path, *names)
    for name in names:
        (tmp_path / name).write_text(stone(died=True))
    observer.wait_until(lambda: len(observer.peers) == len(names), "all of them")


@in_a_process
def test_looking_leaves_nothing_open(tmp_path: Path) -> None:
    """However often, and whatever there is to look at."""
    (tmp_path / "main").write_text("garbage")
    (tmp_path / ".main.lock").touch()
    os.mkfifo(tmp_path / "fifo")
    observer = Observer(tmp_path, "main", "fifo", "missing")
    before = descriptors()
    for _ in range(100):
        observer.survey()
        (tmp_path / "main").touch()
        observer.look()
    assert descriptors() == before


@pytest.mark.parametrize("how", ["removed", "emptied"])
@in_a_process
def test_a_graveyard_that_is_taken_away_is_told_once(tmp_path: Path, how: str) -> None:
    """And nobody is taken for dead because of it."""
    path = tmp_path / "graveyard"
    path.mkdir()
    main = PeerProcess(path, "main")
    main.do("born")
    observer = Observer(path, "main", "db")
    for name in ("main", ".main.lock", ".observer.lock"):
        (path / name).unlink()
    if how == "removed":
        path.rmdir()
    observer.wait_until(lambda: bool(observer.warnings), "that it is gone")
    for _ in range(5):
        observer.look()
    (warning,) = observer.warnings
    assert str(path) in warning
    assert "main, db may not be seen any more" in warning
    assert not observer.peers["main"].ended
    main.kill()


@needs_root
@in_a_process
def test_an_unmounted_graveyard_is_told(tmp_path: Path) -> None:
    """Taken off the tree although we hold files of it (umount -l), and gone for good later: no harm in either."""
    call("unshare", 0x20000)
    call("mount", b"none", b"/", None, 0x44000, None)
    call("mount", b"none", os.fsencode(tmp_path), b"tmpfs", 0, None)
    (tmp_path / "main").write_text(stone())
    observer = Observer(tmp_path, "main")
    call("umount2", os.fsencode(tmp_path), 2)
    observer.look()
    observer.graveyard.record_birth()
    assert observer.states("main") == ["ready"]
