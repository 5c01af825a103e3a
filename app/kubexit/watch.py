"""The others' side of the graveyard: what each dependency's tombstone and alive lock say, and when to look again."""

from __future__ import annotations

import time
from errno import EMFILE, ENOSPC

from kubexit.domain.dependencies import ABSENT, FREE, HELD, NO_LOCK, Peer
from kubexit.domain.tombstone import LARGEST, Tombstone, parse_tombstone
from kubexit.graveyard import lock_name
from kubexit.linux import files, locks
from kubexit.linux.inotify import DirectoryWatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kubexit.graveyard import Graveyard
    from kubexit.linux.inotify import Changes

MILLISECOND = 1_000_000  # nanoseconds, as all times here
POLL_PERIOD = 1000 * MILLISECOND  # without inotify; the only polling there is
# The kernel tells that a killed holder's file was closed before it drops the lock, and a throttled one dies slowly.
FIRST_DOUBT = MILLISECOND
LAST_DOUBT = 30_000 * MILLISECOND
_STATES = {None: NO_LOCK, True: HELD, False: FREE}


class Watch:
    """Looks at the tombstones and locks of `names` and gives what changed. It never lists the folder nor opens other files."""

    def __init__(self, graveyard: Graveyard, names: Iterable[str], warn: Callable[[str], None], trace: Callable[[str], None]) -> None:
        self._directory, self._own_lock = graveyard.directory, graveyard.own_lock
        self._warn, self._trace = warn, trace
        self._known: dict[str, Peer] = {}
        self._read: dict[str, Tombstone] = {}  # the last stone that could be read
        self._left_behind: dict[str, Tombstone | None] = {}  # the stone that was last seen without a holder of the lock
        self._broken: dict[str, bytes | str] = {}  # what could not be read, so that it is told once
        self._doubts: dict[str, tuple[int, int]] = {}  # names whose lock may be about to be dropped: when to look, how long we waited
        self._unsure: set[str] = set()  # names whose lock could not be asked about
        self._names: dict[bytes, str] = {}
        for name in names:
            raw = name.encode("utf-8", "surrogateescape")
            self._names[raw] = self._names[lock_name(raw)] = name
        self._shown = graveyard.path.decode("utf-8", "replace")
        self._lost = False
        self._watch: DirectoryWatch | None = None
        self._next_poll: int | None = None
        try:
            self._watch = DirectoryWatch(graveyard.path)
        except OSError as error:
            self._next_poll = 0
            self._warn(_no_inotify(self._shown, error))

    def fileno(self) -> int:
        """Give the descriptor that becomes readable when something changed, the same for ever; -1 if there is none."""
        return self._watch.fd if self._watch else -1

    def deadline(self) -> int | None:
        """Give the time (monotonic) at which to look again even if nothing is heard; None if there is no reason to."""
        times = [at for at, _ in self._doubts.values()]
        if self._next_poll is not None:
            times.append(self._next_poll)
        return min(times, default=None)

    @property
    def all_ended(self) -> bool:
        """Tell whether there is nobody left whose end could be seen."""
        return all(self._known.get(name, ABSENT).ended for name in self._names.values())

    def survey(self) -> Iterator[tuple[str, Peer]]:
        """Look at all of them. The watch stands already, so that nothing falls between."""
        yield from self._look_at(dict.fromkeys(self._names.values()))

    def changes(self) -> Iterator[tuple[str, Peer]]:
        """Look at what changed, or may have, and give the peers that are different now."""
        now = time.monotonic_ns()
        if self._next_poll is not None and now >= self._next_poll:
            self._next_poll = now + POLL_PERIOD
            yield from self.survey()
        if self._watch:
            yield from self._heard(self._watch)
        due = [name for name, (at, _) in self._doubts.items() if now >= at]
        yield from self._look_at(due)

    def _heard(self, watch: DirectoryWatch) -> Iterator[tuple[str, Peer]]:
        changes = watch.read()
        self._check_loss(changes)
        if changes.overflowed:  # among what was dropped may have been the end of any of them
            for watched in self._names.values():
                self._doubt(watched)
            yield from self.survey()
            return
        concerned = []
        for raw in changes.names:
            name = self._names.get(raw)
            if name is not None:
                concerned.append(name)
                if raw.startswith(b".") and raw in changes.closed:
                    self._doubt(name)
            elif not raw.startswith(b"."):
                self._trace(f"Ignore tombstone {raw.decode('utf-8', 'replace')}")
        yield from self._look_at(dict.fromkeys(concerned))

    def _check_loss(self, changes: Changes) -> None:
        """Tell once that nothing more can be seen. Our open lock file keeps a removed folder alive: IN_DELETE_SELF never comes.

        So the removal of the lock file itself, which no kubexit ever does, is the sign.
        """
        gone = changes.lost or (self._own_lock in changes.names and not files.is_there(self._directory, self._own_lock))
        if self._lost or not gone:
            return
        self._lost = True
        self._warn(
            f"graveyard {self._shown} was removed, emptied or unmounted; the deaths of {', '.join(dict.fromkeys(self._names.values()))} "
            "may not be seen any more: the child lives on until it ends or is stopped from outside"
        )

    def _look_at(self, names: Iterable[str]) -> Iterator[tuple[str, Peer]]:
        for name in names:
            peer = self._look(name)
            if peer.lock != HELD and name not in self._unsure:
                self._doubts.pop(name, None)
            elif name in self._doubts:
                self._doubt_again(name)
            elif name in self._unsure:
                self._doubt(name)
            if peer != self._known.get(name, ABSENT):
                self._known[name] = peer
                yield name, peer

    def _doubt(self, name: str) -> None:
        self._doubts[name] = (time.monotonic_ns() + FIRST_DOUBT, FIRST_DOUBT)

    def _doubt_again(self, name: str) -> None:
        at, waited = self._doubts[name]
        now = time.monotonic_ns()
        if now < at:
            return
        if waited >= LAST_DOUBT:  # somebody else had opened the lock file and closed it
            del self._doubts[name]
        else:
            self._doubts[name] = (now + waited, 2 * waited)

    def _look(self, name: str) -> Peer:
        """Give what is true of a peer now. That it vanished is believed only when two looks say the same.

        It may have come back between the look at its lock and that at its stone: it locks before it removes its old stone.
        """
        peer = self._look_once(name)
        while peer.vanished and (again := self._look_once(name)) != peer:
            peer = again
        return peer

    def _look_once(self, name: str) -> Peer:
        """Look at lock and stone. The lock first: a peer that ends drops it last, so Died is there when it is free.

        A peer that starts again locks first and removes its old stone then. So a stone that was there while nobody held the lock,
        before and after we read it, says nothing of the one who holds the lock later.
        """
        raw = name.encode("utf-8", "surrogateescape")
        self._unsure.discard(name)
        lock, stone = self._lock_of(name, raw), self._stone_of(name, raw)
        while lock != HELD and lock != (lock := self._lock_of(name, raw)):
            stone = self._stone_of(name, raw)
        if name in self._unsure:
            return Peer(stone, lock)
        if lock != HELD:
            self._left_behind[name] = stone
        elif stone == self._left_behind.get(name):
            stone = None
        return Peer(stone, lock)

    def _lock_of(self, name: str, raw: bytes) -> str:
        """Ask about a peer's lock. Where that fails for the moment (no descriptor left), what was known stays, and is in doubt."""
        try:
            return _STATES[locks.state_of(self._directory, lock_name(raw))]
        except OSError:
            self._unsure.add(name)
            return self._known.get(name, ABSENT).lock

    def _stone_of(self, name: str, raw: bytes) -> Tombstone | None:
        """Read a tombstone. One that cannot be read is told once, and what was known before stays true until it changes."""
        known = self._read.get(name)
        data: bytes | str = b""
        try:
            found = files.read_regular(self._directory, raw, LARGEST)
            if found is None:
                self._read.pop(name, None)
                return None
            data = found
            if not found.strip():  # a Go kubexit has truncated it and is about to write
                return known
            self._trace(f"Reading tombstone: {name}")
            stone = parse_tombstone(found.decode("utf-8", "replace"))
        except OSError as error:
            if error.errno in files.PASSING:
                self._unsure.add(name)
                return known
            data = why = str(error.strerror)
        except ValueError as error:
            why = str(error)
        else:
            self._broken.pop(name, None)
            self._read[name] = stone
            return stone
        if self._broken.get(name) != data:
            self._broken[name] = data
            self._warn(f"tombstone {self._shown}/{name} cannot be read and is ignored until it changes: {why}")
        return known


def _no_inotify(path: str, error: OSError) -> str:
    if error.errno == EMFILE:
        cause = "this node's limit of inotify instances (sysctl fs.inotify.max_user_instances) or this container's of descriptors is reached"
    elif error.errno == ENOSPC:
        cause = "this node's limit of inotify watches is reached (sysctl fs.inotify.max_user_watches)"
    else:
        cause = f"inotify cannot be had ({error.strerror}; sysctls fs.inotify.*)"
    return f"graveyard {path}: {cause}; it is looked at every second instead"
