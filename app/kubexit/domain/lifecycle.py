"""The policy: what to do when something happens. Pure: every race is a sequence of events that a test can write down.

    WAITING ──► STARTING ──► RUNNING ──► ENDED         StartChild, then ChildStarted
       └───────────┴────────────┴──────────▲           a death, a signal, a timeout, a failure, the child's end

A stop that dead dependencies cause is told in any phase with a child (`State.stop`); its deadline leads to SIGKILL.
"""

from __future__ import annotations

from kubexit.domain import actions, endings, events
from kubexit.domain.config import ALL_OF_THEM, Config
from kubexit.domain.dependencies import ABSENT, Dependency, Peer
from kubexit.domain.endings import Ending, Stop
from kubexit.domain.record import Record
from kubexit.domain.signal_names import CONT, INT, KILL, QUIT, TERM, TSTP, TTIN, TTOU, URG, WINCH, signal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from kubexit.domain.actions import Action
    from kubexit.domain.events import Event

    Step = tuple["State", list[Action]]

WAITING = "waiting"  # for birth dependencies, or for the first look at the graveyard
STARTING = "starting"  # forked, but not known to execute its program yet
RUNNING = "running"
ENDED = "ended"

SUPERVISOR = "supervisor"
DEATH_WATCHER = "death graveyard watcher"
BIRTH_WATCHER = "birth dependencies watcher"

SENT_TO_THE_GROUP = (INT, QUIT, TSTP, WINCH)  # by a terminal. Not HUP: that goes to the session's leader alone
HARMLESS = (CONT, URG, WINCH)  # what would not end a process that is none of a supervisor either
SUSPENDING = (TSTP, TTIN, TTOU)


class State(Record):
    """All that is known. Times are nanoseconds of the monotonic clock."""

    config: Config
    restarted: bool = False  # this container was here before: its own lock file or tombstone was found
    phase: str = WAITING
    surveyed: bool = False
    peers: Mapping[str, Peer] = {}  # never changed in place
    ended_before: Mapping[str, Peer] = {}  # peers that had ended before our first look, and have not lived since
    deadline: int | None = None
    stop: Stop | None = None
    killed: bool = False
    child_stopped: bool = False
    outside_stops: Mapping[int, int] = {}  # TERM and its like, that came from outside and were passed on, and when
    ending: Ending | None = None


def step(state: State, event: Event, now: int) -> Step:
    """Give the next state and what is to be done, in this order."""
    if state.phase == ENDED:
        return state, []
    return HANDLERS[type(event)](state, event, now)


def is_outside_stop(config: Config, event: events.SignalReceived) -> bool:
    """Tell whether a signal asks us to stop. Images may set a STOPSIGNAL of their own, hence the configured one.

    That may be WINCH, as httpd's is: a terminal that is resized asks nothing.
    """
    asks = event.number in (TERM, INT, QUIT, config.stop_signal)
    return asks and not (event.from_terminal and event.number == WINCH)


# ── the graveyard ────────────────────────────────────────────────────────────────────────────────────────────────


def _peer_changed(state: State, event: events.PeerChanged, now: int) -> Step:
    name, peer = event.name, event.peer
    before = state.ended_before
    if name in before and not peer.is_same_end_as(before[name]):
        before = {other: known for other, known in before.items() if other != name}
    following = state.replace(peers={**state.peers, name: peer}, ended_before=before)
    if not state.surveyed:
        return following, []
    return _then(_news(state, following, name), _reconsider(following, now))


def _graveyard_surveyed(state: State, _event: events.GraveyardSurveyed, now: int) -> Step:
    config = state.config
    deadline = now + config.birth_timeout if config.birth_deps and config.birth_timeout else None
    before = {name: peer for name, peer in state.peers.items() if peer.ended}
    following = state.replace(surveyed=True, ended_before=before, deadline=deadline)
    news = [trace for name in state.peers for trace in _news(State(config), following, name)]
    return _then(news, _reconsider(following, now))


def _news(before: State, state: State, name: str) -> list[Action]:
    """Trace what is new of a peer, in the words of the originals."""
    peer = _peer(state, name)
    news: list[Action] = []
    if peer.ended and not _peer(before, name).ended and _is_among(name, state.config.death_deps):
        news.append(actions.Trace(DEATH_WATCHER, f"New death: {name}"))
    if state.phase == WAITING and _is_among(name, state.config.birth_deps):
        news.append(actions.Trace(BIRTH_WATCHER, f"{name}: {peer.describe()}"))
    return news


def _is_among(name: str, dependencies: tuple[Dependency, ...]) -> bool:
    return any(dependency.name == name for dependency in dependencies)


def _reconsider(state: State, now: int) -> Step:
    """Act on what is known of the peers: it counts the same whether it was true before us or came true just now."""
    deaths = _deaths(state)
    if state.phase == WAITING:
        return _reconsider_wait(state, deaths)
    if deaths and state.stop is None:
        return _begin_stop(state, deaths, now)
    return state, []


def _peer(state: State, name: str) -> Peer:
    """Give what counts as known of a peer. After our own restart, one that had failed is about to be restarted as well."""
    peer = state.peers.get(name, ABSENT)
    return ABSENT if state.restarted and name in state.ended_before and not peer.succeeded else peer


