"""What a container depends on, and whether the facts about its peers meet it."""

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

# The alive lock of a peer, as others see it.
NO_LOCK = "none"  # no lock file: a Go kubexit, or a file system without such locks
HELD = "held"  # its supervisor lives
FREE = "free"  # its supervisor is gone


class Dependency(Record):
    """One item of KUBEXIT_BIRTH_DEPS or KUBEXIT_DEATH_DEPS: NAME or NAME:CONDITION."""

    name: str
    condition: str
    text: str = ""  # as the user wrote it


class Peer(Record):
    """What the graveyard says of one name at one instant. Nothing of it is remembered: a new look gives a new Peer."""

    stone: Tombstone | None = None
    lock: str = NO_LOCK

    @property
    def vanished(self) -> bool:
        """Its supervisor was killed before it could write Died."""
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

    def describe(self) -> str:
        """Say its state for a message: "started, but not ready"."""
        if self.vanished:
            return "vanished (its supervisor was killed)"
        if self.stone is not None and self.stone.died is not None:
            code = self.stone.exit_code
            return "ended without an exit code" if code is None else f"exited {code}"
        if self.ready:
            return "ready"
        if self.started:
            return "started, but not ready"
        return "starting" if self.lock == HELD else "not seen"


ABSENT = Peer()
