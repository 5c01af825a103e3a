"""The stop that dead dependencies cause: signal, grace, SIGKILL, end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from unit.situations import (
    BADLY,
    BADLY_AGAIN,
    BADLY_AND_HELD,
    BIRTH,
    CHILD_CONTINUED,
    CHILD_STOPPED,
    GONE,
    NEVER_BORN,
    READY,
    SECOND,
    START,
    STARTED,
    STARTED_CHILD,
    STARTING,
    SURVEYED,
    SUSPEND,
    VANISHED,
    WELL,
    WELL_AND_HELD,
    Story,
    config,
    exits,
    peer,
    running,
    sent,
    signal,
)

if TYPE_CHECKING:
    from kubexit.domain.dependencies import Peer


@pytest.mark.parametrize("death", [WELL, BADLY, VANISHED, NEVER_BORN, WELL_AND_HELD])
def test_a_death_tells_the_child_once(death: Peer) -> None:
    """Any end counts; further news of the same or other deaths change nothing."""
    story = running(config(deaths="main,db"))
    assert story.tell(peer("main", death)) == sent("TERM")
    assert story.tell(peer("main", death.replace(lock="free")), peer("db", BADLY), peer("main", READY), peer("main", BADLY)) == []
    assert [message for _, message in story.traces].count("Terminating child process") == 1


@pytest.mark.parametrize(
    ("stop", "names"),
    [("TERM", ("TERM",)), ("INT", ("INT",)), ("USR1", ("USR1",)), ("RTMIN+3", ("RTMIN+3",)), ("KILL", ("KILL",))],
)
def test_the_child_is_told_by_the_configured_signal(stop: str, names: tuple[str, ...]) -> None:
    """KUBEXIT_STOP_SIGNAL."""
    assert running(config(deaths="main", stop=stop)).tell(peer("main", WELL)) == sent(*names)


def test_sigkill_comes_after_the_grace_period_and_not_before() -> None:
    """Counted from the signal; once."""
    story = running(config(deaths="main", grace_period=5 * SECOND))
    story.now = 100 * SECOND
    story.tell(peer("main", WELL))
    assert story.wait(4.999) == []
    assert story.wait(0.001) == sent("KILL")
    assert story.wait(1000) == []
    story.tell(exits(0, "KILL"))
    assert story.outcome == (137, "GraceExpired")


def test_further_deaths_do_not_make_the_grace_period_longer() -> None:
    """It began with the first."""
    story = running(config(deaths="main,db", grace_period=5 * SECOND), peer("main", WELL))
    story.wait(4)
    story.tell(peer("db", WELL), signal("TERM"))
    assert story.wait(1) == sent("KILL")


def test_no_grace_means_at_once() -> None:
    """KUBEXIT_GRACE_PERIOD=0: the signal all the same, then SIGKILL."""
    story = running(config(deaths="main", grace_period=0))
    assert story.tell(peer("main", WELL)) == sent("TERM")
    assert story.wait(0) == sent("KILL")


def test_a_child_that_obeys_ends_without_a_kill() -> None:
    """The ordinary case: the job succeeded, so does the sidecar."""
    story = running(config(deaths="main"), peer("main", WELL))
    story.wait(1)
    assert story.tell(exits(0, "TERM")) == []
    assert story.outcome == (0, "DependencyDied")
    assert story.wait(100) == []


def test_when_main_failed_the_sidecar_reports_its_own_end() -> None:
    """So that the kubelet brings both back under restartPolicy: OnFailure."""
    story = running(config(deaths="main"), peer("main", BADLY), exits(0, "TERM"))
    assert story.outcome == (143, "DependencyDied")
    assert story.ending.message == "death dependency main exited 3; the child ended by SIGTERM"


@pytest.mark.parametrize(
    ("condition", "fires", "silent"),
    [
        ("exited", [WELL, BADLY, VANISHED, NEVER_BORN], [GONE, STARTING, STARTED]),
        ("succeeded", [WELL, WELL_AND_HELD], [GONE, STARTED, BADLY, VANISHED, NEVER_BORN]),
        ("failed", [BADLY, VANISHED, NEVER_BORN, BADLY_AND_HELD], [GONE, STARTED, WELL]),
        ("started", [STARTED, READY], [GONE, STARTING, WELL, BADLY, VANISHED]),
        ("ready", [READY], [GONE, STARTING, STARTED, WELL]),
    ],
)
def test_each_death_condition_fires_or_not(condition: str, fires: list[Peer], silent: list[Peer]) -> None:
    """The same vocabulary as for births."""
    for state in fires:
        assert Story(config(deaths=f"main:{condition}"), SURVEYED, STARTED_CHILD, peer("main", state)).done == [START, BIRTH, *sent("TERM")]
    for state in silent:
        assert Story(config(deaths=f"main:{condition}"), SURVEYED, STARTED_CHILD, peer("main", state)).done == [START, BIRTH]


def test_any_mode_needs_one_death() -> None:
    """The default."""
    assert running(config(deaths="a,b")).tell(peer("b", WELL)) == sent("TERM")


def test_all_mode_needs_every_death_at_the_same_time() -> None:
    """One that came back is alive."""
    story = running(config(deaths="a,b", death_mode="all"))
    assert story.tell(peer("a", WELL)) == []
    assert story.tell(peer("a", STARTED), peer("b", BADLY)) == []
    assert story.tell(peer("a", BADLY)) == sent("TERM")
    story.tell(exits(0, "TERM"))
    assert story.ending.message.startswith("death dependencies a exited 3, b exited 3;")


def test_all_mode_with_successes_only_is_a_success() -> None:
    """Each of the deaths that caused the stop counts."""
    well = running(config(deaths="a,b", death_mode="all"), peer("a", WELL), peer("b", WELL), exits(143))
    assert well.outcome == (0, "DependencyDied")
    mixed = running(config(deaths="a,b", death_mode="all"), peer("a", WELL), peer("b", VANISHED), exits(143))
    assert mixed.outcome == (143, "DependencyDied")


def test_what_happens_after_the_stop_was_told_does_not_change_its_cause() -> None:
    """A success caused it; that another dependency fails afterwards is its own affair."""
    story = running(config(deaths="main,db"), peer("main", WELL), peer("db", BADLY), peer("main", STARTING), exits(0, "TERM"))
    assert story.outcome == (0, "DependencyDied")


def test_a_new_birth_takes_an_old_death_back_until_the_child_was_told() -> None:
    """Before the start: a dependency that was dead and lives again by the first look is alive."""
    story = Story(config(deaths="main"), peer("main", BADLY), peer("main", STARTED), SURVEYED)
    assert story.done == [START]
    waiting = Story(
        config(births="db", deaths="a,b", death_mode="all"),
        peer("a", BADLY),
        SURVEYED,
        peer("a", STARTED),
        peer("b", WELL),
        peer("db", READY),
    )
    assert waiting.done == [START]
    told = running(config(deaths="main"), peer("main", BADLY), peer("main", STARTED))
    assert told.wait(30) == sent("KILL")


@pytest.mark.parametrize("death", [BADLY, BADLY_AND_HELD, VANISHED, NEVER_BORN])
def test_after_our_own_restart_an_earlier_failure_is_about_to_be_restarted_too(death: Peer) -> None:
    """The pod's containers are brought back one by one: whoever failed before us counts as absent."""
    story = Story(config(births="db", deaths="main"), peer("main", death), SURVEYED, peer("db", READY), STARTED_CHILD, restarted=True)
    assert story.done == [START, BIRTH]
    assert story.tell(peer("main", STARTING), peer("main", READY)) == []
    assert story.tell(peer("main", BADLY)) == sent("TERM")


