"""linux/files.py against the kernel: what others may have put into the folder, and files that are never seen half."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from kubexit.linux import files
from kubexit.linux.inotify import DirectoryWatch
from linux.forks import Process, Talk, call, descriptors, in_a_process
from linux.graves import names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 65_536
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="devices, mounts and other users need root")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[int]:
    """Give a folder by descriptor, as the graveyard has it."""
    fd = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    yield fd
    os.close(fd)


def make_other_kinds(path: Path) -> list[bytes]:
    """Put everything into a folder that is not a regular file; give the names."""
    (path / "folder").mkdir()
    (path / "target").write_text("Died: now")
    (path / "link").symlink_to("target")
    (path / "dangling").symlink_to("nowhere")
    (path / "loop").symlink_to("loop")
    os.mkfifo(path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path / "socket"))
    if os.geteuid() == 0:
        os.mknod(path / "device", 0o666 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero: endless
    return [os.fsencode(entry.name) for entry in path.iterdir() if entry.name != "target"]


def test_reads_regular_files_up_to_the_limit(directory: int, tmp_path: Path) -> None:
    """Whole, empty ones too; None where there is none."""
    for size in (0, 1, LIMIT):
        (tmp_path / "stone").write_bytes(b"x" * size)
        assert files.read_regular(directory, b"stone", LIMIT) == b"x" * size
    assert files.read_regular(directory, b"missing", LIMIT) is None


def test_reads_nothing_larger(directory: int, tmp_path: Path) -> None:
    """Not even a file of one tebibyte, of which there is nothing on the disk; and it takes no memory for it."""
    (tmp_path / "stone").write_bytes(b"x" * (LIMIT + 1))
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 2**40)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in (b"stone", b"sparse"):
        with pytest.raises(OSError, match="larger than 65536 bytes"):
            files.read_regular(directory, name, LIMIT)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # KiB


def test_touches_nothing_but_regular_files(directory: int, tmp_path: Path) -> None:
    """A FIFO would block us, a device is endless, a link leads out of the folder: an error for each, at once."""
    for name in make_other_kinds(tmp_path):
        for touch in (files.require_regular, lambda directory, name: files.read_regular(directory, name, LIMIT)):
            with pytest.raises(OSError, match="not a regular file") as error:
                touch(directory, name)
            assert error.value.errno == errno.EINVAL
            assert error.value.filename in (name, None)


def test_reading_does_not_open_a_fifo(directory: int, tmp_path: Path) -> None:
    """A writer that waits for a reader goes on waiting: looked at first, opened then."""
    os.mkfifo(tmp_path / "fifo")

    def write(talk: Talk) -> None:
        talk.say("soon")
        os.open(tmp_path / "fifo", os.O_WRONLY)
        talk.say("somebody opened it")

    writer = Process(write, talks=True)
    assert writer.talk.hear() == "soon"
    for _ in range(100):
        with pytest.raises(OSError, match="not a regular file"):
            files.read_regular(directory, b"fifo", LIMIT)
    fd = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)  # now it may go on: that was us
    assert writer.talk.hear() == "somebody opened it"
    os.close(fd)
    writer.kill()


def test_a_file_that_becomes_something_else_between_the_look_and_the_opening_is_not_read(
    directory: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever swaps it in that moment wins nothing."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/hostname")
    monkeypatch.setattr(files, "require_regular", lambda _directory, _name: True)
    for name in (b"fifo", b"link"):
        with pytest.raises(OSError, match="not a regular file"):
            files.read_regular(directory, name, LIMIT)
    assert files.read_regular(directory, b"gone", LIMIT) is None


def test_looking_leaves_nothing_open(directory: int, tmp_path: Path) -> None:
    """Neither a good file nor a bad one."""
    (tmp_path / "stone").write_bytes(b"x" * (LIMIT + 1))
    (tmp_path / "folder").mkdir()
    before = descriptors()
    for name in (b"stone", b"folder", b"missing"):
        for limit in (1, 2 * LIMIT):
            try:
                files.read_regular(directory, name, limit)
            except OSError:
                continue
    files.replace(directory, b"a", b".a.new", b"x")
    with pytest.raises(IsADirectoryError):
        files.replace(directory, b"folder", b".a.new", b"x")
    assert descriptors() == before


def test_a_name_is_there_or_not(directory: int, tmp_path: Path) -> None:
    """Whatever it is; a dangling link is something as well."""
    for name in make_other_kinds(tmp_path):
        assert files.is_there(directory, name)
    assert not files.is_there(directory, b"missing")


@pytest.mark.parametrize("umask", [0, 0o022, 0o077, 0o777])
def test_a_written_file_is_readable_by_all_whatever_the_umask(directory: int, tmp_path: Path, umask: int) -> None:
    """Mode 0644: other containers run as other users."""

    @in_a_process
    def write() -> None:
        os.umask(umask)
        files.replace(directory, b"stone", b".stone.new", b"content")
        assert os.umask(0) == umask

    write()
    assert (tmp_path / "stone").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "stone").stat().st_mode) == 0o644
    assert names(tmp_path) == ["stone"]


def test_readers_see_the_old_file_or_the_new_one(directory: int, tmp_path: Path) -> None:
    """Never half of one, never none: while one process replaces it hundreds of times, another reads."""
    contents = [bytes([letter]) * 5000 for letter in b"abcdefgh"]
    (tmp_path / "stone").write_bytes(contents[0])

    def write() -> None:
        for number in range(400):
            files.replace(directory, b"stone", b".stone.new", contents[number % len(contents)])

    writer = Process(write)
    seen = {files.read_regular(directory, b"stone", LIMIT) for _ in range(2000)}
    writer.result()
    assert seen <= set(contents)


def test_writing_never_follows_a_link(directory: int, tmp_path: Path) -> None:
    """Neither under the final name nor under the temporary one."""
    (tmp_path / "victim").write_text("untouched")
    for name in ("stone", ".stone.new"):
        (tmp_path / name).symlink_to("victim")
        files.replace(directory, b"stone", b".stone.new", b"content")
        assert (tmp_path / "victim").read_text() == "untouched"
        assert (tmp_path / "stone").read_text() == "content"
        assert not (tmp_path / "stone").is_symlink()
        (tmp_path / "stone").unlink()


def test_watchers_are_woken_by_the_final_name_only(directory: int, tmp_path: Path) -> None:
    """A temporary name means nothing to them, and each would be woken for it."""
    watch = DirectoryWatch(os.fsencode(tmp_path))
    files.replace(directory, b"stone", b".stone.new", b"content")
    assert watch.read().names == {b"stone"}
    watch.close()


def test_what_a_killed_writer_left_is_in_nobody_s_way(directory: int, tmp_path: Path) -> None:
    """A half-written temporary file."""
    (tmp_path / ".stone.new").write_text("half")
    files.replace(directory, b"stone", b".stone.new", b"whole")
    assert (tmp_path / "stone").read_text() == "whole"


def test_a_file_that_does_not_fit_leaves_the_old_one(directory: int, tmp_path: Path) -> None:
    """A full volume: nothing half is put in place, nothing temporary stays."""
    (tmp_path / "stone").write_text("old")

    @in_a_process
    def write() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        for limit in (0, 100):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            with pytest.raises(OSError, match="File too large"):
                files.replace(directory, b"stone", b".stone.new", b"x" * 200)

    write()
    assert (tmp_path / "stone").read_text() == "old"
    assert names(tmp_path) == ["stone"]


@needs_root
@in_a_process
def test_a_full_volume_is_an_error(tmp_path: Path) -> None:
    """ENOSPC, on a file system of a few pages."""
    call("unshare", 0x20000)
    call("mount", b"none", b"/", None, 0x44000, None)
    call("mount", b"none", os.fsencode(tmp_path), b"tmpfs", 0, b"size=8k")
    directory = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    files.replace(directory, b"stone", b".stone.new", b"old")
    with pytest.raises(OSError, match="No space left") as error:
        files.replace(directory, b"stone", b".stone.new", b"x" * 8000)
    assert error.value.errno == errno.ENOSPC
    assert names(tmp_path) == ["stone"]
    assert (tmp_path / "stone").read_text() == "old"


def test_a_folder_in_the_way_is_an_error(directory: int, tmp_path: Path) -> None:
    """And stays what it is."""
    (tmp_path / "stone").mkdir()
    with pytest.raises(IsADirectoryError):
        files.replace(directory, b"stone", b".stone.new", b"x")
    assert names(tmp_path) == ["stone"]


def test_removing_what_is_not_there_is_no_error(directory: int, tmp_path: Path) -> None:
    """But removing a folder is."""
    (tmp_path / "file").touch()
    files.remove(directory, b"file")
    files.remove(directory, b"file")
    assert not (tmp_path / "file").exists()
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        files.remove(directory, b"folder")


def test_renames_only_onto_a_free_name(directory: int, tmp_path: Path) -> None:
    """A lock file that another one has put there first is never replaced."""
    (tmp_path / "a").write_text("first")
    assert files.rename_if_free(directory, b"a", b"lock")
    (tmp_path / "b").write_text("second")
    assert not files.rename_if_free(directory, b"b", b"lock")
    assert (tmp_path / "lock").read_text() == "first"
    assert (tmp_path / "b").exists()
    (tmp_path / "dangling").symlink_to("nowhere")
    assert not files.rename_if_free(directory, b"b", b"dangling")
    with pytest.raises(FileNotFoundError):
        files.rename_if_free(directory, b"missing", b"free")


@pytest.mark.parametrize("umask", [0, 0o022, 0o077, 0o777])
def test_a_folder_that_is_made_is_open_to_all_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """Mode 0777 for it, 0755 for those above it; the umask is what it was, for it is the child's."""

    @in_a_process
    def make() -> None:
        os.umask(umask)
        assert files.make_directory(os.fsencode(tmp_path / "a" / "b" / "graveyard"))
        assert not files.make_directory(os.fsencode(tmp_path / "a" / "b" / "graveyard"))
        assert os.umask(0) == umask

    make()
    modes = [stat.S_IMODE((tmp_path / path).stat().st_mode) for path in ("a", "a/b", "a/b/graveyard")]
    assert modes == [0o755, 0o755, 0o777]


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    """Its mode is its owner's affair, also of one that a link leads to."""
    (tmp_path / "graveyard").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("graveyard")
    assert not files.make_directory(os.fsencode(tmp_path / "graveyard"))
    assert not files.make_directory(os.fsencode(tmp_path / "link"))
    assert stat.S_IMODE((tmp_path / "graveyard").stat().st_mode) == 0o700


