"""watch.py where the kernel's news are late, lost or not to be had: doubts about locks, overflows, no inotify, and looks that take their time."""

# ruff: noqa: SLF001  the instants that are tested here are within a look; there is no other way to them

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kubexit.domain.dependencies import FREE, HELD, NO_LOCK, Peer
from kubexit.domain.tombstone import Tombstone
from kubexit.linux import locks
from kubexit.linux.inotify import Changes
from linux.forks import Process, Talk, in_a_process
from linux.graves import SECOND, TIME, Observer, PeerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

MILLISECOND = 1_000_000
LATER = "2026-11-20T03:12:19Z"


class Clock:
    """A clock that a test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000 * SECOND
        monkeypatch.setattr("kubexit.watch.time.monotonic_ns", lambda: self.now)


class Holder(Process):
    """A process that holds a lock and lets go of it without closing the file: the kernel tells nobody of that."""

    def __init__(self, path: Path) -> None:
        super().__init__(lambda talk: self._hold(talk, path), talks=True)
        assert self.talk.hear()

    def _hold(self, talk: Talk, path: Path) -> None:
        fd = os.open(path / ".main.lock", os.O_RDWR | os.O_CREAT)
        talk.say(locks.try_lock(fd))
        talk.hear()
        fcntl.fcntl(fd, locks.F_OFD_SETLK, locks.FLOCK.pack(fcntl.F_UNLCK, 0, 0, 0, 0))
        talk.say("free")
        talk.hear()

    def let_go(self) -> None:
        """Let go."""
        self.talk.say()
        assert self.talk.hear() == "free"


def close_lock_file(path: Path) -> None:
    """Let the event come that a killed holder's closing causes, while the lock is still held."""
    os.close(os.open(path / ".main.lock", os.O_RDWR))


@in_a_process
def test_a_lock_that_is_let_go_of_after_its_event_is_seen_to_be_free(tmp_path: Path) -> None:
    """The kernel tells that a killed holder's file was closed before it drops the lock."""
    holder = Holder(tmp_path)
    observer = Observer(tmp_path, "main")
    assert observer.watch.deadline() is None
    close_lock_file(tmp_path)
    observer.look()
    assert observer.peers["main"].lock == HELD
    assert observer.watch.deadline() is not None
    holder.let_go()
    observer.wait_until(lambda: observer.peers["main"].vanished, "that it vanished")
    assert observer.watch.deadline() is None
    holder.kill()


@in_a_process
def test_doubts_grow_from_a_millisecond_and_end_after_half_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wait is twice as long as the one before; then somebody else had opened the lock file, and there is no timer any more."""
    clock = Clock(monkeypatch)
    holder = Holder(tmp_path)
    observer = Observer(tmp_path, "main")
    close_lock_file(tmp_path)
    begin = clock.now
    observer.look()
    waits = []
    while (at := observer.watch.deadline()) is not None:
        assert at > clock.now
        waits.append(at - clock.now)
        clock.now = at
        assert observer.look() == []
    assert waits[:4] == [MILLISECOND, MILLISECOND, 2 * MILLISECOND, 4 * MILLISECOND]
    assert all(later == 2 * earlier for earlier, later in itertools.pairwise(waits[1:]))
    assert 30 * SECOND <= clock.now - begin <= 90 * SECOND
    assert len(waits) < 20
    holder.kill()


@in_a_process
def test_a_doubt_is_not_looked_into_before_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other news meanwhile neither put it off nor bring it forward."""
    clock = Clock(monkeypatch)
    holder = Holder(tmp_path)
    observer = Observer(tmp_path, "main")
    close_lock_file(tmp_path)
    observer.look()
    at = observer.watch.deadline()
    for _ in range(5):
        (tmp_path / "other").write_text("x")
        (tmp_path / "main").write_text(f'Born: "{TIME}"\n')
        observer.look()
        assert observer.watch.deadline() == at
    holder.let_go()
    clock.now = at or 0
    observer.look()
    assert observer.peers["main"].vanished
    holder.kill()


@in_a_process
def test_a_lock_file_that_vanishes_ends_the_doubt(tmp_path: Path) -> None:
    """There is nothing left to look at."""
    holder = Holder(tmp_path)
    observer = Observer(tmp_path, "main")
    close_lock_file(tmp_path)
    observer.look()
    (tmp_path / ".main.lock").unlink()
    observer.look()
    assert observer.watch.deadline() is None
    assert observer.peers["main"] == Peer()
    holder.kill()


