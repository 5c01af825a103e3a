"""Supervisors' sides of a graveyard, for tests of graveyard.py and watch.py: one process for each, as locks belong to processes."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING

from kubexit.domain.endings import Ending
from kubexit.graveyard import DuplicateNameError, Graveyard
from kubexit.watch import Watch
from linux.forks import DEADLINE, Process, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kubexit.domain.dependencies import Peer

SECOND = 1_000_000_000
TIME = "2026-11-20T03:12:18Z"
VANISHED = "vanished (its supervisor was killed, or could not write down the end)"


def open_graveyard(path: Path, name: str, warnings: list[str] | None = None) -> Graveyard:
    """Open it as a supervisor does. Its descriptors stay open: for processes of the tests' own."""
    return Graveyard(str(path), name, (warnings if warnings is not None else []).append, lambda _message: None)


def names(path: Path) -> list[str]:
    """Give what is in a folder."""
    return sorted(entry.name for entry in path.iterdir())


def stone(died: bool = False, code: int = 0) -> str:
    """Give a tombstone as Go writes it."""
    return f'Born: "{TIME}"\n' + (f'Died: "{TIME}"\nExitCode: {code}\n' if died else "")


def end_of(code: int) -> Ending:
    """Give an ordinary end."""
    return Ending(code, "Completed" if code == 0 else "Error", f"the child exited {code}", code)


class PeerProcess(Process):
    """Another supervisor: it holds its lock from the start and does as it is told."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(lambda talk: _obey(talk, path, name), talks=True)
        self.restarted = self.talk.hear()

    def do(self, what: str, *arguments: object) -> None:
        """Have it do something, and wait until it has."""
        self.talk.say((what, *arguments))
        assert self.talk.hear() == "done"

    def leave(self) -> None:
        """Have it end by itself."""
        self.talk.say(("leave",))
        self.result()


def _obey(talk: Talk, path: Path, name: str) -> None:
    try:
        graveyard = open_graveyard(path, name)
    except DuplicateNameError:
        talk.say("duplicate")
        return
    talk.say(graveyard.restarted)
    while True:
        match talk.hear():
            case ("born",):
                graveyard.record_birth()
            case ("died", int(code)):
                graveyard.record_death(end_of(code).bury)
            case ("leave",):
                return
        talk.say("done")


class Observer:
    """A supervisor's look at its peers, with its own waiting, as supervisor.py has it."""

    def __init__(self, path: Path, *names: str) -> None:
        self.warnings: list[str] = []
        self.traces: list[str] = []
        self.graveyard = open_graveyard(path, "observer")
        self.watch = Watch(self.graveyard, names, self.warnings.append, self.traces.append)
        self.seen: list[tuple[str, Peer]] = []
        self.peers: dict[str, Peer] = {}
        self.survey()

    def survey(self) -> list[tuple[str, Peer]]:
        """Look at all of them; give what is new."""
        return self._take(self.watch.survey())

    def _take(self, changes: Iterator[tuple[str, Peer]]) -> list[tuple[str, Peer]]:
        found = list(changes)
        self.seen += found
        self.peers.update(found)
        return found

    def look(self) -> list[tuple[str, Peer]]:
        """Give what changed, without waiting."""
        return self._take(self.watch.changes())

    def wait_until(self, true: Callable[[], bool], what: str) -> None:
        """Wait as the supervisor waits, for the descriptor and for the deadline and for nothing else, until something is seen."""
        end = time.monotonic() + DEADLINE / 2
        poll = select.poll()
        if self.watch.fileno() >= 0:
            poll.register(self.watch.fileno(), select.POLLIN)
        while not true():
            assert time.monotonic() < end, f"never seen: {what}; seen: {self.seen}"
            at = self.watch.deadline()
            milliseconds = 500 * DEADLINE if at is None else max(0, (at - time.monotonic_ns()) / 1e6)
            poll.poll(min(milliseconds, 500 * DEADLINE))
            self.look()

    def states(self, name: str) -> list[str]:
        """Give what was seen of a peer, in words, in order."""
        return [peer.describe() for seen, peer in self.seen if seen == name]
