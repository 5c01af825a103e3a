"""The policy: what to do when something happens. Pure: every race is a sequence of events that a test can write down.

    WAITING ──► STARTING ──► RUNNING ──► ENDED         StartChild, then ChildStarted
       └───────────┴────────────┴──────────▲           a death, a signal, a timeout, a failure, the child's end

A stop that dead dependencies cause is told in any phase with a child (`State.stop`); its deadline leads to SIGKILL. Facts about
dependencies come from the graveyard or from the pod's status, as each dependency says; what they mean is the same.
"""

from __future__ import annotations

from kubexit.domain import actions, endings, events
from kubexit.domain.dependencies import GRAVEYARD, KUBERNETES
from kubexit.domain.endings import Ending, Stop
from kubexit.domain.signal_names import CONT, INT, KILL, QUIT, TERM, TSTP, TTIN, TTOU, URG, WINCH, signal_name
from kubexit.domain.state import ENDED, RUNNING, STARTING, WAITING, State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from kubexit.domain.actions import Action
    from kubexit.domain.config import Config
    from kubexit.domain.dependencies import Dependency, Facts
    from kubexit.domain.events import Event

    Step = tuple[State, list[Action]]

SUPERVISOR = "supervisor"
DEATH_WATCHER = "death graveyard watcher"
BIRTH_WATCHER = "birth dependencies watcher"

SENT_TO_THE_GROUP = (INT, QUIT, TSTP, WINCH)  # by a terminal. Not HUP: that goes to the session's leader alone
HARMLESS = (CONT, URG, WINCH)  # what would not end a process that is none of a supervisor either
SUSPENDING = (TSTP, TTIN, TTOU)


def step(state: State, event: Event, now: int) -> Step:
    """Give the next state and what is to be done, in this order."""
    if state.phase == ENDED:
        return state, []
    return HANDLERS[type(event)](state, event, now)


def is_outside_stop(config: Config, event: events.SignalReceived) -> bool:
    """Tell whether a signal asks us to stop. Images may set a STOPSIGNAL of their own, hence the configured one.

    That may be WINCH, as httpd's is: a terminal that is resized asks nothing.
    """
    asks = event.number in (TERM, INT, QUIT, config.stop_signal, *config.delayed_signals)
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
    return _then(_news(state, following, name, GRAVEYARD), _reconsider(following, now))


def _graveyard_surveyed(state: State, _event: events.GraveyardSurveyed, now: int) -> Step:
    config = state.config
    deadline = now + config.birth_timeout if config.birth_timeout else None
    before = {name: peer for name, peer in state.peers.items() if peer.ended}
    following = state.replace(surveyed=True, ended_before=before, deadline=deadline)
    news = [trace for name in state.peers for trace in _news(State(config), following, name, GRAVEYARD)]
    return _then(news, _reconsider(following, now))


def _news(before: State, state: State, name: str, source: str) -> list[Action]:
    """Trace what is new of a dependency, in the words of the originals."""
    births, deaths = (
        [dependency for dependency in wanted if (dependency.name, dependency.source) == (name, source)]
        for wanted in (state.config.birth_deps, state.config.death_deps)
    )
    news: list[Action] = []
    if any(state.facts(dependency).ended and not before.facts(dependency).ended for dependency in deaths):
        news.append(actions.Trace(DEATH_WATCHER, f"New death: {name}"))
    if births and state.phase == WAITING:
        news.append(actions.Trace(BIRTH_WATCHER, f"{name}: {state.facts(births[0]).describe()}"))
    return news


# ── the pod's status ─────────────────────────────────────────────────────────────────────────────────────────────


def _pod_changed(state: State, event: events.PodChanged, now: int) -> Step:
    first = event.containers if state.containers is None else state.first_containers
    following = state.replace(containers=event.containers, first_containers=first, trouble="")
    known = state.containers or {}
    changed = [name for name, container in event.containers.items() if container != known.get(name)]
    news = [trace for name in changed for trace in _news(state, following, name, KUBERNETES)]
    return _then(news, _reconsider(following, now))


def _pod_troubled(state: State, event: events.PodTroubled, _now: int) -> Step:
    if event.why == state.trouble:
        return state, []
    return state.replace(trouble=event.why), [actions.Warn(event.why)]


def _pod_watch_failed(state: State, event: events.PodWatchFailed, _now: int) -> Step:
    if state.phase == WAITING:
        return _end(state, endings.pod_watch_failed(event))
    if event.internal:
        return state, [actions.Warn(f"{event.why}; the child lives on, and the pod's status is read again soon")]
    return state, [actions.Trace(DEATH_WATCHER, event.why)]  # it was told as trouble, again and again, before it was given up


def _pod_gone(state: State, event: events.PodGone, _now: int) -> Step:
    """End as SIGTERM would end us, which the kubelet sends a moment later or earlier: the outcome is no matter of luck."""
    if state.phase == WAITING:
        return _then([actions.Trace(BIRTH_WATCHER, event.why)], _end(state, endings.pod_gone(event)))
    return state, [actions.Trace(DEATH_WATCHER, event.why)]  # the child is about to be told by the kubelet


def _reconsider(state: State, now: int) -> Step:
    """Act on what is known: it counts the same whether it was true before us or came true just now."""
    deaths = state.deaths()
    if state.phase == WAITING:
        return _reconsider_wait(state, deaths)
    if deaths and state.stop is None:
        return _begin_stop(state, deaths, now)
    return state, []


