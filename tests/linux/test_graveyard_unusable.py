"""graveyard.py against the kernel: a folder that cannot be used, or breaks later, or is no volume."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from kubexit import graveyard as module
from kubexit.domain.tombstone import parse_tombstone
from kubexit.graveyard import GraveyardUnusableError
from kubexit.linux import files, locks
from linux.forks import Process, become, call, in_a_process
from linux.graves import end_of, names, open_graveyard

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts and other users need root")
SOMEBODY, SOMEBODY_ELSE = 12345, 12346


def unusable(path: Path, name: str = "main") -> str:
    """Give the message of a graveyard that cannot be used."""
    with pytest.raises(GraveyardUnusableError) as error:
        open_graveyard(path, name)
    message = str(error.value)
    assert str(path) in message
    assert "cannot be used" in message
    return message


@in_a_process
def test_a_file_in_the_place_of_the_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    """The path and the cause."""
    (tmp_path / "file").touch()
    assert "Not a directory" in unusable(tmp_path / "file")
    assert "Not a directory" in unusable(tmp_path / "file" / "graveyard")
    (tmp_path / "dangling").symlink_to("nowhere")
    assert "No such file or directory" in unusable(tmp_path / "dangling")


@needs_root
@in_a_process
def test_a_folder_that_we_may_not_write_to_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """fsGroup, or the mode."""
    path = tmp_path / "graveyard"
    path.mkdir(mode=0o755)
    become(SOMEBODY, path)
    message = unusable(path)
    assert "Permission denied" in message
    assert "fsGroup" in message
    assert "Permission denied" in unusable(path / "deeper")


@needs_root
@in_a_process
def test_in_a_sticky_folder_a_name_works_for_one_user_only(tmp_path: Path) -> None:
    """Another user can neither remove the old tombstone nor replace it: the error says so."""
    path = tmp_path / "graveyard"
    path.mkdir()
    path.chmod(0o1777)

    def live(user: int) -> str:
        become(user, path)
        try:
            open_graveyard(path, "main").record_birth()
        except GraveyardUnusableError as error:
            return str(error)
        return "born"

    assert Process(lambda: live(SOMEBODY)).result() == "born"
    assert Process(lambda: live(SOMEBODY)).result() == "born"
    assert "sticky" in Process(lambda: live(SOMEBODY_ELSE)).result()


@needs_root
@in_a_process
def test_in_an_open_folder_a_name_works_for_one_user_after_the_other(tmp_path: Path) -> None:
    """A container that is restarted as another user takes over lock and tombstone."""
    path = tmp_path / "graveyard"

    def live(user: int) -> None:
        become(user, path)
        open_graveyard(path, "main").record_birth()

    for user in (0, SOMEBODY, SOMEBODY_ELSE):
        Process(lambda user=user: live(user)).result()
    assert (path / "main").stat().st_uid == SOMEBODY_ELSE


@needs_root
@in_a_process
def test_a_read_only_volume_is_an_error(tmp_path: Path) -> None:
    """EROFS, at once."""
    call("unshare", 0x20000)
    call("mount", b"none", b"/", None, 0x44000, None)
    call("mount", b"none", os.fsencode(tmp_path), b"tmpfs", 1, None)
    assert "Read-only file system" in unusable(tmp_path)


@pytest.mark.parametrize("name", ["main", ".main.new", ".main.lock"])
@pytest.mark.parametrize("kind", ["folder", "link", "dangling link", "fifo"])
def test_something_else_in_the_place_of_our_files_is_an_error_that_names_it(tmp_path: Path, name: str, kind: str) -> None:
    """Nothing that is there is touched, or followed."""

    @in_a_process
    def check() -> None:
        (tmp_path / "target").write_text("untouched")
        if kind == "folder":
            (tmp_path / name).mkdir()
        elif kind == "fifo":
            os.mkfifo(tmp_path / name)
        else:
            (tmp_path / name).symlink_to("target" if kind == "link" else "nowhere")
        before = (tmp_path / name).lstat()
        message = unusable(tmp_path)
        assert f"({name})" in message
        assert "not a regular file" in message
        assert (tmp_path / name).lstat().st_ino == before.st_ino
        assert (tmp_path / "target").read_text() == "untouched"

    check()


@in_a_process
def test_without_such_locks_it_goes_on_with_one_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems: no lock file is left, for it would be seen free, and we as vanished."""
    for number in (errno.ENOLCK, errno.EINVAL, errno.EOPNOTSUPP):
        monkeypatch.setattr(locks, "try_lock", failing(number))
        warnings: list[str] = []
        graveyard = open_graveyard(tmp_path, "main", warnings)
        graveyard.record_birth()
        assert names(tmp_path) == ["main"]
        assert len(warnings) == 1
        assert "peers will not notice if this supervisor is killed" in warnings[0]
        assert open_graveyard(tmp_path, "main").restarted


