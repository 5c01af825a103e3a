"""The loop: wait, make events of what came, let `lifecycle.step` decide, do what it says. One thread, nothing that blocks."""

from __future__ import annotations

import posix
import select
import time
from errno import ENOENT, ENOTDIR

from kubexit.domain import actions, events, exit_codes
from kubexit.domain.lifecycle import BIRTH_WATCHER, SUPERVISOR, step
from kubexit.domain.signal_names import CONT, KILL
from kubexit.domain.state import WAITING, State
from kubexit.linux import cgroup, process, signals, terminal
from kubexit.linux.process import Child, Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubexit.domain.actions import Action
    from kubexit.domain.config import Config
    from kubexit.domain.endings import Ending
    from kubexit.domain.events import Event
    from kubexit.graveyard import Graveyard, NoGraveyard
    from kubexit.linux.handover import Start
    from kubexit.log import Log
    from kubexit.pod import Pod
    from kubexit.watch import Watch

MILLISECOND = 1_000_000  # nanoseconds
LONGEST_POLL = 2**31 - 1  # milliseconds that poll(2) takes: 24 days


class Supervisor:
    """Supervises one command from the wait for its birth dependencies to its end."""

    def __init__(
        self, config: Config, arguments: list[bytes], start: Start, graveyard: Graveyard | NoGraveyard, watch: Watch | None, log: Log
    ) -> None:
        self._start, self._graveyard, self._watch, self._log = start, graveyard, watch, log
        self._arguments = arguments
        self._command = Command(arguments, start.environment)
        self._state = State(config, restarted=graveyard.restarted)
        self._child: Child | None = None
        self._oom_kills = 0
        self._reapable = False  # SIGCHLD came: there may be something to wait for
        self._poll = select.poll()
        self._pod = self._pod_of(config) if config.waits_for_pod or config.watches_pod else None
        process.adopt_orphans()
        signals.expect_children()
        self._signals = signals.SignalFd()
        self._poll.register(self._signals, select.POLLIN)
        if watch and watch.fileno() >= 0:
            self._poll.register(watch, select.POLLIN)

    def _pod_of(self, config: Config) -> Pod:
        from kubexit.pod import Pod  # noqa: PLC0415  0.3 ms that a start without it need not pay

        return Pod(config, self._start, self._poll, lambda message: self._log.event(BIRTH_WATCHER, message))

    def run(self) -> Ending:
        """Supervise, and give the end."""
        if self._watch:
            for name, peer in self._watch.survey():
                self._happened(events.PeerChanged(name, peer))
        for event in self._news_of_signals():  # what came while the interpreter started
            self._happened(event)
        self._happened(events.GraveyardSurveyed())
        if self._pod and self._state.phase == WAITING:
            for event in self._pod.begin_watch():
                self._happened(event)
        while self._state.ending is None:
            self._poll.poll(self._timeout())
            for event in self._news():
                self._happened(event)
        self._end_helpers()
        return self._state.ending

    def close(self) -> None:
        """Let the helpers that were ended go, and with them all that they have unpacked."""
        if self._pod:
            self._pod.wait_gone()

    def abandon(self) -> None:
        """End the child at once: we cannot go on (an internal error), and it must not live without a supervisor."""
        if self._child:
            self._child.send(KILL)
        self._end_helpers()

    def _end_helpers(self) -> None:
        if self._pod:
            self._pod.end()

    # ── what came ────────────────────────────────────────────────────────────────────────────────────────────────

    def _news(self) -> Iterator[Event]:
        """Give all that has happened. Signals first: nothing may start a child when a SIGTERM is there already."""
        yield from self._news_of_signals()
        if self._watch:
            for name, peer in self._watch.changes():
                yield events.PeerChanged(name, peer)
            if self._state.stop is not None and self._watch.all_ended:
                self._forget_watch()
        if self._pod:
            yield from self._pod.news()
        yield from self._news_of_start()
        yield from self._news_of_children()
        if self._state.deadline is not None and time.monotonic_ns() >= self._state.deadline:
            yield events.DeadlinePassed()

    def _forget_watch(self) -> None:
        """Listen no longer: the child was told to stop, all dependencies are dead, and the ends of other sidecars would wake us."""
        if self._watch and self._watch.fileno() >= 0:
            self._poll.unregister(self._watch)
        self._watch = None  # not closed: that takes 10 ms

    def _news_of_signals(self) -> Iterator[Event]:
        for signal in self._signals.read():
            if signal.number == signals.SIGCHLD:
                self._reapable = True
            else:
                shared = signal.from_terminal and (self._child is None or self._child.is_in_our_group())
                ignored = bool(self._start.ignored >> signal.number - 1 & 1)
                yield events.SignalReceived(signal.number, shared, ignored)

    def _news_of_start(self) -> Iterator[Event]:
        """Tell once whether the child executes its program."""
        child = self._child
        if child is None or child.started.fd < 0 or (error := child.start_error()) is None:
            return
        self._poll.unregister(child.started)
        child.started.close()
        if error:
            child.take_terminal()  # which the child had taken already
        yield self._start_failed(error) if error else events.ChildStarted()

    def _news_of_children(self) -> Iterator[Event]:
        """Reap all that ended: the child, and orphans that were left to us."""
        while self._reapable:
            pid, status = process.reap()
            self._reapable = pid != 0
            if self._reapable and self._pod:
                yield from self._pod.reaped(pid, status)
            if self._child is None or pid != self._child.pid:
                continue
            if process.stop_signal(status):
                yield events.ChildStopped()
                continue
            yield from self._news_of_start()  # it may have ended between the exec and our look at it
            code, signal = process.exit_of(status)
            out_of_memory = signal == KILL and cgroup.oom_kills() > self._oom_kills
            self._child.take_terminal()
            self._child = None
            yield events.ChildExited(code, signal, out_of_memory)

    def _start_failed(self, error: int) -> Event:
        command = self._arguments[0].decode("utf-8", "replace")
        why = posix.strerror(error)
        if error in (ENOENT, ENOTDIR):
            reason = f"cannot start {command}: {why}; is the command in the image and in PATH, and the interpreter that it names?"
            return events.StartFailed(exit_codes.NOT_FOUND, reason)
        reason = f"cannot start {command}: {why}; is it an executable file for this machine, and may this user execute it?"
        return events.StartFailed(exit_codes.CANNOT_EXECUTE, reason)

    def _timeout(self) -> int | None:
        """Give the milliseconds until something has to be done even if nothing comes; None: nothing ever."""
        looks = (self._watch.deadline() if self._watch else None, self._pod.deadline() if self._pod else None)
        times = [at for at in (self._state.deadline, *looks) if at is not None]
        if not times:
            return None
        return min(max(0, -((time.monotonic_ns() - min(times)) // MILLISECOND)), LONGEST_POLL)

    # ── what to do ───────────────────────────────────────────────────────────────────────────────────────────────

    def _happened(self, event: Event) -> None:
        pending = [event]
        while pending:
            self._state, todo = step(self._state, pending.pop(0), time.monotonic_ns())
            for action in todo:
                pending += self._perform(action)

    def _perform(self, action: Action) -> list[Event]:
        """Do it. What it causes at once is given as events."""
        match action:
            case actions.Trace(trace, message):
                self._log.event(trace, message)
            case actions.StartChild():
                return self._start_child()
            case actions.RecordBirth():
                self._graveyard.record_birth()
                self._oom_kills = cgroup.oom_kills()
            case actions.SignalChild(number):
                if self._child:
                    self._child.send(number)
            case actions.StopSelf():
                return self._stop_self()
            case actions.Warn(message):
                self._log.warning(message)
            case actions.EndPodWatch() if self._pod:
                self._pod.end_watch()
            case actions.RequestStop() if self._pod:
                return list(self._pod.request_stop(action))
        return []

    def _start_child(self) -> list[Event]:
        self._log.event(SUPERVISOR, "Start: " + self._arguments[0].decode("utf-8", "replace"))
        try:
            self._child = Child(self._command, self._start, lead_group=self._state.config.signal_group)
        except OSError as error:
            why = f"cannot start a process: {error.strerror}; the limits of processes and memory of this container are to be looked at"
            return [events.StartFailed(exit_codes.FAILURE, why)]
        self._poll.register(self._child.started, select.POLLIN)
        return []

    def _stop_self(self) -> list[Event]:
        """Stop with the child, where a shell's job control is there to continue us: else nobody would, and it would hang for ever."""
        if not terminal.is_there() or terminal.leads_session():
            return []
        if self._child:
            self._child.take_terminal()
        # a child in a group of its own got Ctrl-Z alone: a shell wants all of its job stopped, as in `kubexit ... | less`
        continued = signals.suspend(whole_group=self._state.config.signal_group)
        if self._child:
            self._child.give_terminal()
        if not continued:
            return []
        return [events.ChildContinued() if self._child and self._child.has_left_its_stop() else events.SignalReceived(CONT)]
