"""What the model test of the lifecycle draws from: configurations, states of peers and containers, events that come too late."""

from __future__ import annotations

from hypothesis import strategies as st

from kubexit.domain import events
from kubexit.domain.config import Config, StopRequest
from kubexit.domain.dependencies import ABSENT, CONDITIONS, FREE, GRAVEYARD, HELD, KUBERNETES, NO_LOCK, UNSEEN, Container, Dependency, Peer
from kubexit.domain.exit_codes import ExitRule
from kubexit.domain.tombstone import Tombstone

NAMES, ME = ("a", "b", "c"), "me"
HUP, INT, QUIT, KILL, USR1, TERM, CONT = 1, 2, 3, 9, 10, 15, 18
TIMES = ["2026-11-20T03:12:18Z", "2026-11-20T03:12:19Z"]

# ── the graveyard: few peers, so that the same one comes again; whether an end is a new one is what much turns upon ──

BORN = Tombstone(born=TIMES[0])
READY = Tombstone(born=TIMES[0], ready_at=TIMES[0])
ENDS = [Tombstone(born=TIMES[0], died=died, exit_code=code) for died in TIMES for code in (0, 3, None)]
peers = st.sampled_from(
    [
        *(ABSENT, Peer(None, HELD), Peer(BORN, HELD), Peer(READY, HELD), Peer(BORN, NO_LOCK)),
        *(Peer(None, FREE), Peer(BORN, FREE), Peer(READY, FREE)),
        *(Peer(end, lock) for end in ENDS for lock in (FREE, HELD)),
    ]
)

# ── the pod's status ─────────────────────────────────────────────────────────────────────────────────────────────

UP, SERVING = Container(started=True), Container(started=True, ready=True)
containers = st.sampled_from(
    [
        *(UNSEEN, UP, SERVING, SERVING, UP.replace(restarts=1), SERVING.replace(restarts=1)),
        *(UP.replace(comes_back=False), SERVING.replace(comes_back=False)),  # restartPolicy Never: alive all the same
        *(Container(ended=True, exit_code=code, comes_back=back, restarts=count) for code in (0, 3) for back in (True, False) for count in (0, 1)),
    ]
)
snapshots = st.fixed_dictionaries({}, optional=dict.fromkeys((*NAMES, ME), containers))
troubles = st.sampled_from(["connection refused", "429 from the API server"])

# ── configurations ───────────────────────────────────────────────────────────────────────────────────────────────

rules = st.lists(
    st.builds(
        ExitRule,
        st.sampled_from(["stopped", "stopped-always", "killed", "told", "not-started", "*", 143, 0]),
        st.sampled_from([0, 5, 143]),
    ),
    max_size=2,
).map(tuple)
numbers = st.sampled_from([TERM, INT, QUIT, HUP, USR1, 64, *[CONT, 20, 21, 22, 23, 28] * 2])
stop_signals = st.sampled_from([TERM, TERM, INT, USR1, CONT, 20, 28, KILL, 0])


def dependencies(source: str, least: int) -> st.SearchStrategy[tuple[Dependency, ...]]:
    """Give lists whose facts come from this source."""
    each = st.builds(Dependency, st.sampled_from(NAMES), st.sampled_from(CONDITIONS), source=st.just(source))
    return st.lists(each, min_size=least, max_size=3, unique=True).map(tuple)


@st.composite
def configs(draw: st.DrawFn, births: str, least_births: int = 0, least_deaths: int = 0, delays: tuple[int, ...] = (0, 0, 1, 10)) -> Config:
    """Give what kubexit's variables or a koordinator spec may ask for; births come from this source, deaths from either."""
    deaths = draw(st.sampled_from([GRAVEYARD, KUBERNETES]))
    stop_signal = draw(stop_signals)
    requests = stop_signal != 0 and draw(st.sampled_from([False, False, True]))
    kubexit = tuple(dict.fromkeys((TERM, INT, QUIT, *([stop_signal] if stop_signal else []))))
    koordinator = (draw(st.sampled_from([HUP, INT, QUIT, USR1, TERM])),)
    return Config(
        name=ME,
        graveyard="/g",
        birth_deps=draw(dependencies(births, least_births)),
        birth_timeout=draw(st.sampled_from([0, 1, 10])),
        death_deps=draw(dependencies(deaths, least_deaths)),
        death_mode=draw(st.sampled_from(["any", "all"])),
        grace_period=draw(st.sampled_from([0, 1, 10])),
        stop_signal=stop_signal,
        stop_request=StopRequest("POST", "http://127.0.0.1/quit") if requests else None,
        stop_delay=draw(st.sampled_from(delays)),
        delayed_signals=draw(st.sampled_from([kubexit, kubexit, koordinator])),
        exit_rules=draw(rules),
        signal_group=draw(st.booleans()),
        readiness=births,
        death_source=deaths,
    )


AFTER_THE_END = [
    *(events.GraveyardSurveyed(), events.ChildStarted(), events.ChildStopped(), events.ChildContinued(), events.DeadlinePassed()),
    events.SignalReceived(TERM),
    *(events.ChildExited(1), events.StartFailed(127, "why"), events.PeerChanged("a", Peer(Tombstone(died=TIMES[0], exit_code=0), FREE))),
    *(events.PodChanged({"a": SERVING}), events.PodChanged({"a": Container(ended=True, comes_back=False)}), events.PodTroubled("why")),
    *(events.PodGone("why"), events.PodWatchFailed("why"), events.PodWatchFailed("why", internal=True)),
    *(events.StopRequestAnswered("why"), events.StopRequestAnswered()),
]