def failing(number: int) -> object:
    """Give a function that fails like this."""

    def fail(*_: object) -> bool:
        raise OSError(number, os.strerror(number))

    return fail


@in_a_process
def test_without_renameat2_it_goes_on_with_one_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock file cannot be put into place without ever being seen free: then rather none."""
    monkeypatch.setattr(files, "rename_if_free", failing(errno.EINVAL))
    warnings: list[str] = []
    open_graveyard(tmp_path, "main", warnings).record_birth()
    assert names(tmp_path) == ["main"]
    assert len(warnings) == 1


@in_a_process
def test_a_tombstone_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    """The volume breaks during the child's life: it lives on, one warning, and the next write is tried all the same."""
    path = tmp_path / "graveyard"
    warnings: list[str] = []
    graveyard = open_graveyard(path, "main", warnings)
    (path / "main").mkdir()
    graveyard.record_birth()
    graveyard.record_death(end_of(0).bury)
    assert len(warnings) == 1
    assert f"{path}/main" in warnings[0]
    assert re.search("Is a directory", warnings[0])
    (path / "main").rmdir()
    graveyard.record_death(end_of(3).bury)
    stone = parse_tombstone((path / "main").read_text())
    assert stone.born
    assert stone.exit_code == 3
    assert len(warnings) == 1


@in_a_process
def test_a_graveyard_that_was_removed_is_no_trouble(tmp_path: Path) -> None:
    """Nothing is written anywhere else."""
    path = tmp_path / "graveyard"
    warnings: list[str] = []
    graveyard = open_graveyard(path, "main", warnings)
    (path / ".main.lock").unlink()
    path.rmdir()
    path.mkdir()
    graveyard.record_birth()
    graveyard.record_death(end_of(0).bury)
    assert len(warnings) == 1
    assert names(path) == []


@in_a_process
def test_a_graveyard_that_was_renamed_is_still_ours(tmp_path: Path) -> None:
    """The folder counts, not its name."""
    graveyard = open_graveyard(tmp_path / "graveyard", "main")
    (tmp_path / "graveyard").rename(tmp_path / "moved")
    graveyard.record_birth()
    assert (tmp_path / "moved" / "main").exists()


@in_a_process
def test_the_traces_are_those_of_the_originals(tmp_path: Path) -> None:
    """`Creating tombstone: PATH`, `Updating tombstone: PATH`."""
    traces: list[str] = []
    graveyard = module.Graveyard(f"{tmp_path}/", "main", lambda _: None, traces.append)
    graveyard.record_birth()
    graveyard.record_death(end_of(0).bury)
    assert traces == [f"Creating tombstone: {tmp_path}/main", f"Updating tombstone: {tmp_path}/main"]


@in_a_process
def test_a_graveyard_that_we_made_is_told_to_be_no_volume(tmp_path: Path) -> None:
    """Peers in other containers would never be seen."""
    warning = open_graveyard(tmp_path / "graveyard", "main").volume_warning()
    assert warning is not None
    assert warning.startswith(f"no volume is mounted at {tmp_path}/graveyard; peers in other containers will never be seen")
    assert open_graveyard(tmp_path / "graveyard", "other").volume_warning() is None


@needs_root
@in_a_process
def test_as_pid_1_a_graveyard_on_the_root_file_system_is_told_to_be_no_volume(tmp_path: Path) -> None:
    """A folder of the image; a mounted one is not told of, nor is any as another pid."""
    call("unshare", 0x20000 | 0x20000000)  # mounts and pids
    call("mount", b"none", b"/", None, 0x44000, None)
    (tmp_path / "volume").mkdir()
    call("mount", b"none", os.fsencode(tmp_path / "volume"), b"tmpfs", 0, None)
    on_root = Path("/").stat().st_dev == tmp_path.stat().st_dev

    def as_first() -> list[bool]:
        assert os.getpid() == 1
        (tmp_path / "image").mkdir()
        return [open_graveyard(tmp_path / name, "main").volume_warning() is not None for name in ("image", "volume")]

    child = os.fork()
    if child == 0:
        os._exit(10 + sum(2**position * warned for position, warned in enumerate(as_first())))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 10 + on_root
