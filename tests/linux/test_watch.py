"""watch.py against the kernel: what is seen of peers that live, end, are killed, restart, or write nonsense."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from kubexit.domain.dependencies import FREE, HELD
from linux.forks import Process, in_a_process
from linux.graves import VANISHED, Observer, PeerProcess, stone

if TYPE_CHECKING:
    from pathlib import Path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts and devices need root")


@in_a_process
def test_a_life_is_seen_as_it_goes(tmp_path: Path) -> None:
    """Starting, ready, ended; the lock that is let go of afterwards is no news but that."""
    observer = Observer(tmp_path, "main")
    assert observer.peers == {}
    main = PeerProcess(tmp_path, "main")
    observer.wait_until(lambda: "main" in observer.peers, "the start")
    main.do("born")
    observer.wait_until(lambda: observer.peers["main"].ready, "the birth")
    main.do("died", 3)
    observer.wait_until(lambda: observer.peers["main"].ended, "the death")
    assert observer.peers["main"].lock == HELD
    main.leave()
    observer.wait_until(lambda: observer.peers["main"].lock == FREE, "that the lock is free")
    assert observer.states("main") == ["starting", "ready", "exited 3", "exited 3"]
    assert observer.watch.deadline() is None
    assert observer.warnings == []


@in_a_process
def test_what_is_there_already_is_seen_by_the_first_look(tmp_path: Path) -> None:
    """Without any event."""
    peers = {name: PeerProcess(tmp_path, name) for name in ("starting", "ready", "killed", "done")}
    for name in ("ready", "killed", "done"):
        peers[name].do("born")
    peers["done"].do("died", 0)
    peers["done"].leave()
    peers["killed"].kill()
    (tmp_path / "go").write_text(stone())
    observer = Observer(tmp_path, *peers, "go", "missing")
    assert {name: peer.describe() for name, peer in observer.peers.items()} == {
        "starting": "starting",
        "ready": "ready",
        "killed": VANISHED,
        "done": "exited 0",
        "go": "ready",
    }
    assert observer.look() == []


@pytest.mark.parametrize("born", [False, True])
@in_a_process
def test_a_killed_supervisor_is_seen_to_have_vanished(tmp_path: Path, born: bool) -> None:
    """By the event of its lock file alone: nothing polls, and no timer is left."""
    main = PeerProcess(tmp_path, "main")
    if born:
        main.do("born")
    observer = Observer(tmp_path, "main")
    assert observer.watch.deadline() is None
    main.kill()
    observer.wait_until(lambda: observer.peers["main"].vanished, "that it vanished")
    assert observer.watch.deadline() is None


def test_of_many_that_are_killed_at_any_instant_none_is_missed(tmp_path: Path, rounds: int) -> None:
    """While it starts, lives or ends: it is seen to have ended in some way, or never to have come."""

    def live(path: Path) -> None:
        peer = PeerProcess(path, "main")
        peer.do("born")
        peer.do("died", 0)
        peer.leave()

    @in_a_process
    def watch(path: Path, instant: int) -> list[str]:
        observer = Observer(path, "main")
        family = Process(lambda: live(path))
        for _ in range(instant):
            observer.look()
        family.kill()  # the peer in it dies by its parent-death signal, a little later
        observer.wait_until(lambda: observer.peers["main"].ended if "main" in observer.peers else not (path / ".main.lock").exists(), "its end")
        return observer.states("main")

    outcomes = set()
    for number in range(rounds):
        path = tmp_path / str(number)
        path.mkdir()
        outcomes.add(" ".join(watch(path, number)[-1:]))
    assert outcomes <= {"", VANISHED, "exited 0"}


@in_a_process
def test_a_restart_is_never_seen_as_vanished(tmp_path: Path, rounds: int) -> None:
    """An end is written before the lock is let go of, and the old tombstone is removed after the lock is taken."""
    observer = Observer(tmp_path, "main")

    def lives() -> None:
        for _ in range(rounds):
            peer = PeerProcess(tmp_path, "main")
            peer.do("born")
            peer.do("died", 0)
            peer.leave()

    peers = Process(lives)
    while not os.waitid(os.P_PID, peers.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        observer.survey()
        observer.look()
        assert VANISHED not in observer.states("main")
    peers.result()
    observer.wait_until(lambda: observer.peers["main"].ended and observer.peers["main"].lock == FREE, "the last end")
    assert {VANISHED, "started, but not ready"}.isdisjoint(observer.states("main"))


@in_a_process
def test_a_restart_takes_an_end_back(tmp_path: Path) -> None:
    """First the old end, then nothing, then the new birth."""
    first = PeerProcess(tmp_path, "main")
    first.do("born")
    first.kill()
    observer = Observer(tmp_path, "main")
    second = PeerProcess(tmp_path, "main")
    observer.wait_until(lambda: not observer.peers["main"].ended, "the restart")
    assert not observer.peers["main"].started
    second.do("born")
    observer.wait_until(lambda: observer.peers["main"].ready, "the birth")
    second.leave()


@in_a_process
def test_a_go_kubexit_is_judged_by_its_tombstone_alone(tmp_path: Path) -> None:
    """It truncates and writes in place, and has no lock: ready when born, dead when it says so."""
    observer = Observer(tmp_path, "go")
    (tmp_path / "go").write_text(stone())
    observer.wait_until(lambda: "go" in observer.peers and observer.peers["go"].ready, "the birth")
    (tmp_path / "go").write_text(stone(died=True, code=7))
    observer.wait_until(lambda: observer.peers["go"].ended, "the death")
    (tmp_path / "go").write_text(stone())
    observer.wait_until(lambda: observer.peers["go"].ready, "the restart")
    (tmp_path / "go").unlink()
    observer.wait_until(lambda: observer.peers["go"].describe() == "not seen", "the removal")
    assert observer.states("go") == ["ready", "exited 7", "ready", "not seen"]
    assert observer.warnings == []


@in_a_process
def test_a_file_that_is_about_to_be_written_changes_nothing(tmp_path: Path) -> None:
    """Truncated, but not written yet: what was known stays; of a new file nothing is known."""
    (tmp_path / "go").write_text(stone())
    observer = Observer(tmp_path, "go")
    (tmp_path / "go").write_text("")
    observer.look()
    observer.survey()
    assert observer.states("go") == ["ready"]
    (tmp_path / "go").unlink()
    observer.look()
    (tmp_path / "go").touch()
    observer.look()
    assert observer.states("go") == ["ready", "not seen"]
    assert observer.warnings == []
