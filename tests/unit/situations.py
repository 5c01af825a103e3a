"""What the tests of the lifecycle have in common: peers and containers in every state, configurations, and a story that events are told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubexit.domain import actions, events
from kubexit.domain.config import Config
from kubexit.domain.dependencies import ABSENT, CONDITIONS, FREE, GRAVEYARD, HELD, KUBERNETES, Container, Dependency, Peer
from kubexit.domain.exit_codes import parse_exit_rules
from kubexit.domain.lifecycle import step
from kubexit.domain.signal_names import signal_number
from kubexit.domain.state import State
from kubexit.domain.tombstone import Tombstone

if TYPE_CHECKING:
    from kubexit.domain.actions import Action
    from kubexit.domain.endings import Ending
    from kubexit.domain.events import Event

SECOND = 1_000_000_000
TIME, LATER = "2026-11-20T03:12:18Z", "2026-11-20T03:12:19Z"
GONE = ABSENT
STARTING = Peer(None, HELD)
STARTED = Peer(Tombstone(born=TIME), HELD)
READY = Peer(Tombstone(born=TIME, ready_at=TIME), HELD)
GO_READY = Peer(Tombstone(born=TIME))
WELL = Peer(Tombstone(born=TIME, ready_at=TIME, died=LATER, exit_code=0), FREE)
BADLY = Peer(Tombstone(born=TIME, ready_at=TIME, died=LATER, exit_code=3), FREE)
VANISHED = Peer(Tombstone(born=TIME, ready_at=TIME), FREE)
NEVER_BORN = Peer(Tombstone(died=TIME, exit_code=127), FREE)
WELL_AND_HELD, BADLY_AND_HELD = WELL.replace(lock=HELD), BADLY.replace(lock=HELD)
BADLY_AGAIN = BADLY.replace(stone=BADLY.stone.replace(died="2026-11-20T03:12:59Z") if BADLY.stone else None)

# What the pod's status says of a container.
PULLING = Container(state="not ready, waiting: ImagePullBackOff")
UP = Container(started=True, state="started, but not ready")
SERVING = Container(started=True, ready=True, state="ready")
DONE = Container(ended=True, comes_back=False, state="exited 0")
FAILED = Container(ended=True, exit_code=3, comes_back=False, state="exited 3")
DONE_ONCE, FAILED_ONCE = DONE.replace(comes_back=True), FAILED.replace(comes_back=True)  # restartPolicy Always, OnFailure
ME, ME_AGAIN = UP, UP.replace(restarts=1)

SURVEYED, STARTED_CHILD, TIME_IS_UP = events.GraveyardSurveyed(), events.ChildStarted(), events.DeadlinePassed()
CHILD_STOPPED, CHILD_CONTINUED = events.ChildStopped(), events.ChildContinued()
START, BIRTH, SUSPEND, END_WATCH = actions.StartChild(), actions.RecordBirth(), actions.StopSelf(), actions.EndPodWatch()


def config(
    births: str = "",
    deaths: str = "",
    *,
    rules: str = "stopped:0",
    stop: str = "TERM",
    readiness: str = GRAVEYARD,
    death_source: str = GRAVEYARD,
    **others: Any,
) -> Config:
    """Give a configuration; dependencies as the user writes them."""
    return Config(
        "me",
        "/g",
        birth_deps=dependencies(births, "ready", readiness),
        death_deps=dependencies(deaths, "exited", death_source),
        exit_rules=parse_exit_rules(rules.split(",")),
        stop_signal=signal_number(stop),
        readiness=readiness,
        death_source=death_source,
        **others,
    )


def pod_config(births: str = "", deaths: str = "", **others: Any) -> Config:
    """Give a configuration whose dependencies are all read from the pod's status."""
    return config(births, deaths, readiness=KUBERNETES, death_source=KUBERNETES, **others)


def dependencies(text: str, default: str, source: str) -> tuple[Dependency, ...]:
    """Read `a,b:ready`."""
    items = [item.partition(":") for item in text.split(",") if item]
    assert all(condition in ("", *CONDITIONS) for _, _, condition in items)
    return tuple(Dependency(name, condition or default, name, source) for name, _, condition in items)


def peer(name: str, state: Peer) -> Event:
    """Say what the graveyard says of a peer."""
    return events.PeerChanged(name, state)


def pod(**containers: Container) -> Event:
    """Say what the pod's status says."""
    return events.PodChanged(containers)


def signal(name: str, *, terminal: bool = False, ignored: bool = False) -> Event:
    """Somebody sends us a signal."""
    return events.SignalReceived(signal_number(name), terminal, ignored)


def sent(*names: str) -> list[Action]:
    """Give the actions that send these signals to the child."""
    return [actions.SignalChild(signal_number(name)) for name in names]


def exits(code: int, signal_name: str = "") -> Event:
    """Say that the child ends."""
    return events.ChildExited(code, signal_number(signal_name) if signal_name else 0)


class Story:
    """A supervisor's life so far."""

    def __init__(self, its_config: Config, *told: Event, restarted: bool = False) -> None:
        self.state = State(its_config, restarted=restarted)
        self.now = 0
        self.traces: list[tuple[str, str]] = []
        self.done: list[Action] = []
        self.tell(*told)

    def tell(self, *told: Event) -> list[Action]:
        """Let these events happen now; give what is done about them, but for traces, which are kept apart."""
        done: list[Action] = []
        for event in told:
            self.state, todo = step(self.state, event, self.now)
            for action in todo:
                if isinstance(action, actions.Trace):
                    self.traces.append((action.trace, action.message))
                else:
                    done.append(action)
        self.done += done
        return done

    def wait(self, seconds: float) -> list[Action]:
        """Let time pass; a deadline that is reached on the way is told at its time, as the supervisor does."""
        until = self.now + int(seconds * SECOND)
        done: list[Action] = []
        while self.state.deadline is not None and self.state.deadline <= until:
            self.now = self.state.deadline
            done += self.tell(TIME_IS_UP)
        self.now = until
        return done

    @property
    def ending(self) -> Ending:
        """Give how it ended; it must have."""
        assert self.state.ending is not None
        return self.state.ending

    @property
    def outcome(self) -> tuple[int, str]:
        """Give exit status and reason."""
        return self.ending.exit_code, self.ending.reason

    @property
    def goes_on(self) -> bool:
        """Tell whether it has not ended."""
        return self.state.ending is None


def running(its_config: Config, *told: Event) -> Story:
    """Give the story of a child that runs; its dependencies, if there are any, live."""
    both = its_config.birth_deps + its_config.death_deps
    first = [peer(name, READY) for name in dict.fromkeys(dependency.name for dependency in both if dependency.source == GRAVEYARD)]
    containers = {dependency.name: SERVING for dependency in both if dependency.source == KUBERNETES}
    snapshot = [pod(**containers)] if containers else []
    story = Story(its_config, *first, SURVEYED, *snapshot, STARTED_CHILD)
    assert story.done == [*[END_WATCH] * (its_config.waits_for_pod and not its_config.watches_pod), START, BIRTH]
    story.tell(*told)
    return story
