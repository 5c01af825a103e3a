"""The promises of the lifecycle, kept in any sequence of events that a real supervisor can meet (Hypothesis looks for one that breaks them)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubexit.domain import actions, events
from kubexit.domain.dependencies import GRAVEYARD, KUBERNETES, Container, Peer
from kubexit.domain.lifecycle import step
from kubexit.domain.state import ENDED, RUNNING, STARTING, WAITING, State
from kubexit.domain.tombstone import Tombstone
from unit.life_strategies import AFTER_THE_END, INT, KILL, NAMES, TERM, TIMES, configs, numbers, peers, snapshots, troubles
from unit.world_endings import check_ending
from unit.world_facts import container_that_meets, peer_that_meets
from unit.world_model import World

if TYPE_CHECKING:
    from kubexit.domain.config import Config


class Lifecycle(RuleBasedStateMachine):
    """A supervisor whose world does what it likes."""

    world: World

    @initialize(config=configs(GRAVEYARD), restarted=st.booleans(), well=st.booleans())
    def begin(self, config: Config, restarted: bool, well: bool) -> None:
        """Start; in half of the lives all goes well up to the child, so that the later phases are seen as often as the earlier ones."""
        self.world = World(State(config, restarted=restarted))
        if well:
            self.all_goes_well()

    def all_goes_well(self) -> None:
        """Let what is waited for come true, and nothing else."""
        births = self.state.config.birth_deps
        for dependency in births:
            if dependency.source == GRAVEYARD:
                self.world.peer_changes(dependency.name, peer_that_meets(dependency))
        if not self.world.truth.surveyed:
            self.world.first_look_is_over()
        if self.pod_is_watched:
            self.world.pod_changes({each.name: container_that_meets(each) for each in births if each.source == KUBERNETES})
        if self.world.child == "forked":
            self.world.child_executes()

    @property
    def state(self) -> State:
        """Give what the supervisor knows."""
        return self.world.state

    @property
    def pod_is_watched(self) -> bool:
        """Tell whether a helper reports on the pod: from the first look until nothing depends on it any more."""
        truth, world = self.world.truth, self.world
        depends = truth.births_are_in_the_pod or truth.deaths_are_in_the_pod
        return depends and truth.surveyed and self.state.ending is None and not world.count(actions.EndPodWatch)

    # ── what may happen ──────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.state.ending is None)
    @rule(name=st.sampled_from(NAMES), peer=peers)
    def a_peer_changes(self, name: str, peer: Peer) -> None:
        """At any time, in any way: peers are not bound to make sense."""
        self.world.peer_changes(name, peer)

    @precondition(lambda self: not self.world.truth.surveyed and self.state.ending is None)
    @rule()
    def the_first_look_is_over(self) -> None:
        """Once."""
        self.world.first_look_is_over()

    @precondition(lambda self: self.pod_is_watched)
    @rule(snapshot=snapshots)
    def the_pod_changes(self, snapshot: dict[str, Container]) -> None:
        """Each snapshot is all that is known; it is not bound to make sense either."""
        self.world.pod_changes(snapshot)

    @precondition(lambda self: self.pod_is_watched)
    @rule(why=troubles)
    def the_pod_cannot_be_read(self, why: str) -> None:
        """For a while."""
        self.world.pod_is_in_trouble(why)

    @precondition(lambda self: self.pod_is_watched)
    @rule(internal=st.booleans(), now=st.sampled_from([False, False, True]))
    def the_watch_of_the_pod_fails(self, internal: bool, now: bool) -> None:
        """Not always at the first opportunity: a wait ends by it."""
        if now or self.state.phase != WAITING:
            self.world.pod_watch_fails(internal=internal)

    @precondition(lambda self: self.pod_is_watched)
    @rule(now=st.sampled_from([False, False, True]))
    def the_pod_is_deleted(self, now: bool) -> None:
        """Not always at the first opportunity: a wait ends by it."""
        if now or self.state.phase != WAITING:
            self.world.pod_goes()

    @precondition(lambda self: self.world.asked == "asked" and self.world.has_child)
    @rule(error=st.sampled_from(["", "connection refused"]))
    def the_request_is_answered(self, error: str) -> None:
        """Once, at any time before the child's end."""
        self.world.request_is_answered(error)

    @precondition(lambda self: self.state.ending is None)
    @rule(number=numbers | st.none(), from_terminal=st.booleans(), ignored=st.booleans(), now=st.sampled_from([False, False, False, True]))
    def a_signal_comes(self, number: int | None, from_terminal: bool, ignored: bool, now: bool) -> None:
        """At any time; None stands for the configured stop signal. SIGKILL reaches nobody but its victim. Most of them end a wait: not always so."""
        if self.state.phase == WAITING and not now:
            return
        stop_signal = self.state.config.stop_signal
        self.world.signal_comes(events.SignalReceived(number or (TERM if stop_signal in (0, KILL) else stop_signal), from_terminal, ignored))

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

    @precondition(lambda self: self.world.has_child and not self.world.child_stopped and not self.world.child_killed)
    @rule()
    def the_child_stops(self) -> None:
        """Ctrl-Z, SIGSTOP."""
        self.world.child_stopped = True
        self.world.happens(events.ChildStopped())

    @precondition(lambda self: self.world.has_child and self.world.child_stopped and not self.world.child_killed)
    @rule()
    def the_child_is_continued_with_us(self) -> None:
        """By a shell's `fg`."""
        self.world.child_stopped = False
        self.world.happens(events.ChildContinued())

    @precondition(lambda self: self.world.has_child and not self.world.child_killed and not self.world.child_stopped)
    @rule(code=st.sampled_from([0, 3, 143]), signal=st.sampled_from([0, 0, TERM, INT, 11]), now=st.sampled_from([False, False, True]))
    def the_child_ends(self, code: int, signal: int, now: bool) -> None:
        """In its own way, not always at the first opportunity: lives that end early show little."""
        if now:
            self.world.child_ends(0 if signal else code, signal, out_of_memory=False)

    @precondition(lambda self: self.world.has_child)
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
    def a_stop_that_is_held_back_reaches_the_child(self) -> None:
        """When its time has come, or by a second one: it is not lost, and no delay follows the delay."""
        if self.world.held and self.world.has_child:
            held = self.world.held
            in_time, asked_again = self.world.copy(), self.world.copy()
            in_time.time_passes(1)
            asked_again.signal_comes(events.SignalReceived(TERM))
            for world in (in_time, asked_again):
                assert actions.SignalChild(held) in world.done[len(self.world.done) :]
                assert world.state.deadline is None

    @invariant()
    def dead_dependencies_end_every_child(self) -> None:
        """From any state with a child: when all death dependencies end in the way wanted, the child is told, and at the latest killed."""
        world = self.world.copy()
        deaths = world.state.config.death_deps
        if world.has_child and deaths:
            for dependency in deaths:
                if dependency.source == GRAVEYARD:
                    world.peer_changes(dependency.name, peer_that_meets(dependency))
            if self.pod_is_watched:
                world.pod_changes({each.name: container_that_meets(each) for each in deaths if each.source == KUBERNETES})
            if world.state.config.death_mode == "any" or world.truth.all_deaths_hold():
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
            check_ending(state.ending, state.config, self.world)
            stone = state.ending.bury(Tombstone(), TIMES[0])
            assert stone.died
            assert stone.exit_code == state.ending.exit_code

    @invariant()
    def the_deadline_is_set_when_it_must_be(self) -> None:
        """Limit a wait, a delay, and a stop that has not come to SIGKILL; nothing else: idle means no timer."""
        assert self.state.deadline == self.world.expected_deadline()

    @invariant()
    def the_pod_is_watched_while_something_depends_on_it(self) -> None:
        """End the helper once, before the child starts or when it is told to stop; at our own end without a word."""
        ends = self.world.count(actions.EndPodWatch)
        assert ends == self.world.expected_watch_ends()

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
        truth = self.world.truth
        if self.state.phase == WAITING and truth.surveyed:
            assert truth.births_missing() or truth.pod_is_missing()
            assert not truth.death_holds()

    @invariant()
    def a_wait_ends_when_what_is_waited_for_has_died(self) -> None:
        """But a death that was there before us is waited out, and so is one that the kubelet follows by a new life."""
        if self.state.phase == WAITING and self.world.truth.surveyed:
            assert not self.world.truth.births_lost()

    @invariant()
    def a_child_that_is_told_to_end_is_not_left_stopped(self) -> None:
        """Let it obey: a stopped one could not."""
        if self.state.phase in (STARTING, RUNNING) and self.state.stop is not None:
            assert not self.world.child_stopped

    @invariant()
    def nobody_is_left_running_after_a_death(self) -> None:
        """While the condition holds, a living child has been told."""
        if self.state.phase in (STARTING, RUNNING) and self.world.truth.death_holds():
            assert self.state.stop is not None


class LifecycleInPod(Lifecycle):
    """The same where the start depends on the pod: half of the lives begin in the wait for it."""

    @initialize(config=configs(KUBERNETES, least_births=1), restarted=st.booleans(), well=st.booleans())
    def begin(self, config: Config, restarted: bool, well: bool) -> None:
        """Start, and look at the graveyard."""
        self.world = World(State(config, restarted=restarted))
        self.world.first_look_is_over()
        if well:
            self.all_goes_well()


class LifecycleOfStops(Lifecycle):
    """The same with a child that runs, and an outside stop that will be held back."""

    @initialize(config=configs(GRAVEYARD, least_deaths=1, delays=(1, 10)), restarted=st.booleans())
    def begin(self, config: Config, restarted: bool) -> None:
        """Start the child."""
        self.world = World(State(config, restarted=restarted))
        self.all_goes_well()


for machine in (Lifecycle, LifecycleInPod, LifecycleOfStops):
    machine.TestCase.settings = settings(max_examples=150, stateful_step_count=30)
TestLifecycle: Any = Lifecycle.TestCase
TestLifecycleInPod: Any = LifecycleInPod.TestCase
TestLifecycleOfStops: Any = LifecycleOfStops.TestCase