@pytest.mark.parametrize("when", ["before", "after"])
@in_a_process
def test_a_death_during_an_overflow_is_seen(tmp_path: Path, when: str) -> None:
    """The kernel drops events over its limit: then all is looked at, and doubted, for the event of a lock comes before its release."""
    holder = Holder(tmp_path)
    observer = Observer(tmp_path, "main", "db")
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for name in itertools.islice(itertools.cycle(["x", "y"]), limit + 10):
        os.close(os.open(tmp_path / name, os.O_WRONLY | os.O_CREAT))
    (tmp_path / "db").write_text(f'Died: "{TIME}"\nExitCode: 3\n')
    close_lock_file(tmp_path)
    if when == "before":
        holder.let_go()
    while not observer.look():
        continue
    if when == "after":
        observer.wait_until(lambda: "db" in observer.peers, "the death that is on the disk")
        holder.let_go()
    observer.wait_until(lambda: "db" in observer.peers and observer.peers["main"].vanished, "both deaths")
    holder.kill()


@in_a_process
def test_the_loss_of_the_folder_in_a_flood_is_told(tmp_path: Path) -> None:
    """Overflow and removal in one read."""
    observer = Observer(tmp_path, "main")
    changes = Changes()
    changes.overflowed = changes.lost = True
    assert observer.watch._watch is not None
    observer.watch._watch.read = lambda: changes  # type: ignore[method-assign]
    observer.look()
    observer.look()
    assert len(observer.warnings) == 1


