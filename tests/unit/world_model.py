"""A model of what surrounds the lifecycle: a child, peers, a clock; it knows what the specification expects, in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubexit.domain import actions, events
from kubexit.domain.dependencies import ABSENT, FREE, HELD, Dependency, Peer
from kubexit.domain.lifecycle import ENDED, WAITING, State, step
from kubexit.domain.tombstone import Tombstone

if TYPE_CHECKING:
    from kubexit.domain.actions import Action
    from kubexit.domain.config import Config
    from kubexit.domain.endings import Ending
    from kubexit.domain.events import Event

TERM, INT, QUIT, KILL, CONT, TSTP, WINCH = 15, 2, 3, 9, 18, 20, 28
HARMLESS, SUSPENDING = (CONT, 23, WINCH), (TSTP, 21, 22)
LATEST = "2030-01-01T00:00:00Z"


class World:
    """What is true, and what the supervisor has done."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.now = 0
        self.child = "none"  # then forked, running, gone
        self.child_stopped = False
        self.child_killed = False  # a SIGKILL is on its way: nothing but its end can follow
        self.killed_by_us = False
        self.executed = 0
        self.told_to_stop = 0
        self.told_at = 0
        self.outside: dict[int, int] = {}  # requests to stop that came from outside, and when
        self.causes: set[str] = set()
        self.done: list[Action] = []
        self.history: dict[str, Peer] = {}  # ends that were there at the first look and have not been followed by anything else

    def copy(self) -> World:
        """Give another world in which to try what would be."""
        other = World(self.state)
        other.__dict__.update({**self.__dict__, "done": list(self.done), "outside": dict(self.outside), "history": dict(self.history)})
        return other

    def happens(self, event: Event) -> list[Action]:
        """Tell the supervisor, and let what it does have its effect."""
        before = self.state
        self.state, todo = step(before, event, self.now)
        if isinstance(event, events.GraveyardSurveyed):
            self.history = {name: peer for name, peer in self.state.peers.items() if peer.ended}
        assert before.phase != ENDED or not todo
        if actions.Trace("supervisor", "Terminating child process") in todo:
            self._check_telling(todo)
        for action in todo:
            self._take_effect(action, event)
        self.done += todo
        return [action for action in todo if not isinstance(action, actions.Trace)]

    def _take_effect(self, action: Action, event: Event) -> None:
        if isinstance(action, actions.StartChild):
            assert self.child == "none"
            assert self.state.surveyed
            assert not self.outside, "started after somebody told us to stop"
            assert not self.death_holds(), "started although a death dependency is dead"
            assert not self.births_missing(), "started although a birth dependency is missing"
            self.child = "forked"
        if isinstance(action, actions.SignalChild):
            assert self.child in ("forked", "running"), "a signal to a child that does not live"
            self._signal_arrives(action.number, event)
        if isinstance(action, actions.StopSelf):
            assert self.state.stop is None, "stopped itself while the child is told to end"

    def _check_telling(self, todo: list[Action]) -> None:
        """Check that the child is told for a reason, and told once: an outside stop of a moment ago has told it."""
        assert self.death_holds()
        self.told_to_stop += 1
        self.told_at = self.now
        told = self.outside.get(self.state.config.stop_signal)
        needed = told is None or self.now - told >= self.state.config.grace_period
        expected = [self.state.config.stop_signal] * needed + [CONT] * self.child_stopped
        assert [action.number for action in todo if isinstance(action, actions.SignalChild)] == expected
        met = [self.known(dependency.name) for dependency in self.state.config.death_deps if self.known(dependency.name).meets(dependency.condition)]
        self.causes = {"stopped-always"} | ({"stopped"} if not any(peer.ended and not peer.succeeded for peer in met) else set())

    def _signal_arrives(self, number: int, event: Event) -> None:
        if number == KILL:
            self.child_killed = True
            if isinstance(event, events.DeadlinePassed):
                assert self.now >= self.told_at + self.state.config.grace_period, "killed before the grace period was over"
                assert self.told_to_stop == 1
                self.killed_by_us = True
            else:
                assert self.state.config.stop_signal == KILL
        if number == CONT:
            self.child_stopped = False

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

    def peer_changes(self, name: str, peer: Peer) -> None:
        """Let the graveyard say something else."""
        if name in self.history and not (peer.ended and peer.stone == self.history[name].stone):
            del self.history[name]
        self.happens(events.PeerChanged(name, peer))

    def signal_comes(self, event: events.SignalReceived) -> None:
        """Send one: a living child gets it once, a wait that it must end is over."""
        config, number = self.state.config, event.number
        waiting = self.state.phase == WAITING
        resize = number == WINCH and event.from_terminal
        if (
            number in (TERM, INT, QUIT, config.stop_signal)
            and not resize
            and not (waiting and event.ignored and number not in (TERM, config.stop_signal))
        ):
            self.outside[number] = self.now
        doubled = event.from_terminal and number in (INT, QUIT, TSTP, WINCH) and not config.signal_group
        done = self.happens(event)
        if waiting:
            ends = bool(self.outside) or not (event.ignored or number in HARMLESS + SUSPENDING)
            assert (self.state.ending is not None) == ends
            assert done == ([actions.StopSelf()] if not ends and number in SUSPENDING and not event.ignored else [])
        else:
            assert done == ([] if doubled else [actions.SignalChild(number)])

    def child_executes(self) -> None:
        """Let the fork become the program."""
        self.child = "running"
        self.executed = 1
        assert self.happens(events.ChildStarted()) == [actions.RecordBirth()]

    def child_ends(self, code: int, signal: int, *, out_of_memory: bool) -> None:
        """Let it end, perhaps before it has executed anything: then the supervisor learns of both, in order."""
        if self.child == "forked":
            self.child_executes()
        self.child = "gone"
        assert self.happens(events.ChildExited(code, signal, out_of_memory)) == []
        assert self.state.phase == ENDED

    def time_passes(self, share: int) -> None:
        """Go to the deadline, or to 1/share of the way; it is told when it is reached, and not before."""
        deadline = self.state.deadline
        if deadline is None:
            self.now += share
            return
        self.now += max(0, deadline - self.now) // share
        if self.now < deadline:
            assert self.happens(events.DeadlinePassed()) == []
            assert self.state.ending is None
        else:
            phase = self.state.phase
            self.happens(events.DeadlinePassed())
            assert self.state.deadline is None
            assert (self.state.phase == ENDED) == (phase == WAITING)

    # ── what is expected ─────────────────────────────────────────────────────────────────────────────────────────

    def known(self, name: str) -> Peer:
        """Give what counts of a peer: after our own restart a failure of before us does not."""
        peer = self.state.peers.get(name, ABSENT)
        return ABSENT if self.state.restarted and name in self.history and not peer.succeeded else peer

    def death_holds(self) -> bool:
        """Tell whether there is a reason to stop."""
        if not self.state.surveyed:
            return False
        met = [self.known(dependency.name).meets(dependency.condition) for dependency in self.state.config.death_deps]
        return bool(met) and (all(met) if self.state.config.death_mode == "all" else any(met))

    def all_deaths_hold(self) -> bool:
        """Tell whether every condition holds, as when they do not contradict each other."""
        return all(self.known(dependency.name).meets(dependency.condition) for dependency in self.state.config.death_deps)

    def births_missing(self) -> bool:
        """Tell whether something is still waited for."""
        return any(not self.known(dependency.name).meets(dependency.condition) for dependency in self.state.config.birth_deps)

    def births_lost(self) -> bool:
        """Tell whether something that is still waited for has ended since we came."""
        for dependency in self.state.config.birth_deps:
            peer = self.known(dependency.name)
            if peer.ended and not peer.meets(dependency.condition) and dependency.name not in self.history:
                return True
        return False

    def peer_that_meets(self, dependency: Dependency) -> Peer:
        """Give a peer, other than any before, that meets the condition."""
        if dependency.condition in ("started", "ready"):
            return Peer(Tombstone(born=LATEST, ready_at=LATEST), HELD)
        return Peer(Tombstone(born=LATEST, died=LATEST, exit_code=3 if dependency.condition == "failed" else 0), FREE)

    def count(self, kind: type) -> int:
        """Count the actions of one kind."""
        return sum(isinstance(action, kind) for action in self.done)


