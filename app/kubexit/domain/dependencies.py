"""What a container depends on, and whether the facts about its peers meet it. Facts come from one of two sources."""

from __future__ import annotations

from kubexit.domain.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubexit.domain.tombstone import Tombstone

STARTED = "started"
READY = "ready"
EXITED = "exited"
SUCCEEDED = "succeeded"
FAILED = "failed"
CONDITIONS = (STARTED, READY, EXITED, SUCCEEDED, FAILED)

# Where facts come from.
GRAVEYARD = "graveyard"  # tombstones and alive locks
KUBERNETES = "kubernetes"  # the pod's status

# The alive lock of a peer, as others see it.
NO_LOCK = "none"  # no lock file: a Go kubexit, or a file system without such locks
HELD = "held"  # its supervisor lives
FREE = "free"  # its supervisor is gone


class Dependency(Record):
    """One item of KUBEXIT_BIRTH_DEPS or KUBEXIT_DEATH_DEPS: NAME or NAME:CONDITION."""

    name: str
    condition: str
    text: str = ""  # as the user wrote it
    source: str = GRAVEYARD


class Facts(Record):
    """What is known of one container at one instant. Nothing of it is remembered: a new look gives new facts."""

    @property
    def started(self) -> bool:
        """It runs."""
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """It runs, and serves."""
        raise NotImplementedError

    @property
    def ended(self) -> bool:
        """It does not run any more."""
        raise NotImplementedError

    @property
    def succeeded(self) -> bool:
        """It ended with exit code 0."""
        raise NotImplementedError

    def describe(self) -> str:
        """Say its state for a message: "started, but not ready"."""
        raise NotImplementedError

    def meets(self, condition: str) -> bool:
        """Tell whether `condition` holds now."""
        if condition == STARTED:
            return self.started
        if condition == READY:
            return self.ready
        if condition == EXITED:
            return self.ended
        if condition == SUCCEEDED:
            return self.succeeded
        return self.ended and not self.succeeded


class Peer(Facts):
    """What the graveyard says of one name."""

    stone: Tombstone | None = None
    lock: str = NO_LOCK

    @property
    def vanished(self) -> bool:
        """Its supervisor ended before it could write Died: it was killed, or the volume was full."""
        return self.lock == FREE and (self.stone is None or self.stone.died is None)

    @property
    def ended(self) -> bool:
        return self.vanished or (self.stone is not None and self.stone.died is not None)

    @property
    def succeeded(self) -> bool:
        return self.stone is not None and self.stone.died is not None and self.stone.exit_code == 0

    @property
    def started(self) -> bool:
        return not self.ended and self.stone is not None and self.stone.born is not None

    @property
    def ready(self) -> bool:
        """A Go kubexit knows no readiness and has no lock: it counts as ready when it is started."""
        return self.started and self.stone is not None and (self.stone.ready_at is not None or self.lock == NO_LOCK)

    def is_same_end_as(self, earlier: Peer) -> bool:
        """Tell whether it ended, and has not lived since `earlier`. The lock may tell more by now: it is dropped after Died is written."""
        return self.ended and earlier.ended and self.stone == earlier.stone

    def describe(self) -> str:
        if self.vanished:
            return "vanished (its supervisor was killed, or could not write down the end)"
        if self.stone is not None and self.stone.died is not None:
            code = self.stone.exit_code
            return "ended without an exit code" if code is None else f"exited {code}"
        if self.ready:
            return "ready"
        if self.started:
            return "started, but not ready"
        return "starting" if self.lock == HELD else "not seen"


ABSENT = Peer()


class Container(Facts):
    """What the pod's status says of one container (core/v1 ContainerStatus)."""

    started: bool = False
    ready: bool = False
    ended: bool = False  # state.terminated is there; lastState, an end before a restart, is none
    exit_code: int = 0  # of that
    comes_back: bool = True  # the kubelet starts it again after this end, or would after the next one
    restarts: int = 0  # restartCount
    state: str = "not seen in the pod's status yet"  # for messages: "not ready, waiting: ImagePullBackOff"

    @property
    def succeeded(self) -> bool:
        return self.ended and self.exit_code == 0

    def describe(self) -> str:
        return self.state


UNSEEN = Container()