@pytest.mark.parametrize(
    ("number", "word"),
    [(errno.EMFILE, "fs.inotify.max_user_instances"), (errno.ENOSPC, "fs.inotify.max_user_watches"), (errno.ENOSYS, "fs.inotify")],
)
@in_a_process
def test_without_inotify_it_looks_every_second(tmp_path: Path, number: int, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One warning that names the sysctl; the only polling that there is; births, deaths and killed holders are seen."""

    def refuse(_path: bytes) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("kubexit.watch.DirectoryWatch", refuse)
    clock = Clock(monkeypatch)
    main = PeerProcess(tmp_path, "main")
    observer = Observer(tmp_path, "main", "go")
    (warning,) = observer.warnings
    assert word in warning
    assert observer.watch.fileno() == -1
    observer.look()
    main.do("born")
    (tmp_path / "go").write_text(f'Born: "{TIME}"\n')
    assert observer.look() == []
    assert observer.watch.deadline() == clock.now + SECOND
    clock.now += SECOND
    assert [(name, peer.describe()) for name, peer in observer.look()] == [("main", "ready"), ("go", "ready")]
    main.kill()
    clock.now += SECOND
    assert [(name, peer.vanished) for name, peer in observer.look()] == [("main", True)]
    assert observer.look() == []
    assert observer.watch.deadline() == clock.now + SECOND
    assert len(observer.warnings) == 1


def exhausted(body: Callable[[], object]) -> None:
    """Do something while no descriptor can be had."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    filler = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (80, hard))
    try:
        while True:
            try:
                filler.append(os.open("/", os.O_PATH))
            except OSError:
                break
        body()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in filler:
            os.close(fd)


@in_a_process
def test_a_lack_of_descriptors_at_the_decisive_moment_only_delays_the_news(tmp_path: Path) -> None:
    """The event of a killed holder comes while none is free: the peer is looked at again, and again, until it can be."""
    main = PeerProcess(tmp_path, "main")
    main.do("born")
    observer = Observer(tmp_path, "main")
    main.kill()
    exhausted(observer.look)
    assert observer.peers["main"].lock == HELD
    observer.wait_until(lambda: observer.peers["main"].vanished, "that it vanished")


@in_a_process
def test_a_lack_of_descriptors_at_the_first_look_only_delays_it(tmp_path: Path) -> None:
    """A peer that lives is seen to be ready as soon as it can be looked at."""
    main = PeerProcess(tmp_path, "main")
    main.do("born")
    observer = Observer(tmp_path)
    observer.watch._names = {b"main": "main", b".main.lock": "main"}
    exhausted(observer.survey)
    observer.wait_until(lambda: "main" in observer.peers and observer.peers["main"].ready, "that it is ready")
    main.kill()
    observer.wait_until(lambda: observer.peers["main"].vanished, "that it vanished")


@in_a_process
def test_a_lack_of_descriptors_does_not_hide_a_go_kubexit_s_death(tmp_path: Path) -> None:
    """It has no lock whose event would come later: its tombstone is read again."""
    observer = Observer(tmp_path, "go")
    (tmp_path / "go").write_text(f'Died: "{TIME}"\nExitCode: 0\n')
    exhausted(observer.look)
    observer.wait_until(lambda: "go" in observer.peers and observer.peers["go"].ended, "its death")


@in_a_process
def test_a_lock_that_cannot_be_asked_about_for_long_is_asked_about_ever_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No wake-up every millisecond for the rest of a life."""
    clock = Clock(monkeypatch)
    holder = Holder(tmp_path)
    observer = Observer(tmp_path, "main")

    def refuse(_directory: int, _name: bytes) -> bool:
        raise OSError(errno.ENFILE, os.strerror(errno.ENFILE))

    monkeypatch.setattr("kubexit.linux.locks.state_of", refuse)
    close_lock_file(tmp_path)
    observer.look()
    looks = 0
    end = clock.now + 60 * SECOND
    while (at := observer.watch.deadline()) is not None and at < end:
        clock.now = max(clock.now, at)
        observer.look()
        looks += 1
        assert looks < 100
    monkeypatch.undo()
    holder.kill()


@in_a_process
def test_an_old_tombstone_says_nothing_of_a_new_holder_of_the_lock(tmp_path: Path) -> None:
    """A peer that starts again locks first and removes its old tombstone then: in between it is starting, neither ready nor dead."""
    for text, before in (
        (f'Born: "{TIME}"\nReadyAt: "{TIME}"\n', "vanished (its supervisor was killed, or could not write down the end)"),
        (f'Died: "{TIME}"\nExitCode: 0\n', "exited 0"),
    ):
        (tmp_path / "main").write_text(text)
        (tmp_path / ".main.lock").touch()
        observer = Observer(tmp_path, "main")
        holder = Holder(tmp_path)
        observer.survey()
        assert observer.states("main") == [before, "starting"]
        (tmp_path / "main").unlink()
        (tmp_path / "main").write_text(f'Born: "{LATER}"\nReadyAt: "{LATER}"\n')
        observer.wait_until(lambda observer=observer: observer.peers["main"].ready, "the new birth")  # type: ignore[misc]
        holder.kill()
        os.close(observer.graveyard._lock_fd)
        (tmp_path / ".main.lock").unlink()


BORN, DIED = Tombstone(born=TIME, ready_at=TIME), Tombstone(born=TIME, ready_at=TIME, died=TIME, exit_code=0)
BORN_AGAIN, DIED_AGAIN = (stone.replace(born=LATER, ready_at=LATER) for stone in (BORN, DIED))
LIVES = [  # lock and tombstone, as two lives in a row leave them
    *((NO_LOCK, None), (HELD, None), (HELD, BORN), (HELD, DIED), (FREE, DIED)),
    *((HELD, DIED), (HELD, None), (HELD, BORN_AGAIN), (HELD, DIED_AGAIN), (FREE, DIED_AGAIN)),
]


@in_a_process
def test_a_look_that_takes_its_time_never_invents_a_vanished_peer(tmp_path: Path) -> None:
    """Lock and tombstone are looked at one after the other, and anything may happen in between: here all that can, in two whole lives."""
    watch = Observer(tmp_path, "main").watch
    wrong = []
    for moments in itertools.combinations_with_replacement(range(len(LIVES)), 3):
        locks_seen = iter([LIVES[moments[0]][0], *[LIVES[moments[2]][0]] * 100])
        stones_seen = iter([LIVES[moments[1]][1], *[LIVES[moments[2]][1]] * 100])
        watch._lock_of = lambda *_, seen=locks_seen: next(seen)  # type: ignore[method-assign]
        watch._stone_of = lambda *_, seen=stones_seen: next(seen)  # type: ignore[method-assign]
        watch._known.clear()
        watch._left_behind.clear()
        if any(peer.vanished for _, peer in watch.survey()):
            wrong.append([LIVES[moment] for moment in moments])
    assert wrong == []


@in_a_process
def test_a_lock_that_could_not_be_asked_about_does_not_make_the_tombstone_an_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That nobody held it then is not known, so what was read then says as much of the holder as what is read later."""
    main = PeerProcess(tmp_path, "main")
    main.do("born")

    def refuse(_directory: int, _name: bytes) -> bool:
        raise OSError(errno.ENFILE, os.strerror(errno.ENFILE))

    monkeypatch.setattr("kubexit.linux.locks.state_of", refuse)
    observer = Observer(tmp_path, "main")
    monkeypatch.undo()
    observer.wait_until(lambda: "main" in observer.peers and observer.peers["main"].lock == HELD, "its lock")
    assert observer.peers["main"].ready
    main.kill()