def test_after_our_own_restart_an_earlier_success_is_a_death() -> None:
    """Nobody restarts what succeeded."""
    story = Story(config(deaths="main"), peer("main", WELL), SURVEYED, restarted=True)
    assert story.outcome == (0, "DependencyDied")


def test_at_a_first_start_any_earlier_death_counts() -> None:
    """There is no lock file and no tombstone of ours: nothing was restarted."""
    assert Story(config(deaths="main"), peer("main", BADLY), SURVEYED).outcome == (143, "DependencyDied")


def test_a_failure_of_before_stays_one_of_before_whatever_becomes_of_its_lock() -> None:
    """Its supervisor lets go of it after Died, and takes it again before it removes the old tombstone."""
    for first, then in ((BADLY_AND_HELD, BADLY), (BADLY, BADLY_AND_HELD)):
        story = Story(config(deaths="main"), peer("main", first), SURVEYED, STARTED_CHILD, peer("main", then), restarted=True)
        assert story.done == [START, BIRTH]
        assert story.tell(peer("main", BADLY_AGAIN)) == sent("TERM")


@pytest.mark.parametrize("death", [WELL, BADLY_AGAIN, VANISHED])
def test_another_end_than_that_of_before_counts_after_a_restart(death: Peer) -> None:
    """It died anew, perhaps so fast that we saw nothing of its life."""
    story = Story(config(deaths="main"), peer("main", BADLY), SURVEYED, STARTED_CHILD, peer("main", death), restarted=True)
    assert story.done == [START, BIRTH, *sent("TERM")]


def test_a_death_after_the_first_look_counts_after_a_restart_too() -> None:
    """The same peer that failed, came back and failed in the same way."""
    story = Story(config(deaths="main"), peer("main", BADLY), SURVEYED, STARTED_CHILD, peer("main", STARTED), peer("main", BADLY), restarted=True)
    assert story.done == [START, BIRTH, *sent("TERM")]


