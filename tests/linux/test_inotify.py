"""linux/inotify.py against the kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

import pytest

from kubexit.linux.inotify import DirectoryWatch
from linux.forks import become, call, descriptors, in_a_process, wait_readable

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts and other users need root")
CLONE_NEWNS, MS_PRIVATE_RECURSIVE = 0x20000, 0x44000


class Watched:
    """A folder with a watch on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.watch = DirectoryWatch(os.fsencode(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.close()

    def names(self) -> set[bytes]:
        """Give what was heard since the last time; nothing else must have happened."""
        changes = self.watch.read()
        assert not changes.overflowed
        assert not changes.lost
        return changes.names


def test_a_file_written_in_place_is_heard(tmp_path: Path) -> None:
    """As Go kubexits write: open, truncate, write, close."""
    with Watched(tmp_path) as folder:
        (tmp_path / "main").write_text("Born: now")
        assert folder.names() == {b"main"}
        (tmp_path / "main").write_text("Died: now")
        assert folder.names() == {b"main"}


def test_a_file_renamed_into_place_is_heard_under_its_new_name(tmp_path: Path) -> None:
    """As we write."""
    (tmp_path / ".main.new").write_text("Born: now")
    with Watched(tmp_path) as folder:
        (tmp_path / ".main.new").rename(tmp_path / "main")
        assert folder.names() == {b"main"}


def test_a_file_that_is_removed_is_heard(tmp_path: Path) -> None:
    """As a restart removes its old tombstone."""
    (tmp_path / "main").touch()
    with Watched(tmp_path) as folder:
        (tmp_path / "main").unlink()
        assert folder.names() == {b"main"}


def test_a_lock_file_that_its_holder_closes_is_heard(tmp_path: Path) -> None:
    """However it comes to be closed; without a byte written."""
    (tmp_path / ".main.lock").touch()
    fd = os.open(tmp_path / ".main.lock", os.O_RDWR)
    with Watched(tmp_path) as folder:
        assert folder.names() == set()
        os.close(fd)
        assert folder.names() == {b".main.lock"}


def test_what_was_closed_is_told_from_what_was_not(tmp_path: Path) -> None:
    """Only the closing of a lock file can mean that it is let go of; a new one that is put into place means nothing of the kind."""
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    with Watched(tmp_path) as folder:
        (tmp_path / "a").rename(tmp_path / "c")
        (tmp_path / "b").write_text("x")
        changes = folder.watch.read()
        assert (changes.names, changes.closed) == ({b"b", b"c"}, {b"b"})


def test_looking_is_not_heard(tmp_path: Path) -> None:
    """What we do ourselves must not wake us: reading, asking for attributes, opening for reading."""
    (tmp_path / "main").write_text("x")
    with Watched(tmp_path) as folder:
        (tmp_path / "main").read_text()
        (tmp_path / "main").stat()
        list(tmp_path.iterdir())
        (tmp_path / "main").chmod(0o600)
        assert folder.names() == set()


def test_names_are_bytes_of_any_kind(tmp_path: Path) -> None:
    """With and without padding, up to the longest that there is."""
    names = {b"a", b"\xff\xfe", b"n" * 15, b"n" * 16, b"n" * 255, "\u65e5".encode(), b"with blank", b"new\nline"}
    with Watched(tmp_path) as folder:
        for name in names:
            os.close(os.open(os.fsencode(tmp_path) + b"/" + name, os.O_CREAT | os.O_WRONLY))
        assert folder.names() == names


def test_many_changes_of_one_file_are_one(tmp_path: Path) -> None:
    """A flood costs one look."""
    with Watched(tmp_path) as folder:
        for number in range(100):
            (tmp_path / "main").write_text(str(number))
            (tmp_path / f"other{number % 3}").touch()
        assert folder.names() == {b"main", b"other0", b"other1", b"other2"}
        assert folder.names() == set()


def test_more_than_one_read_can_take_is_not_lost(tmp_path: Path) -> None:
    """The descriptor stays readable."""
    names = {f"{number:0200d}".encode() for number in range(1000)}
    with Watched(tmp_path) as folder:
        for name in names:
            (tmp_path / name.decode()).touch()
        heard = set()
        while batch := folder.names():
            heard |= batch
        assert heard == names


def test_an_overflow_is_told(tmp_path: Path) -> None:
    """The kernel drops what is over its limit (fs.inotify.max_queued_events) and says so; then all has to be looked at."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    with Watched(tmp_path) as folder:
        for _ in range(limit // 2 + 1):  # two names in turn: equal events in a row would become one
            os.close(os.open(tmp_path / "a", os.O_WRONLY))
            os.close(os.open(tmp_path / "b", os.O_WRONLY))
        overflowed = False
        while (changes := folder.watch.read()).names or changes.overflowed:
            overflowed |= changes.overflowed
            assert not changes.lost
        assert overflowed


def test_a_folder_that_is_removed_is_told(tmp_path: Path) -> None:
    """Nothing more will be heard, and nothing is heard twice."""
    path = tmp_path / "graveyard"
    path.mkdir()
    with Watched(path) as folder:
        path.rmdir()
        assert folder.watch.read().lost
        changes = folder.watch.read()
        assert (changes.names, changes.lost) == (set(), False)


def test_a_folder_that_is_renamed_is_still_heard(tmp_path: Path) -> None:
    """The watch is on the folder, whatever its name; so is our descriptor of it."""
    path, other = tmp_path / "graveyard", tmp_path / "other"
    path.mkdir()
    with Watched(path) as folder:
        path.rename(other)
        (other / "main").touch()
        assert folder.names() == {b"main"}


@needs_root
@in_a_process
def test_a_folder_that_is_unmounted_is_told(tmp_path: Path) -> None:
    """As when a volume is taken away."""
    call("unshare", CLONE_NEWNS)
    call("mount", b"none", b"/", None, MS_PRIVATE_RECURSIVE, None)
    call("mount", b"none", os.fsencode(tmp_path), b"tmpfs", 0, None)
    with Watched(tmp_path) as folder:
        call("umount", os.fsencode(tmp_path))
        wait_readable(folder.watch.fd, "the news of the unmount")
        assert folder.watch.read().lost


def test_it_does_not_block_and_is_not_inherited(tmp_path: Path) -> None:
    """Nothing to read is no news; the child never sees the descriptor."""
    with Watched(tmp_path) as folder:
        assert not os.get_inheritable(folder.watch.fd)
        assert not os.get_blocking(folder.watch.fd)
        assert folder.names() == set()
        (tmp_path / "x").touch()
        wait_readable(folder.watch.fd, "an event")


@pytest.mark.parametrize(("name", "error"), [("missing", FileNotFoundError), ("file", NotADirectoryError)])
def test_a_watch_that_cannot_be_had_leaves_nothing_open(tmp_path: Path, name: str, error: type[OSError]) -> None:
    """An error, and no descriptor."""
    (tmp_path / "file").touch()
    before = descriptors()
    with pytest.raises(error):
        DirectoryWatch(os.fsencode(tmp_path / name))
    assert descriptors() == before


@needs_root
@in_a_process
def test_the_limit_of_instances_is_an_error_that_can_be_told_from_others(tmp_path: Path) -> None:
    """EMFILE: fs.inotify.max_user_instances, counted for each user of the node. With a user of our own, so that nobody else is disturbed."""
    become(54321, tmp_path / "x")
    with pytest.raises(OSError, match="Too many open files") as error:
        _ = [DirectoryWatch(os.fsencode(tmp_path)) for _ in range(100_000)]
    assert error.value.errno == 24


def test_a_closed_watch_is_closed_once(tmp_path: Path) -> None:
    """Its number may belong to another file by then."""
    watch = DirectoryWatch(os.fsencode(tmp_path))
    number = watch.fd
    watch.close()
    assert watch.fd == watch.fileno() == -1
    reader, writer = os.pipe()
    assert number in (reader, writer)
    watch.close()
    os.close(reader)
    os.close(writer)
