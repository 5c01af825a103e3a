"""A model of what surrounds the lifecycle: a child, peers, a pod, a clock; it knows what the specification expects, in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubexit.domain import actions, events
from kubexit.domain.lifecycle import step
from kubexit.domain.state import ENDED, WAITING, State
from unit.world_facts import Truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubexit.domain.actions import Action
    from kubexit.domain.dependencies import Container, Peer
    from kubexit.domain.events import Event

TERM, INT, QUIT, KILL, CONT, TSTP, WINCH = 15, 2, 3, 9, 18, 20, 28
HARMLESS, SUSPENDING = (CONT, 23, WINCH), (TSTP, 21, 22)
TELLING = actions.Trace("supervisor", "Terminating child process")


class World:
    """What is true, and what the supervisor has done."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.truth = Truth(state.config, restarted=state.restarted)
        self.now = 0
        self.surveyed_at = 0
        self.child = "none"  # then forked, running, gone
        self.child_stopped = False
        self.child_killed = False  # a SIGKILL is on its way: nothing but its end can follow
        self.killed_by_us = False
        self.executed = 0
        self.told_to_stop = 0
        self.told_at = 0
        self.outside: dict[int, int] = {}  # requests to stop that came from outside and that the child has had, and when
        self.held, self.held_at = 0, 0  # one that is held back
        self.asked = "not"  # by the HTTP request: then "asked", "answered"
        self.causes: set[str] = set()
        self.trouble = ""
        self.watch_failed = ""  # the reason, where that ended the wait
        self.done: list[Action] = []

    def copy(self) -> World:
        """Give another world in which to try what would be."""
        other = World(self.state)
        other.__dict__.update({**self.__dict__, "done": list(self.done), "outside": dict(self.outside), "truth": self.truth.copy()})
        return other

    @property
    def has_child(self) -> bool:
        """Tell whether there is one."""
        return self.child in ("forked", "running")

    # ── what the supervisor does ─────────────────────────────────────────────────────────────────────────────────

    def happens(self, event: Event) -> list[Action]:
        """Tell the supervisor, and let what it does have its effect; give that, but for traces."""
        before = self.state
        self.state, todo = step(before, event, self.now)
        assert before.phase != ENDED or not todo
        if TELLING in todo:
            self._check_telling(todo)
        for action in todo:
            self._take_effect(action, event)
            self.done.append(action)
        return [action for action in todo if not isinstance(action, actions.Trace)]

    def _take_effect(self, action: Action, event: Event) -> None:
        if isinstance(action, actions.StartChild):
            self._check_start()
            self.child = "forked"
        if isinstance(action, actions.SignalChild):
            assert self.has_child, "a signal to a child that does not live"
            self._signal_arrives(action.number, event)
        if isinstance(action, actions.StopSelf):
            assert self.state.stop is None, "stopped itself while the child is told to end"
        if isinstance(action, actions.EndPodWatch):
            assert self.told_to_stop if self.truth.deaths_are_in_the_pod else self.child == "none", "ended too early or too late"
        if isinstance(action, actions.RequestStop):
            assert (action.request, action.patience) == (self.state.config.stop_request, self.state.config.grace_period)
            self.asked = "asked"

    def _check_start(self) -> None:
        truth = self.truth
        assert self.child == "none"
        assert truth.surveyed
        assert not truth.pod_is_missing(), "started before the pod was read"
        assert not self.outside, "started after somebody told us to stop"
        assert not truth.death_holds(), "started although a death dependency is dead"
        assert not truth.births_missing(), "started although a birth dependency is missing"

    def _check_telling(self, todo: list[Action]) -> None:
        """Check that the child is told for a reason, and told once: an outside stop of a moment ago has told it."""
        config = self.state.config
        assert self.truth.death_holds()
        self.told_to_stop += 1
        self.told_at = self.now
        number = config.stop_signal or self.held  # where nothing is sent of our own, what was held back must not be lost
        told = self.outside.get(number)
        needed = bool(number) and config.stop_request is None and (told is None or self.now - told >= config.grace_period)
        expected = [number] * needed + [CONT] * self.child_stopped
        assert [action.number for action in todo if isinstance(action, actions.SignalChild)] == expected
        assert sum(isinstance(action, actions.RequestStop) for action in todo) == (config.stop_request is not None)
        self.held = 0
        self.causes = {"told", "stopped-always"} | (set() if self.truth.failures_among_the_causes() else {"stopped"})

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
        self.truth.peer_is(name, peer)
        self.happens(events.PeerChanged(name, peer))

    def first_look_is_over(self) -> None:
        """Let all peers be told."""
        self.truth.is_surveyed()
        self.surveyed_at = self.now
        self.happens(events.GraveyardSurveyed())

    def pod_changes(self, containers: Mapping[str, Container]) -> None:
        """Let the pod's status say something else."""
        self.truth.containers_are(containers)
        self.trouble = ""
        self.happens(events.PodChanged(containers))

    def pod_is_in_trouble(self, why: str) -> None:
        """Let nobody be able to read it for a while: told once, no other effect."""
        done = self.happens(events.PodTroubled(why))
        assert [action.message for action in done if isinstance(action, actions.Warn)] == [why] * (why != self.trouble)
        assert len(done) == (why != self.trouble)
        self.trouble = why

    def pod_watch_fails(self, *, internal: bool) -> None:
        """Let nobody be able to read it at all: the end of a wait; a child lives on, with a warning if the helper is to blame."""
        waiting = self.state.phase == WAITING
        if waiting:
            self.watch_failed = "Internal" if internal else "DependencyFailed"
        done = self.happens(events.PodWatchFailed("forbidden", internal))
        assert [type(action) for action in done] == [actions.Warn] * (internal and not waiting)

    def pod_goes(self) -> None:
        """Delete it: the end of a wait, as by SIGTERM; a child is left to the kubelet, which tells it."""
        waiting = self.state.phase == WAITING
        assert self.happens(events.PodGone("deleted")) == []
        assert (self.state.ending is not None) == waiting
        if self.state.ending is not None:
            assert (self.state.ending.exit_code, self.state.ending.reason) == (128 + TERM, "Terminated")

    def signal_comes(self, event: events.SignalReceived) -> None:
        """Send one: a wait that it must end is over; a living child gets it once, at once or after the delay."""
        config, number = self.state.config, event.number
        resize = number == WINCH and event.from_terminal
        asks = number in (TERM, INT, QUIT, config.stop_signal, *config.delayed_signals) and not resize
        if self.state.phase != WAITING:
            doubled = event.from_terminal and number in (INT, QUIT, TSTP, WINCH) and not config.signal_group
            expected = self._stop_is_asked_for(number, doubled=doubled) if asks else [number] * (not doubled)
            assert self.happens(event) == [actions.SignalChild(number) for number in expected]
            return
        if asks and not (event.ignored and number not in (TERM, config.stop_signal)):
            self.outside[number] = self.now
        done = self.happens(event)
        ends = bool(self.outside) or not (event.ignored or number in HARMLESS + SUSPENDING)
        assert (self.state.ending is not None) == ends
        assert done == ([actions.StopSelf()] if not ends and number in SUSPENDING and not event.ignored else [])

    def _stop_is_asked_for(self, number: int, *, doubled: bool) -> list[int]:
        """Give what has to be sent now: nothing if this is the first and is held back; else this, and before it what was held back."""
        config, held = self.state.config, self.held
        first = not (held or self.outside or self.told_to_stop)
        if first and config.stop_delay and number in config.delayed_signals and not doubled:
            self.held, self.held_at = number, self.now
            return []
        self.outside |= dict.fromkeys([held] if held else [], self.now) | {number: self.now}
        self.held = 0
        return [held] * (held not in (0, number)) + [number] * (not doubled)

    def request_is_answered(self, error: str) -> None:
        """Let the child take the request to stop, or not: then the signal is sent, unless it was killed meanwhile."""
        self.asked = "answered"
        done = self.happens(events.StopRequestAnswered(error))
        needed = bool(error) and not self.killed_by_us
        assert [type(action) for action in done] == [actions.Warn, actions.SignalChild] * needed
        assert done[1:] == [actions.SignalChild(self.state.config.stop_signal)] * needed

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
            return
        waiting, held = self.state.phase == WAITING, self.held
        if held:
            self.outside[held] = self.now
            self.held = 0
        done = self.happens(events.DeadlinePassed())
        assert done == ([] if waiting else [actions.SignalChild(held or KILL)])
        assert self.state.deadline is None
        assert (self.state.phase == ENDED) == waiting

    # ── what is expected ─────────────────────────────────────────────────────────────────────────────────────────

    def expected_deadline(self) -> int | None:
        """Give the time that limits a wait, a delay or a stop that has not come to SIGKILL; nothing else has one: idle means no timer."""
        config, truth = self.state.config, self.truth
        if self.state.phase == WAITING:
            limited = truth.surveyed and config.birth_timeout and (config.birth_deps or truth.deaths_are_in_the_pod)
            return self.surveyed_at + config.birth_timeout if limited else None
        if not self.has_child:
            return None
        if self.held:
            return self.held_at + config.stop_delay
        return self.told_at + config.grace_period if self.told_to_stop and not self.killed_by_us else None

    def expected_watch_ends(self) -> int:
        """Give how often the pod's watch must have been ended: once when nothing depends on it any more. At our own end it ends without a word."""
        births, deaths = self.truth.births_are_in_the_pod, self.truth.deaths_are_in_the_pod
        return int(bool(self.told_to_stop) if deaths else births and self.child != "none")

    def count(self, kind: type) -> int:
        """Count the actions of one kind."""
        return sum(isinstance(action, kind) for action in self.done)
