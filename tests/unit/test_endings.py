"""Every end that there is: exit status, reason and message."""

from __future__ import annotations

import pytest

from kubexit.domain import endings, tombstone
from kubexit.domain.config import Config
from kubexit.domain.dependencies import ABSENT, FREE, HELD, Dependency, Facts, Peer
from kubexit.domain.endings import Ending, Stop
from kubexit.domain.events import ChildExited, StartFailed
from kubexit.domain.exit_codes import parse_exit_rules
from kubexit.domain.tombstone import Tombstone

TIME = "2026-11-20T03:12:18Z"
MAIN, DB = Dependency("main", "exited", "main"), Dependency("db", "failed", "db:failed")
WELL = Peer(Tombstone(died=TIME, exit_code=0), FREE)
BADLY = Peer(Tombstone(died=TIME, exit_code=3), FREE)
VANISHED = Peer(Tombstone(born=TIME), FREE)
ALIVE = Peer(Tombstone(born=TIME, ready_at=TIME), HELD)
GOOD_STOP, BAD_STOP = Stop(((MAIN, WELL),)), Stop(((MAIN, BADLY),))


def config(rules: str = "stopped:0", stop_signal: int = 15) -> Config:
    """Give a configuration with these exit rules."""
    return Config(
        "me",
        "/g",
        exit_rules=parse_exit_rules(rules.split(",")),
        stop_signal=stop_signal,
        grace_period=90_000_000_000,
        birth_timeout=500_000_000,
    )


def end(
    event: ChildExited,
    stop: Stop | None = None,
    *,
    killed: bool = False,
    outside: tuple[int, ...] = (),
    rules: str = "stopped:0",
    stop_signal: int = 15,
) -> Ending:
    """Give the end that this child's end is."""
    return endings.child_exited(config(rules, stop_signal), event, stop, killed=killed, outside_stops=outside)


@pytest.mark.parametrize(
    ("event", "code", "reason", "message"),
    [
        (ChildExited(0), 0, "Completed", "the child exited 0"),
        (ChildExited(7), 7, "Error", "the child exited 7"),
        (ChildExited(255), 255, "Error", "the child exited 255"),
        (ChildExited(143), 143, "Error", "the child exited 143"),
        (ChildExited(0, 15), 143, "Error", "the child ended by SIGTERM"),
        (ChildExited(0, 11), 139, "Error", "the child ended by SIGSEGV"),
        (ChildExited(0, 9), 137, "Error", "the child ended by SIGKILL"),
        (ChildExited(0, 9, out_of_memory=True), 137, "OOMKilled", "the child ended by SIGKILL"),
        (ChildExited(0, 11, out_of_memory=True), 139, "Error", "the child ended by SIGSEGV"),
        (ChildExited(1, 0, out_of_memory=True), 1, "Error", "the child exited 1"),
        (ChildExited(0, 64), 192, "Error", "the child ended by SIGRTMIN+30"),
    ],
)
def test_a_child_that_ends_by_itself(event: ChildExited, code: int, reason: str, message: str) -> None:
    """The code of an exit, 128+n for signal n, as shells have it; the OOM killer is named where it was at work."""
    assert end(event) == Ending(code, reason, message, code, event.signal)


@pytest.mark.parametrize(
    ("stop", "event", "code"),
    [
        (GOOD_STOP, ChildExited(0, 15), 0),
        (GOOD_STOP, ChildExited(143), 0),  # as JVMs and proxies do
        (GOOD_STOP, ChildExited(0), 0),
        (GOOD_STOP, ChildExited(15), 15),
        (GOOD_STOP, ChildExited(1), 1),
        (GOOD_STOP, ChildExited(0, 2), 130),
        (GOOD_STOP, ChildExited(0, 9), 137),  # somebody else's SIGKILL
        (BAD_STOP, ChildExited(0, 15), 143),
        (BAD_STOP, ChildExited(143), 143),
        (BAD_STOP, ChildExited(0), 0),
        (Stop(((MAIN, VANISHED),)), ChildExited(0, 15), 143),
        (Stop(((MAIN, WELL), (DB, BADLY))), ChildExited(0, 15), 143),
        (Stop(((MAIN, WELL), (DB, WELL))), ChildExited(0, 15), 0),
        (Stop(((Dependency("main", "started"), ALIVE),)), ChildExited(0, 15), 0),  # no death, so no failure
    ],
)
def test_a_child_that_obeys_a_stop_never_fails_a_job_that_succeeded(stop: Stop, event: ChildExited, code: int) -> None:
    """`stopped:0` applies where every death was a success and the child ended by that very signal or with 128+signal."""
    ending = end(event, stop)
    assert (ending.exit_code, ending.reason) == (code, tombstone.DEPENDENCY_DIED)