def _reconsider_wait(state: State, deaths: list[tuple[Dependency, Facts]]) -> Step:
    config = state.config
    if deaths:
        return _end(state, endings.dead_before_start(config, deaths))
    unmet = state.unmet_births()
    for dependency in unmet:
        if state.is_lost(dependency):
            return _end(state, endings.birth_failed(dependency, state.facts(dependency)))
    unseen = not state.surveyed or (config.watches_pod and state.containers is None)
    if unmet or unseen:
        return state, []
    todo: list[Action] = [actions.EndPodWatch()] if config.waits_for_pod and not config.watches_pod else []
    return state.replace(phase=STARTING, deadline=None), [*todo, actions.StartChild()]


def _begin_stop(state: State, deaths: list[tuple[Dependency, Facts]], now: int) -> Step:
    config = state.config
    todo: list[Action] = [actions.Trace(SUPERVISOR, "Terminating child process")]
    if config.watches_pod:  # further deaths change nothing
        todo.append(actions.EndPodWatch())
    number = config.stop_signal or state.delayed  # what is held back is not lost where we have no signal of our own to send
    told = state.outside_stops.get(number)
    if config.stop_request:
        todo.append(actions.RequestStop(config.stop_request, config.grace_period))
    elif number and (told is None or now >= told + config.grace_period):  # to many programs a second SIGTERM means "at once"
        todo.append(actions.SignalChild(number))
    if state.child_stopped:  # else the signal would wait for a SIGCONT that nobody sends
        todo.append(actions.SignalChild(CONT))
    # an outside stop that is held back is as good as passed on
    return state.replace(stop=Stop(tuple(deaths)), deadline=now + config.grace_period, delayed=0, child_stopped=False), todo


def _stop_request_answered(state: State, event: events.StopRequestAnswered, _now: int) -> Step:
    if not event.error:
        return state, [actions.Trace(SUPERVISOR, "The child has taken the request to stop")]
    if state.killed:
        return state, []
    number = state.config.stop_signal
    warning = f"the child did not take the request to stop: {event.error}; {signal_name(number)} is sent instead"
    return state, [actions.Warn(warning), actions.SignalChild(number)]


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _deadline_passed(state: State, _event: events.DeadlinePassed, now: int) -> Step:
    if state.deadline is None or now < state.deadline:
        return state, []
    if state.phase == WAITING:
        unmet = [(dependency, state.last_known(dependency)) for dependency in state.unmet_births()]
        return _end(state, endings.birth_timeout(state.config, unmet, state.trouble))
    if state.delayed:
        return _end_delay(state, now)
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
    return _end(state, endings.signalled_before_start(number, state.unmet_births()))


def _pass_on(state: State, event: events.SignalReceived, now: int) -> Step:
    number = event.number
    has_had_it = event.from_terminal and number in SENT_TO_THE_GROUP and not state.config.signal_group
    if is_outside_stop(state.config, event) and not has_had_it and _is_to_be_delayed(state, number):
        return state.replace(delayed=number, deadline=now + state.config.stop_delay), []
    if state.delayed and is_outside_stop(state.config, event):  # asked a second time: now
        state, todo = _end_delay(state, now)
        if number in state.outside_stops:
            return state, [] if has_had_it else todo
        return _then(todo, _pass_on(state, event, now))
    if is_outside_stop(state.config, event):
        state = state.replace(outside_stops={**state.outside_stops, number: now})
    if number == CONT:
        state = state.replace(child_stopped=False)
    return state, [] if has_had_it else [actions.SignalChild(number)]


def _is_to_be_delayed(state: State, number: int) -> bool:
    config = state.config
    return bool(config.stop_delay) and number in config.delayed_signals and not state.delayed and not state.outside_stops and state.stop is None


def _end_delay(state: State, now: int) -> Step:
    number = state.delayed
    stopped = state.child_stopped and number != CONT
    following = state.replace(delayed=0, deadline=None, child_stopped=stopped, outside_stops={**state.outside_stops, number: now})
    return following, [actions.SignalChild(number)]


# ── the child ────────────────────────────────────────────────────────────────────────────────────────────────────


def _child_started(state: State, _event: events.ChildStarted, _now: int) -> Step:
    return state.replace(phase=RUNNING), [actions.RecordBirth()]


def _start_failed(state: State, event: events.StartFailed, _now: int) -> Step:
    return _end(state, endings.start_failed(event))


def _child_stopped(state: State, _event: events.ChildStopped, _now: int) -> Step:
    if state.stop is not None:
        return state, [actions.SignalChild(CONT)]
    return state.replace(child_stopped=True), [actions.StopSelf()]


def _child_continued(state: State, _event: events.ChildContinued, _now: int) -> Step:
    """Pass nothing on: a second SIGCONT would undo the next Ctrl-Z, if that has come by now."""
    return state.replace(child_stopped=False), [actions.Trace(SUPERVISOR, f"Received signal: {signal_name(CONT)}")]


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
    events.PodChanged: _pod_changed,
    events.PodTroubled: _pod_troubled,
    events.PodWatchFailed: _pod_watch_failed,
    events.PodGone: _pod_gone,
    events.SignalReceived: _signal_received,
    events.ChildStarted: _child_started,
    events.StartFailed: _start_failed,
    events.ChildStopped: _child_stopped,
    events.ChildContinued: _child_continued,
    events.ChildExited: _child_exited,
    events.StopRequestAnswered: _stop_request_answered,
    events.DeadlinePassed: _deadline_passed,
}
