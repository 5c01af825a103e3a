"""The promises of the lifecycle, kept in any sequence of events that a real supervisor can meet (Hypothesis looks for one that breaks them)."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubexit.domain import actions, events
from kubexit.domain.config import Config
from kubexit.domain.dependencies import ABSENT, CONDITIONS, FREE, HELD, NO_LOCK, Dependency, Peer
from kubexit.domain.exit_codes import ExitRule
from kubexit.domain.lifecycle import ENDED, RUNNING, STARTING, WAITING, State, step
from kubexit.domain.tombstone import Tombstone
from unit.world_model import World, consistent

NAMES = ("a", "b", "c")
TERM, INT, QUIT, KILL, CONT = 15, 2, 3, 9, 18
TIMES = ["2026-11-20T03:12:18Z", "2026-11-20T03:12:19Z"]

BORN = Tombstone(born=TIMES[0])
READY = Tombstone(born=TIMES[0], ready_at=TIMES[0])
ENDS = [Tombstone(born=TIMES[0], died=died, exit_code=code) for died in TIMES for code in (0, 3, None)]
# few of them, so that the same one comes again: whether an end is a new one is what much turns upon
peers = st.sampled_from(
    [
        *(ABSENT, Peer(None, HELD), Peer(BORN, HELD), Peer(READY, HELD), Peer(BORN, NO_LOCK)),
        *(Peer(None, FREE), Peer(BORN, FREE), Peer(READY, FREE)),
        *(Peer(end, lock) for end in ENDS for lock in (FREE, HELD)),
    ]
)
dependencies = st.lists(st.builds(Dependency, st.sampled_from(NAMES), st.sampled_from(CONDITIONS)), max_size=3, unique=True).map(tuple)
rules = st.lists(
    st.builds(ExitRule, st.sampled_from(["stopped", "stopped-always", "killed", "*", 143, 0]), st.sampled_from([0, 5, 143])),
    max_size=2,
).map(tuple)
AFTER_THE_END = [
    *(events.GraveyardSurveyed(), events.ChildStarted(), events.ChildStopped(), events.DeadlinePassed(), events.SignalReceived(TERM)),
    *(events.ChildExited(1), events.StartFailed(127, "why"), events.PeerChanged("a", Peer(Tombstone(died=TIMES[0], exit_code=0), FREE))),
]
numbers = st.sampled_from([TERM, INT, QUIT, 1, 10, 64, *[CONT, 20, 21, 22, 23, 28] * 2])
configs = st.builds(
    Config,
    name=st.just("me"),
    graveyard=st.just("/g"),
    birth_deps=st.just(()) | dependencies,
    birth_timeout=st.sampled_from([0, 1, 10]),
    death_deps=dependencies,
    death_mode=st.sampled_from(["any", "all"]),
    grace_period=st.sampled_from([0, 1, 10]),
    stop_signal=st.sampled_from([TERM, TERM, INT, 10, CONT, 20, 28, KILL]),
    exit_rules=rules,
    signal_group=st.booleans(),
)


class Lifecycle(RuleBasedStateMachine):
    """A supervisor whose world does what it likes."""

    world: World

    @initialize(config=configs, restarted=st.booleans(), well=st.booleans())
    def begin(self, config: Config, restarted: bool, well: bool) -> None:
        """Start; in half of the lives all goes well up to the child, so that the later phases are seen as often as the earlier ones."""
        self.world = World(State(config, restarted=restarted))
        if well:
            for dependency in config.birth_deps:
                self.world.peer_changes(dependency.name, self.world.peer_that_meets(dependency))
            self.world.happens(events.GraveyardSurveyed())
            if self.world.child == "forked":
                self.world.child_executes()

    @property
    def state(self) -> State:
        """Give what the supervisor knows."""
        return self.world.state

    # ── what may happen ──────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.state.ending is None)
    @rule(name=st.sampled_from(NAMES), peer=peers)
    def a_peer_changes(self, name: str, peer: Peer) -> None:
        """At any time, in any way: peers are not bound to make sense."""
        self.world.peer_changes(name, peer)

    @precondition(lambda self: not self.state.surveyed and self.state.ending is None)
    @rule()
    def the_first_look_is_over(self) -> None:
        """Once."""
        self.world.happens(events.GraveyardSurveyed())

    @precondition(lambda self: self.state.ending is None)
    @rule(number=numbers | st.none(), from_terminal=st.booleans(), ignored=st.booleans())
    def a_signal_comes(self, number: int | None, from_terminal: bool, ignored: bool) -> None:
        """At any time; None stands for the configured stop signal. SIGKILL reaches nobody but its victim."""
        stop_signal = self.state.config.stop_signal
        self.world.signal_comes(events.SignalReceived(number or (TERM if stop_signal == KILL else stop_signal), from_terminal, ignored))

    @precondition(lambda self: self.world.child == "forked")
    @rule()
    def the_child_executes_its_program(self) -> None:
        """Once."""
        self.world.child_executes()

    @precondition(lambda self: self.world.child == "forked")
    @rule(code=st.sampled_from([1, 126, 127]))
    def the_start_fails(self, code: int) -> None:
        """There is no child then."""
        self.world.child = "gone"
        self.world.happens(events.StartFailed(code, "why"))
        assert self.state.phase == ENDED

    @precondition(lambda self: self.world.child in ("forked", "running") and not self.world.child_stopped and not self.world.child_killed)
    @rule()
    def the_child_stops(self) -> None:
        """Ctrl-Z, SIGSTOP."""
        self.world.child_stopped = True
        self.world.happens(events.ChildStopped())

    @precondition(lambda self: self.world.child in ("forked", "running") and not self.world.child_killed and not self.world.child_stopped)
    @rule(code=st.sampled_from([0, 3, 143]), signal=st.sampled_from([0, 0, TERM, INT, 11]), now=st.sampled_from([False, False, True]))
    def the_child_ends(self, code: int, signal: int, now: bool) -> None:
        """In its own way, not always at the first opportunity: lives that end early show little."""
        if now:
            self.world.child_ends(0 if signal else code, signal, out_of_memory=False)

    @precondition(lambda self: self.world.child in ("forked", "running"))
    @rule(out_of_memory=st.booleans(), now=st.sampled_from([False, False, True]))
    def the_child_is_killed(self, out_of_memory: bool, now: bool) -> None:
        """By us, which it cannot put off, or by somebody else."""
        if now or self.world.child_killed:
            self.world.child_ends(0, KILL, out_of_memory=out_of_memory)

    @precondition(lambda self: self.state.ending is None)
    @rule(share=st.sampled_from([1, 2, 4]))
    def time_passes(self, share: int) -> None:
        """Up to the deadline, if there is one, or a part of the way: a timer that fires too early has no effect."""
        self.world.time_passes(share)

    @precondition(lambda self: self.state.ending is not None)
    @rule(event=st.sampled_from(AFTER_THE_END))
    def something_follows_the_end(self, event: Any) -> None:
        """Do nothing about the last events of a round: what was decided stays."""
        assert step(self.state, event, self.world.now) == (self.state, [])

    # ── what is promised ─────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def there_is_always_a_way_to_the_end(self) -> None:
        """Be ended by SIGTERM while waiting. With a child: its end is ours; a stop that it ignores leads to SIGKILL, whose end is ours."""
        world = self.world.copy()
        if world.state.phase == WAITING:
            world.happens(events.SignalReceived(TERM, ignored=True))
        elif world.state.phase in (STARTING, RUNNING):
            if world.state.stop is not None and not world.child_killed:
                world.time_passes(1)
                assert world.child_killed
            world.child_ends(0, KILL if world.child_killed else TERM, out_of_memory=False)
        assert world.state.phase == ENDED

    @invariant()
    def dead_dependencies_end_every_child(self) -> None:
        """From any state with a child: when all death dependencies end in the way wanted, the child is told, and at the latest killed."""
        world = self.world.copy()
        if world.child in ("forked", "running") and world.state.config.death_deps:
            for dependency in world.state.config.death_deps:
                world.peer_changes(dependency.name, world.peer_that_meets(dependency))
            if world.state.config.death_mode == "any" or world.all_deaths_hold():
                assert world.state.stop is not None
                if not world.child_killed:
                    world.time_passes(1)
                assert world.child_killed

    @invariant()
    def an_end_is_there_exactly_when_all_is_over(self) -> None:
        """With a status, a reason and a message that go together; Died can be written from it."""
        state = self.state
        assert (state.phase == ENDED) == (state.ending is not None)
        if state.ending is not None:
            consistent(state.ending, state.config, self.world)
            stone = state.ending.bury(Tombstone(), TIMES[0])
            assert stone.died
            assert stone.exit_code == state.ending.exit_code

    @invariant()
    def the_deadline_is_set_when_it_must_be(self) -> None:
        """Limit a wait, and a stop that has not come to SIGKILL; nothing else: idle means no timer."""
        state = self.state
        waits = state.phase == WAITING and state.surveyed and bool(state.config.birth_deps) and state.config.birth_timeout > 0
        stops = state.phase in (STARTING, RUNNING) and state.stop is not None and not self.world.killed_by_us
        assert (state.deadline is not None) == (waits or stops)

    @invariant()
    def births_and_children_are_recorded_once(self) -> None:
        """At most one start, one Born after it, one telling."""
        counts = [self.world.count(kind) for kind in (actions.StartChild, actions.RecordBirth)]
        assert counts in ([0, 0], [1, 0], [1, 1])
        assert counts[1] == self.world.executed
        assert self.world.told_to_stop <= 1
        assert (self.world.child == "none") == (counts[0] == 0)

    @invariant()
    def what_can_start_is_started(self) -> None:
        """After the first look a wait goes on only while something is missing and nothing forbids the start."""
        state = self.state
        if state.phase == WAITING and state.surveyed:
            assert self.world.births_missing()
            assert not self.world.death_holds()

    @invariant()
    def a_wait_ends_when_what_is_waited_for_has_died(self) -> None:
        """But a death that was there before us is waited out."""
        if self.state.phase == WAITING and self.state.surveyed:
            assert not self.world.births_lost()

    @invariant()
    def a_child_that_is_told_to_end_is_not_left_stopped(self) -> None:
        """Let it obey: a stopped one could not."""
        if self.state.phase in (STARTING, RUNNING) and self.state.stop is not None:
            assert not self.world.child_stopped

    @invariant()
    def nobody_is_left_running_after_a_death(self) -> None:
        """While the condition holds, a living child has been told."""
        if self.state.phase in (STARTING, RUNNING) and self.world.death_holds():
            assert self.state.stop is not None


Lifecycle.TestCase.settings = settings(max_examples=300, stateful_step_count=30)
TestLifecycle: Any = Lifecycle.TestCase