def test_the_message_of_a_stop_names_its_causes_and_the_end() -> None:
    """`kubectl describe pod` shows no more than this."""
    assert end(ChildExited(0, 15), BAD_STOP).message == "death dependency main exited 3; the child ended by SIGTERM"
    assert end(ChildExited(1), Stop(((MAIN, WELL), (DB, VANISHED)))).message == (
        "death dependencies main exited 0, db vanished (its supervisor was killed, or could not write down the end); the child exited 1"
    )


def test_obeying_means_the_configured_signal() -> None:
    """A child that is told by SIGQUIT and ends by SIGTERM was stopped by somebody else."""
    assert end(ChildExited(0, 3), GOOD_STOP, stop_signal=3).exit_code == 0
    assert end(ChildExited(131), GOOD_STOP, stop_signal=3).exit_code == 0
    assert end(ChildExited(0, 15), GOOD_STOP, stop_signal=3).exit_code == 143


def test_stopped_always_applies_however_the_dependencies_ended() -> None:
    """What the forks' aliases mean."""
    assert end(ChildExited(0, 15), BAD_STOP, rules="stopped-always:0,killed:0").exit_code == 0
    assert end(ChildExited(0, 9), BAD_STOP, killed=True, rules="stopped-always:0,killed:0").exit_code == 0
    assert end(ChildExited(0, 9), BAD_STOP, killed=True, rules="stopped-always:0").exit_code == 137
    assert end(ChildExited(1), BAD_STOP, rules="stopped-always:0").exit_code == 1


def test_a_child_that_has_to_be_killed() -> None:
    """The grace period ran out: its own reason, cause and message, whatever the deaths were."""
    ending = end(ChildExited(0, 9), GOOD_STOP, killed=True)
    assert ending == Ending(137, "GraceExpired", "death dependency main exited 0; the child did not end within 1m30s and was killed", 137, 9)
    assert end(ChildExited(0, 9), GOOD_STOP, killed=True, rules="stopped:1,killed:2").exit_code == 2


def test_a_child_that_ends_just_before_it_is_killed() -> None:
    """SIGKILL was sent, but the child's own end came first: it obeyed."""
    ending = end(ChildExited(0, 15), GOOD_STOP, killed=True)
    assert (ending.exit_code, ending.reason) == (0, "DependencyDied")
    assert end(ChildExited(4), GOOD_STOP, killed=True).exit_code == 4


def test_a_child_that_is_told_by_sigkill_obeys_by_it() -> None:
    """KUBEXIT_STOP_SIGNAL=KILL: no grace ran out."""
    ending = end(ChildExited(0, 9), GOOD_STOP, stop_signal=9)
    assert (ending.exit_code, ending.reason) == (0, "DependencyDied")


@pytest.mark.parametrize(("event", "number"), [(ChildExited(0, 15), 15), (ChildExited(143), 15), (ChildExited(0, 2), 2)])
def test_an_outside_stop_that_was_obeyed_is_no_error_of_ours(event: ChildExited, number: int) -> None:
    """Whoever stopped us knows why: no error in the log, the code is the child's own, and the rule `stopped` does not apply."""
    ending = end(event, outside=(15, 2), rules="stopped:9")
    assert (ending.exit_code, ending.reason, ending.failed) == (128 + number, "Terminated", False)
    assert ending.message.endswith({15: " after SIGTERM from outside", 2: " after SIGINT from outside"}[number])


@pytest.mark.parametrize(
    ("event", "reason", "failed"),
    [(ChildExited(0), "Completed", False), (ChildExited(3), "Error", True), (ChildExited(0, 11), "Error", True)],
)
def test_another_end_after_an_outside_stop_is_the_child_s_own(event: ChildExited, reason: str, failed: bool) -> None:
    """A program that handled Ctrl-C an hour ago and fails now has failed."""
    ending = end(event, outside=(2, 15))
    assert (ending.reason, ending.failed) == (reason, failed)
    assert "from outside" not in ending.message


def test_the_kernel_s_killer_is_named_even_after_an_outside_stop() -> None:
    """Lack of memory is what somebody has to act upon."""
    assert end(ChildExited(0, 9, out_of_memory=True), outside=(15,)).reason == "OOMKilled"