@pytest.mark.parametrize(("path", "error"), [("file/graveyard", NotADirectoryError), ("file/a/graveyard", NotADirectoryError)])
def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, path: str, error: type[OSError]) -> None:
    """A file in the way."""
    (tmp_path / "file").touch()
    with pytest.raises(error):
        files.make_directory(os.fsencode(tmp_path / path))


def test_where_nothing_can_be_made_though_it_is_there_is_an_error() -> None:
    """In /proc: no such file, and the folder above is there."""
    with pytest.raises(FileNotFoundError):
        files.make_directory(b"/proc/a/graveyard")
    with pytest.raises(FileNotFoundError):
        files.make_directory(b"/proc/graveyard")


@in_a_process
def test_a_relative_folder_is_made_where_we_are(tmp_path: Path) -> None:
    """Also where we are is no more."""
    os.chdir(tmp_path)
    assert files.make_directory(b"a/graveyard")
    assert (tmp_path / "a" / "graveyard").is_dir()
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(FileNotFoundError):
        files.make_directory(b"graveyard")


def test_many_make_the_same_folder_at_once(tmp_path: Path) -> None:
    """Exactly one of them has made it, and none fails."""
    for number in range(20):
        path = os.fsencode(tmp_path / str(number) / "deep" / "graveyard")
        racers = [Process(lambda path=path: files.make_directory(path)) for _ in range(3)]
        assert sorted(racer.result() for racer in racers) == [False, False, True]


@needs_root
@in_a_process
def test_a_mounted_volume_is_told_from_the_root_file_system(tmp_path: Path) -> None:
    """By its device."""
    call("unshare", 0x20000)
    call("mount", b"none", b"/", None, 0x44000, None)
    (tmp_path / "volume").mkdir()
    call("mount", b"none", os.fsencode(tmp_path / "volume"), b"tmpfs", 0, None)
    assert not files.is_on_root_file_system(os.open(tmp_path / "volume", os.O_PATH))
    assert files.is_on_root_file_system(os.open("/", os.O_PATH))
    assert not files.is_on_root_file_system(9999)
