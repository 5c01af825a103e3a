"""graveyard.py against the kernel: the lock, the own tombstone, and what may be in the way of them."""

from __future__ import annotations

import os
import signal
import stat
from typing import TYPE_CHECKING

import pytest
import yaml

from kubexit.domain.tombstone import Tombstone, parse_tombstone
from kubexit.graveyard import DuplicateNameError
from kubexit.linux import files, locks
from linux.forks import Process, Talk, descriptors, in_a_process
from linux.graves import PeerProcess, names, open_graveyard

if TYPE_CHECKING:
    from pathlib import Path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts and other users need root")
SOMEBODY, SOMEBODY_ELSE = 12345, 12346


def lock_of(path: Path, name: str) -> bool | None:
    """Give what others see of a lock."""
    directory = os.open(path, os.O_PATH)
    try:
        return locks.state_of(directory, f".{name}.lock".encode())
    finally:
        os.close(directory)


@in_a_process
def test_a_first_start_makes_the_folder_and_holds_the_lock(tmp_path: Path) -> None:
    """Mode 0777 and 0666 whatever the umask, for the next container may run as another user; the descriptors are not for the child."""
    os.umask(0o077)
    path = tmp_path / "a" / "graveyard"
    graveyard = open_graveyard(path, "main")
    assert (graveyard.made, graveyard.restarted) == (True, False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o777
    assert names(path) == [".main.lock"]
    assert stat.S_IMODE((path / ".main.lock").stat().st_mode) == 0o666
    assert Process(lambda: lock_of(path, "main")).result()
    ours = [fd for fd, what in descriptors().items() if "graveyard" in what]
    assert len(ours) == 2
    assert not any(os.get_inheritable(fd) for fd in ours)
    assert os.umask(0) == 0o077


def test_birth_and_death_are_carved(tmp_path: Path) -> None:
    """Born with ReadyAt; then the end is added, and Born stays. Any YAML reader reads it."""
    peer = PeerProcess(tmp_path, "main")
    assert names(tmp_path) == [".main.lock"]
    peer.do("born")
    born = yaml.safe_load((tmp_path / "main").read_text())
    assert list(born) == ["Born", "ReadyAt"]
    assert born["Born"] == born["ReadyAt"]
    peer.do("died", 3)
    died = yaml.safe_load((tmp_path / "main").read_text())
    assert list(died) == ["Born", "ReadyAt", "Died", "ExitCode", "Reason", "Message"]
    assert died["Born"] == born["Born"] < died["Died"]
    assert died["ExitCode"] == 3
    assert stat.S_IMODE((tmp_path / "main").stat().st_mode) == 0o644
    assert names(tmp_path) == [".main.lock", "main"]
    peer.leave()


def test_a_death_without_a_birth_is_carved_too(tmp_path: Path) -> None:
    """A start that failed: nobody waits for ever."""
    peer = PeerProcess(tmp_path, "main")
    peer.do("died", 127)
    assert list(yaml.safe_load((tmp_path / "main").read_text())) == ["Died", "ExitCode", "Reason", "Message"]
    peer.leave()


@pytest.mark.parametrize("end", ["by itself", "killed"])
def test_a_restart_is_known_by_the_lock_file(tmp_path: Path, end: str) -> None:
    """And removes the old tombstone before anything else is done; the lock file stays the same one."""
    first = PeerProcess(tmp_path, "main")
    assert first.restarted is False
    first.do("born")
    inode = (tmp_path / ".main.lock").stat().st_ino
    if end == "killed":
        first.kill()
    else:
        first.leave()
    assert lock_of(tmp_path, "main") is False
    second = PeerProcess(tmp_path, "main")
    assert second.restarted is True
    assert names(tmp_path) == [".main.lock"]
    assert (tmp_path / ".main.lock").stat().st_ino == inode
    second.leave()


def test_a_restart_is_known_by_the_tombstone_alone(tmp_path: Path) -> None:
    """A Go kubexit of that name was here before."""
    (tmp_path / "main").write_text('Born: "2026-11-20T03:12:18Z"\n')
    peer = PeerProcess(tmp_path, "main")
    assert peer.restarted is True
    assert names(tmp_path) == [".main.lock"]
    peer.leave()


def test_a_half_written_tombstone_of_a_killed_writer_is_removed_and_means_no_restart(tmp_path: Path) -> None:
    """It is neither lock nor stone."""
    (tmp_path / ".main.new").write_text("Bor")
    peer = PeerProcess(tmp_path, "main")
    assert peer.restarted is False
    assert names(tmp_path) == [".main.lock"]
    peer.leave()


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    """Names that begin or end like ours, too."""
    others = ["main2", ".main2.lock", "mai", ".main.lock.bak", "main.lock", ".main.newer"]
    for name in others:
        (tmp_path / name).write_text(name)
    peer = PeerProcess(tmp_path, "main")
    peer.do("born")
    peer.leave()
    assert names(tmp_path) == sorted([*others, ".main.lock", "main"])
    assert all((tmp_path / name).read_text() == name for name in others)


def test_a_second_supervisor_of_a_name_touches_nothing(tmp_path: Path) -> None:
    """Neither its tombstone nor its lock, and the first one's lock stays held."""
    first = PeerProcess(tmp_path, "main")
    first.do("born")
    before = {
        name: ((tmp_path / name).stat().st_ino, (tmp_path / name).read_bytes(), (tmp_path / name).stat().st_mtime_ns) for name in names(tmp_path)
    }
    second = PeerProcess(tmp_path, "main")
    assert second.restarted == "duplicate"
    second.result()
    assert {
        name: ((tmp_path / name).stat().st_ino, (tmp_path / name).read_bytes(), (tmp_path / name).stat().st_mtime_ns) for name in names(tmp_path)
    } == before
    assert lock_of(tmp_path, "main") is True
    first.leave()


def test_another_name_is_no_duplicate(tmp_path: Path) -> None:
    """Names are compared as they are."""
    peers = [PeerProcess(tmp_path, name) for name in ("main", "Main", "main.lock", "\u65e5", "n" * 200, "\udcff")]
    assert [peer.restarted for peer in peers] == [False] * len(peers)
    for peer in peers:
        peer.do("born")
        peer.leave()


def race(path: Path, talk: Talk) -> bool:
    """Open the graveyard when told to; hold it until told to end."""
    talk.say("ready")
    talk.hear()
    try:
        open_graveyard(path, "main")
        talk.say(True)
    except DuplicateNameError:
        talk.say(False)
    talk.hear()
    return True


@pytest.mark.parametrize("lock_file", ["not there", "left behind"])
def test_of_two_that_start_at_once_exactly_one_gets_the_name(tmp_path: Path, lock_file: str, rounds: int) -> None:
    """By the hundred; and whoever looks at the lock meanwhile never sees it free once it is there."""
    for number in range(rounds):
        path = tmp_path / str(number)
        path.mkdir()
        if lock_file == "left behind":
            (path / ".main.lock").touch()
        racers = [Process(lambda talk, path=path: race(path, talk), talks=True) for _ in range(2)]
        assert [racer.talk.hear() for racer in racers] == ["ready", "ready"]
        for racer in racers:
            racer.talk.say("go")
        seen = [lock_of(path, "main") for _ in range(20)]
        assert sorted(racer.talk.hear() for racer in racers) == [False, True]
        seen.append(lock_of(path, "main"))
        if lock_file == "not there":
            assert False not in seen
        assert seen[-1] is True
        assert names(path) == [".main.lock"]
        for racer in racers:
            racer.talk.say("end")
            racer.result()


@in_a_process
def test_a_lock_file_that_somebody_else_was_first_to_make_is_taken_over_if_it_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two start at once, and the one that was first is killed in that moment."""
    rename = files.rename_if_free

    def come_second(directory: int, name: bytes, new_name: bytes) -> bool:
        (tmp_path / ".main.lock").touch()
        return rename(directory, name, new_name)

    monkeypatch.setattr("kubexit.linux.files.rename_if_free", come_second)
    assert open_graveyard(tmp_path, "main").restarted
    assert names(tmp_path) == [".main.lock"]
    assert Process(lambda: lock_of(tmp_path, "main")).result()


def test_a_killed_one_leaves_nothing_that_hinders_the_next(tmp_path: Path, rounds: int) -> None:
    """At any instant of its start: the next one of that name starts, and what is visible under the final names is whole."""

    def begin(talk: Talk) -> None:
        talk.say("go")
        open_graveyard(tmp_path, "main").record_birth()

    for number in range(rounds):
        victim = Process(begin, talks=True)
        assert victim.talk.hear() == "go"
        for _ in range(number * 10):
            pass
        victim.end(signal.SIGKILL)
        if (tmp_path / "main").exists():
            assert parse_tombstone((tmp_path / "main").read_text()) != Tombstone()
    peer = PeerProcess(tmp_path, "main")
    peer.do("born")
    peer.leave()
    assert [name for name in names(tmp_path) if not name.startswith(".main.lock-")] == [".main.lock", "main"]