def test_rules_by_code_apply_to_any_end_of_the_child() -> None:
    """`*` and codes ask for no cause."""
    assert end(ChildExited(3), rules="3:0").exit_code == 0
    assert end(ChildExited(0), rules="*:5").exit_code == 5
    assert end(ChildExited(0, 15), BAD_STOP, rules="143:0").exit_code == 0
    assert end(ChildExited(0, 15), outside=(15,), rules="143:0").exit_code == 0


@pytest.mark.parametrize(
    ("peers", "rules", "code"),
    [
        ((WELL,), "stopped:0", 0),
        ((WELL, WELL), "stopped:0", 0),
        ((BADLY,), "stopped:0", 143),
        ((WELL, BADLY), "stopped:0", 143),
        ((VANISHED,), "stopped:0", 143),
        ((BADLY,), "stopped-always:0", 0),
        ((WELL,), "143:4", 4),
        ((BADLY,), "killed:0,*:5", 5),
        ((WELL,), "killed:0", 143),
    ],
)
def test_a_dependency_that_was_dead_before_the_start(peers: tuple[Peer, ...], rules: str, code: int) -> None:
    """0 if each of the deaths was a success, else 143; the cause is `stopped`, so the rules apply."""
    deaths: list[tuple[Dependency, Facts]] = [(MAIN, peer) for peer in peers]
    ending = endings.dead_before_start(config(rules), deaths)
    assert (ending.exit_code, ending.reason, ending.child_code) == (code, "DependencyDied", None)
    assert ending.message.endswith("; the command was not started")


def test_a_birth_dependency_that_dies_is_named() -> None:
    """With how it ended and what was waited for."""
    ending = endings.birth_failed(Dependency("db", "ready"), BADLY)
    assert (ending.exit_code, ending.reason, ending.failed) == (1, "DependencyFailed", True)
    assert "birth dependency db exited 3 before it was ready" in ending.message


def test_a_birth_timeout_names_each_missing_dependency_with_its_state() -> None:
    """And the variable by which it can be made longer."""
    ending = endings.birth_timeout(config(), [(Dependency("db", "ready"), ABSENT), (Dependency("cache", "succeeded"), ALIVE)], "")
    assert (ending.exit_code, ending.reason, ending.failed) == (1, "BirthTimeout", True)
    assert ending.message.startswith("birth dependencies not met within 500ms: db (wanted: ready): not seen, cache (wanted: succeeded): ready;")
    assert "KUBEXIT_BIRTH_TIMEOUT" in ending.message
    assert "trouble" not in ending.message


def test_a_signal_during_the_wait() -> None:
    """128+n, and no error: somebody wanted it."""
    ending = endings.signalled_before_start(2, [Dependency("db", "ready"), Dependency("cache", "ready")])
    assert ending == Ending(130, "Terminated", "received SIGINT while waiting for db, cache; the command was not started")
    assert not ending.failed
    assert endings.signalled_before_start(64, []) == Ending(192, "Terminated", "received SIGRTMIN+30; the command was not started")


@pytest.mark.parametrize("code", [1, 126, 127])
def test_a_start_that_fails(code: int) -> None:
    """The code is what shells use; no rule of the user's changes it."""
    ending = endings.start_failed(StartFailed(code, "why"))
    assert (ending, ending.failed) == (Ending(code, "StartFailed", "why"), True)


def test_the_tombstone_of_an_end() -> None:
    """Born stays, the end is added; the child's own code only where it differs."""
    born = Tombstone(born="b", ready_at="r")
    assert Ending(0, "DependencyDied", "m", 143, 15).bury(born, "d") == Tombstone("b", "r", "d", 0, 143, "SIGTERM", "DependencyDied", "m")
    assert Ending(7, "Error", "m", 7, 0).bury(born, "d") == Tombstone("b", "r", "d", 7, None, None, "Error", "m")
    assert Ending(2, "ConfigError", "m").bury(Tombstone(), "d") == Tombstone(None, None, "d", 2, None, None, "ConfigError", "m")


def test_no_message_makes_a_tombstone_too_large_to_be_read() -> None:
    """A command or a list of dependencies may be 100 kB long; what is over 64 KiB is read by nobody, who would then wait for ever."""
    stone = Ending(127, "StartFailed", "\u65e5" * 100_000).bury(Tombstone(born=TIME, ready_at=TIME), TIME)
    assert len(tombstone.format_tombstone(stone).encode()) < tombstone.LARGEST


def test_what_counts_as_an_error() -> None:
    """A status other than 0, but for an outside stop."""
    assert Ending(1, "Error", "").failed
    assert Ending(143, "DependencyDied", "").failed
    assert not Ending(0, "DependencyDied", "").failed
    assert not Ending(143, "Terminated", "").failed
