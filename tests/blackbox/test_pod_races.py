"""Races around the pod's status, driven by the hundred: whatever comes at whatever instant of a wait, one thing wins and nothing is left."""

from __future__ import annotations

from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING

import pytest

from support import processes
from support.clusters import Cluster, assert_never_started, rounds_of_pods
from support.graveyards import HeldLock
from support.pods import CREATING, READY, Pod, ended
from support.races import START, is_deaf, let_pass

if TYPE_CHECKING:
    import random

    from support.forms import Installation
    from support.supervisors import Supervisor

pytestmark = [pytest.mark.timeout(1800), pytest.mark.usefixtures("pod_files")]

FIRST_ANSWER = 0.6  # seconds: in these a helper has begun to ask, in most cases
INSTANT = 0.004  # seconds that a piece of news takes from the server to the supervisor


def wait_a_while(cluster: Cluster, dice: random.Random) -> None:
    """Come to a random instant of a wait: of the start, of the helper's start, of the first answers, of the watch."""
    stage = dice.randrange(4)
    if stage == 0:
        let_pass(dice, START)
    elif stage == 1:
        let_pass(dice, FIRST_ANSWER)
    else:
        cluster.server.wait_for_requests(1, "list" if stage == 2 else "watch")
        let_pass(dice, INSTANT)


def assert_not_started_after_the_signal(client: Supervisor) -> None:
    """Check the order in which it has acted, by its log."""
    assert client.err is not None
    _, _, after = client.err.all().partition('"event":"Received signal: SIGTERM')
    assert '"event":"Start: ' not in after


def test_term_at_any_instant_of_a_wait_is_heard(installation: Installation, dice: random.Random, rounds: int) -> None:
    """SIGTERM is never lost, never starts a child late, and never leaves a helper or a tombstone without Died."""
    for number in range(rounds):
        with rounds_of_pods(installation, number) as cluster:
            cluster.tell(server=CREATING)
            client = cluster.start("on 15 die", birth_deps="server", birth_timeout="0")
            wait_a_while(cluster, dice)
            if is_deaf(client.pid):
                cluster.world.may_leave_bundle = True  # ended before a line of ours ran
                client.send(SIGKILL)
                client.end()
            else:
                client.send(SIGTERM)
                assert_never_started(client, 143, "Terminated")


def test_term_and_readiness_at_the_same_instant(installation: Installation, dice: random.Random, rounds: int) -> None:
    """In any order: the child is not started after the signal, or it is told of it. Either way it ends with 143."""
    for number in range(rounds // 2):
        with rounds_of_pods(installation, number) as cluster:
            cluster.tell(server=CREATING)
            client = cluster.start_waiting("server", "on 15 die")
            if number % 2:
                cluster.tell(server=READY)
                let_pass(dice, INSTANT)
                client.send(SIGTERM)
            else:
                client.send(SIGTERM)
                let_pass(dice, INSTANT / 4)
                cluster.tell(server=READY)
            assert client.end() == 143
            stone = client.stone()
            assert (stone["Reason"], "Died" in stone) == ("Terminated", True)
            assert_not_started_after_the_signal(client)


def test_readiness_at_any_instant_of_a_wait_is_seen(installation: Installation, dice: random.Random, rounds: int) -> None:
    """Before the list, between list and watch, in the watch; with a second change right behind it or not."""
    for number in range(rounds // 5):
        with rounds_of_pods(installation, number) as cluster:
            cluster.tell(server=CREATING)
            client = cluster.start("exit 0", birth_deps="server", birth_timeout="0")
            wait_a_while(cluster, dice)
            cluster.tell(server=READY)
            if number % 2:
                cluster.tell(server=READY.again())
            assert client.end() == 0
            assert "Born" in client.stone()


@pytest.mark.parametrize("code", [0, 3])
def test_dependency_that_dies_at_any_instant_of_a_wait_is_seen(installation: Installation, dice: random.Random, rounds: int, code: int) -> None:
    """A tombstone comes while the pod is looked at: the child is never started, ready or not."""
    for number in range(rounds // 5):
        with rounds_of_pods(installation, number) as cluster, HeldLock(cluster.world.graveyard, "main"):
            cluster.tell(server=CREATING)
            client = cluster.start(birth_deps="server", birth_timeout="0", death_deps="main")
            wait_a_while(cluster, dice)
            cluster.world.graveyard.carve_died("main", code)
            assert_never_started(client, 143 if code else 0, "DependencyDied")


def test_killed_supervisor_never_leaves_a_helper(installation: Installation, dice: random.Random, rounds: int) -> None:
    """Between fork and exec, while it starts, while it asks: it dies with its supervisor."""
    for number in range(rounds // 5):
        with rounds_of_pods(installation, number) as cluster:
            cluster.world.may_leave_bundle = True
            cluster.tell(server=CREATING)
            client = cluster.start(birth_deps="server", birth_timeout="0")
            wait_a_while(cluster, dice)
            family = processes.children(client.pid)
            client.kill()
            for pid in family:
                processes.wait_gone(pid)


def test_helper_that_is_killed_at_any_instant(installation: Installation, dice: random.Random, rounds: int) -> None:
    """The wait fails with its reason, or it was over by then. Nobody hangs."""
    for number in range(rounds // 5):
        with rounds_of_pods(installation, number) as cluster:
            cluster.world.may_leave_bundle = True
            cluster.tell(server=CREATING)
            client = cluster.start("exit 0", birth_deps="server", birth_timeout="0")
            wait_a_while(cluster, dice)
            helpers = processes.children(client.pid)  # none yet, sometimes
            cluster.tell(server=READY)
            if number % 2:
                let_pass(dice, INSTANT)
            for pid in helpers:
                processes.kill(pid)
            if client.end():
                assert_never_started(client, 1, "Internal")


@pytest.mark.parametrize("code", [0, 3])
def test_unwrapped_dependency_that_ends_at_any_stage_of_our_start(installation: Installation, dice: random.Random, rounds: int, code: int) -> None:
    """Before the first look, while the child starts, after: the child is stopped, or not started at all."""
    for number in range(rounds // 5):
        with rounds_of_pods(installation, number) as cluster:
            cluster.have(Pod(policy="Never"))
            cluster.tell(server=READY)
            client = cluster.start("on 15 die", death_deps="server", death_source="kubernetes")
            wait_a_while(cluster, dice)
            cluster.tell(server=ended(code))
            assert client.end() == (143 if code else 0)
            assert client.stone()["Reason"] == "DependencyDied"