def test_all_mode_after_a_restart_waits_for_those_that_are_absent() -> None:
    """A failure of before is no death among them."""
    story = Story(config(deaths="a,b", death_mode="all"), peer("a", BADLY), SURVEYED, STARTED_CHILD, peer("b", WELL), restarted=True)
    assert story.done == [START, BIRTH]
    assert story.tell(peer("a", STARTED), peer("a", WELL)) == sent("TERM")


def test_a_birth_wait_after_a_restart_does_not_take_an_old_failure_for_what_was_wanted() -> None:
    """NAME:failed means a failure from now on then."""
    story = Story(config(births="db:failed"), peer("db", BADLY), SURVEYED, restarted=True)
    assert story.done == []
    assert story.tell(peer("db", STARTED), peer("db", BADLY)) == [START]


def test_an_outside_stop_before_the_death_has_told_the_child_already() -> None:
    """To many programs a second SIGTERM means "at once", and the kubelet sent the first to all containers; the grace period begins all the same."""
    story = running(config(deaths="main", grace_period=5 * SECOND), signal("TERM"))
    story.wait(1)
    assert story.tell(peer("main", WELL)) == []
    assert story.wait(5) == sent("KILL")


def test_an_outside_stop_of_long_ago_does_not_count_as_telling() -> None:
    """Whoever lived on for a whole grace period has handled that one."""
    story = running(config(deaths="main", grace_period=5 * SECOND), signal("TERM"))
    story.wait(5)
    assert story.tell(peer("main", WELL)) == sent("TERM")


def test_an_outside_stop_by_another_signal_does_not_replace_the_configured_one() -> None:
    """INT is not TERM: the child may treat them differently."""
    assert running(config(deaths="main"), signal("INT")).tell(peer("main", WELL)) == sent("TERM")
    assert running(config(deaths="main", stop="INT"), signal("TERM")).tell(peer("main", WELL)) == sent("INT")


def test_resizing_a_terminal_tells_the_child_nothing() -> None:
    """With WINCH as the stop signal a resize must not stand for it."""
    assert running(config(deaths="main", stop="WINCH"), signal("WINCH", terminal=True)).tell(peer("main", WELL)) == sent("WINCH")


def test_ctrl_c_has_told_the_child_although_we_did_not_send_it() -> None:
    """The terminal did."""
    assert running(config(deaths="main", stop="INT"), signal("INT", terminal=True)).tell(peer("main", WELL)) == []


def test_an_outside_stop_that_follows_is_passed_on_and_the_cause_stays() -> None:
    """The first to tell the child decides how its end is called."""
    story = running(config(deaths="main"), peer("main", WELL))
    assert story.tell(signal("TERM")) == sent("TERM")
    story.tell(exits(0, "TERM"))
    assert story.outcome == (0, "DependencyDied")


def test_a_stopped_child_is_continued_so_that_it_can_obey() -> None:
    """The signal would wait for ever for a SIGCONT that nobody sends."""
    story = running(config(deaths="main"), CHILD_STOPPED)
    assert story.tell(peer("main", WELL)) == sent("TERM", "CONT")
    told = running(config(deaths="main"), signal("TERM"), CHILD_STOPPED)
    assert told.tell(peer("main", WELL)) == sent("CONT")


def test_a_child_that_was_continued_needs_no_sigcont() -> None:
    """`fg` did it."""
    for continued in (signal("CONT"), CHILD_CONTINUED):
        story = running(config(deaths="main"), CHILD_STOPPED, continued)
        assert story.tell(peer("main", WELL)) == sent("TERM")


def test_a_child_that_a_shell_has_continued_is_not_continued_again() -> None:
    """It may have been stopped again by then."""
    assert running(config(), CHILD_STOPPED).tell(CHILD_CONTINUED) == []


def test_a_child_that_stops_while_it_is_told_to_end_is_continued_each_time() -> None:
    """And we do not stop with it: nobody would count the grace period."""
    story = running(config(deaths="main"), peer("main", WELL))
    assert story.tell(CHILD_STOPPED) == sent("CONT")
    assert story.tell(CHILD_STOPPED) == sent("CONT")
    assert SUSPEND not in story.done
    assert story.wait(30) == sent("KILL")


def test_the_child_may_end_by_itself_in_the_same_instant() -> None:
    """The death was seen first, the signal went to a zombie: the child's own code stays."""
    assert running(config(deaths="main"), peer("main", WELL), exits(4)).outcome == (4, "DependencyDied")
    assert running(config(deaths="main"), exits(4), peer("main", WELL)).outcome == (4, "Error")