def _deaths(state: State) -> list[tuple[Dependency, Peer]]:
    """Give the death dependencies that are a reason to stop now."""
    wanted = state.config.death_deps
    met = [(dependency, _peer(state, dependency.name)) for dependency in wanted]
    met = [(dependency, peer) for dependency, peer in met if peer.meets(dependency.condition)]
    return [] if state.config.death_mode == ALL_OF_THEM and len(met) < len(wanted) else met


def _reconsider_wait(state: State, deaths: list[tuple[Dependency, Peer]]) -> Step:
    if deaths:
        return _end(state, endings.dead_before_start(state.config, deaths))
    unmet = _unmet_births(state)
    for dependency in unmet:
        peer = _peer(state, dependency.name)
        if peer.ended and dependency.name not in state.ended_before:
            return _end(state, endings.birth_failed(dependency, peer))
    if unmet:
        return state, []
    return state.replace(phase=STARTING, deadline=None), [actions.StartChild()]


def _unmet_births(state: State) -> list[Dependency]:
    wanted = state.config.birth_deps
    return [dependency for dependency in wanted if not _peer(state, dependency.name).meets(dependency.condition)]


def _begin_stop(state: State, deaths: list[tuple[Dependency, Peer]], now: int) -> Step:
    signal = state.config.stop_signal
    todo: list[Action] = [actions.Trace(SUPERVISOR, "Terminating child process")]
    told = state.outside_stops.get(signal)
    if told is None or now >= told + state.config.grace_period:  # to many programs a second SIGTERM means "at once"
        todo.append(actions.SignalChild(signal))
    if state.child_stopped:  # else the signal would wait for a SIGCONT that nobody sends
        todo.append(actions.SignalChild(CONT))
    stop = Stop(tuple(deaths))
    return state.replace(stop=stop, deadline=now + state.config.grace_period, child_stopped=False), todo


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _deadline_passed(state: State, _event: events.DeadlinePassed, now: int) -> Step:
    if state.deadline is None or now < state.deadline:
        return state, []
    if state.phase == WAITING:
        unmet = [(dependency, state.peers.get(dependency.name, ABSENT)) for dependency in _unmet_births(state)]
        return _end(state, endings.birth_timeout(state.config, unmet))
    kill: list[Action] = [actions.Trace(SUPERVISOR, "Killing child process"), actions.SignalChild(KILL)]
    return state.replace(deadline=None, killed=True), kill


# ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _signal_received(state: State, event: events.SignalReceived, now: int) -> Step:
    news: list[Action] = [actions.Trace(SUPERVISOR, f"Received signal: {signal_name(event.number)}")]
    return _then(news, _signal_while_waiting(state, event) if state.phase == WAITING else _pass_on(state, event, now))


def _signal_while_waiting(state: State, event: events.SignalReceived) -> Step:
    """Do what the signal would do to a program without handlers: there is no child yet that could have any."""
    number = event.number
    ends = number in (TERM, state.config.stop_signal) and is_outside_stop(state.config, event)
    if not ends:  # these two end the wait whatever else they are
        if event.ignored or number in HARMLESS:
            return state, []
        if number in SUSPENDING:
            return state, [actions.StopSelf()]
    return _end(state, endings.signalled_before_start(number, _unmet_births(state)))


def _pass_on(state: State, event: events.SignalReceived, now: int) -> Step:
    number = event.number
    if is_outside_stop(state.config, event):
        state = state.replace(outside_stops={**state.outside_stops, number: now})
    if number == CONT:
        state = state.replace(child_stopped=False)
    if event.from_terminal and number in SENT_TO_THE_GROUP and not state.config.signal_group:
        return state, []
    return state, [actions.SignalChild(number)]


# ── the child ────────────────────────────────────────────────────────────────────────────────────────────────────


def _child_started(state: State, _event: events.ChildStarted, _now: int) -> Step:
    return state.replace(phase=RUNNING), [actions.RecordBirth()]


def _start_failed(state: State, event: events.StartFailed, _now: int) -> Step:
    return _end(state, endings.start_failed(event))


def _child_stopped(state: State, _event: events.ChildStopped, _now: int) -> Step:
    if state.stop is not None:
        return state, [actions.SignalChild(CONT)]
    return state.replace(child_stopped=True), [actions.StopSelf()]


def _child_exited(state: State, event: events.ChildExited, _now: int) -> Step:
    ending = endings.child_exited(state.config, event, state.stop, killed=state.killed, outside_stops=tuple(state.outside_stops))
    return _then([actions.Trace(SUPERVISOR, "Received signal: child exited")], _end(state, ending))


def _end(state: State, ending: Ending) -> Step:
    return state.replace(phase=ENDED, deadline=None, ending=ending), []


def _then(first: list[Action], following: Step) -> Step:
    state, todo = following
    return state, first + todo


HANDLERS: dict[type[Event], Callable[[State, Any, int], Step]] = {
    events.PeerChanged: _peer_changed,
    events.GraveyardSurveyed: _graveyard_surveyed,
    events.SignalReceived: _signal_received,
    events.ChildStarted: _child_started,
    events.StartFailed: _start_failed,
    events.ChildStopped: _child_stopped,
    events.ChildExited: _child_exited,
    events.DeadlinePassed: _deadline_passed,
}