def consistent(ending: Ending, config: Config, world: World) -> None:
    """Check that status, reason and history of an end go together."""
    own = ending.child_code
    assert ending.message
    assert "\n" not in ending.message
    assert (own is None) == (not world.executed or ending.reason == "StartFailed")
    if own is None:
        _consistent_without_child(ending, config, world)
        return
    obeyed = own == 128 + config.stop_signal
    causes = ({"killed"} if world.killed_by_us and own == 128 + KILL else world.causes if obeyed else set()) if world.told_to_stop else set()
    codes = [rule.then for rule in config.exit_rules if rule.when in (own, "*", *causes)]
    assert ending.exit_code == (codes[0] if codes else own)
    if world.told_to_stop:
        assert ending.reason == ("GraceExpired" if "killed" in causes else "DependencyDied")
    elif ending.reason != "OOMKilled":
        assert ending.reason == ("Terminated" if own - 128 in world.outside else "Error" if own else "Completed")
    else:
        assert own == 128 + KILL


def _consistent_without_child(ending: Ending, config: Config, world: World) -> None:
    expected = {
        "BirthTimeout": ending.exit_code == 1 and config.birth_timeout > 0 and world.births_missing(),
        "DependencyFailed": ending.exit_code == 1 and world.births_lost(),
        "StartFailed": ending.exit_code in (1, 126, 127) and world.child == "gone",
        "Terminated": ending.exit_code > 128,
        "DependencyDied": world.death_holds(),
    }
    assert expected[ending.reason], ending
