"""What the facts about a peer mean: one vocabulary of conditions for births and deaths."""

from __future__ import annotations

import itertools

import pytest

from kubexit.domain.dependencies import ABSENT, CONDITIONS, FREE, GRAVEYARD, HELD, NO_LOCK, UNSEEN, Container, Dependency, Facts, Peer
from kubexit.domain.tombstone import Tombstone

TIME = "2026-11-20T03:12:18Z"
BORN = Tombstone(born=TIME)
READY = Tombstone(born=TIME, ready_at=TIME)
DIED_0 = Tombstone(born=TIME, ready_at=TIME, died=TIME, exit_code=0)
DIED_3 = Tombstone(born=TIME, ready_at=TIME, died=TIME, exit_code=3)
DIED = Tombstone(born=TIME, died=TIME)
NEVER_BORN = Tombstone(died=TIME, exit_code=127)
NEVER_BORN_0 = Tombstone(died=TIME, exit_code=0)
NO_TIMES = Tombstone(exit_code=0)

NOTHING = ""
TRUTH = [  # what is on the disk, the lock, the conditions that hold, the words for it
    (None, NO_LOCK, NOTHING, "not seen"),
    (None, HELD, NOTHING, "starting"),
    (None, FREE, "exited failed", "vanished (its supervisor was killed, or could not write down the end)"),
    (BORN, NO_LOCK, "started ready", "ready"),  # a Go peer knows no readiness
    (BORN, HELD, "started", "started, but not ready"),
    (BORN, FREE, "exited failed", "vanished (its supervisor was killed, or could not write down the end)"),
    (READY, NO_LOCK, "started ready", "ready"),
    (READY, HELD, "started ready", "ready"),
    (READY, FREE, "exited failed", "vanished (its supervisor was killed, or could not write down the end)"),
    (DIED_0, NO_LOCK, "exited succeeded", "exited 0"),
    (DIED_0, HELD, "exited succeeded", "exited 0"),  # it is about to let go of the lock
    (DIED_0, FREE, "exited succeeded", "exited 0"),
    (DIED_3, NO_LOCK, "exited failed", "exited 3"),
    (DIED_3, HELD, "exited failed", "exited 3"),
    (DIED_3, FREE, "exited failed", "exited 3"),
    (DIED, NO_LOCK, "exited failed", "ended without an exit code"),
    (DIED, FREE, "exited failed", "ended without an exit code"),
    (NEVER_BORN, NO_LOCK, "exited failed", "exited 127"),
    (NEVER_BORN, FREE, "exited failed", "exited 127"),
    (NEVER_BORN_0, FREE, "exited succeeded", "exited 0"),
    (NO_TIMES, NO_LOCK, NOTHING, "not seen"),  # an exit code without a death is none
    (NO_TIMES, HELD, NOTHING, "starting"),
    (NO_TIMES, FREE, "exited failed", "vanished (its supervisor was killed, or could not write down the end)"),
]


@pytest.mark.parametrize(("stone", "lock", "holding", "words"), TRUTH)
def test_each_condition_holds_or_not(stone: Tombstone | None, lock: str, holding: str, words: str) -> None:
    """`started` and `ready` hold only while the peer lives, `exited` after any end, `succeeded` after exit code 0 alone, `failed` after any other."""
    peer = Peer(stone, lock)
    assert [condition for condition in CONDITIONS if peer.meets(condition)] == holding.split()
    assert peer.describe() == words


@pytest.mark.parametrize(
    ("stone", "lock"),
    list(itertools.product([None, BORN, READY, DIED_0, DIED_3, DIED, NEVER_BORN, NO_TIMES], [NO_LOCK, HELD, FREE])),
)
def test_conditions_do_not_contradict_each_other(stone: Tombstone | None, lock: str) -> None:
    """An end is a success or a failure, never both; nobody who has ended is alive; who is ready has started."""
    peer = Peer(stone, lock)
    holds = {condition: peer.meets(condition) for condition in CONDITIONS}
    assert holds["exited"] == (holds["succeeded"] ^ holds["failed"])
    assert not (holds["started"] and holds["exited"])
    assert holds["started"] or not holds["ready"]


def test_nothing_is_known_of_a_peer_that_left_no_trace() -> None:
    """No tombstone, no lock file: the peer has not come yet."""
    assert Peer() == ABSENT
    assert not any(ABSENT.meets(condition) for condition in CONDITIONS)


def test_an_end_that_was_written_down_is_no_vanishing() -> None:
    """The lock is free after every end; only without Died does that mean that the supervisor was killed."""
    assert Peer(READY, FREE).vanished
    assert not Peer(DIED_0, FREE).vanished
    assert not Peer(READY, HELD).vanished
    assert not Peer(READY, NO_LOCK).vanished


CONTAINERS = [  # what the pod's status says, the conditions that hold
    (UNSEEN, NOTHING),
    (Container(state="not ready, waiting: ImagePullBackOff"), NOTHING),
    (Container(started=True), "started"),
    (Container(started=True, ready=True), "started ready"),
    (Container(ended=True), "exited succeeded"),
    (Container(ended=True, exit_code=1), "exited failed"),
    (Container(ended=True, exit_code=255, comes_back=False), "exited failed"),
    (Container(ended=True, comes_back=False), "exited succeeded"),
    (Container(exit_code=1), NOTHING),  # an exit code without an end is none
    (Container(restarts=7), NOTHING),  # it has ended seven times, and lives
]


@pytest.mark.parametrize(("container", "holding"), CONTAINERS)
def test_each_condition_holds_for_a_container_or_not(container: Container, holding: str) -> None:
    """The same vocabulary; an end is one whether the kubelet will start it again or not."""
    assert [condition for condition in CONDITIONS if container.meets(condition)] == holding.split()


def test_a_container_is_described_in_the_words_of_the_pod_s_status() -> None:
    """What `kubectl get pod` says of it; before the status has it, that."""
    assert Container(state="not ready, waiting: ImagePullBackOff").describe() == "not ready, waiting: ImagePullBackOff"
    assert UNSEEN.describe() == "not seen in the pod's status yet"


def test_a_container_comes_back_unless_the_status_says_otherwise() -> None:
    """Nothing is given up for lack of knowledge."""
    assert UNSEEN.comes_back
    assert not UNSEEN.ended


def test_a_dependency_is_read_from_the_graveyard_unless_told_otherwise() -> None:
    """The source that needs no cluster."""
    assert Dependency("db", "ready").source == GRAVEYARD


@pytest.mark.parametrize("fact", ["started", "ready", "ended", "succeeded"])
def test_facts_of_no_source_are_none(fact: str) -> None:
    """A new source has to say each of them."""
    with pytest.raises(NotImplementedError):
        getattr(Facts(), fact)
    with pytest.raises(NotImplementedError):
        Facts().describe()
