"""All that is known, and what it says of the dependencies."""

from __future__ import annotations

from kubexit.domain.config import ALL_OF_THEM, Config
from kubexit.domain.dependencies import ABSENT, KUBERNETES, UNSEEN, Container, Dependency, Facts, Peer
from kubexit.domain.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubexit.domain.endings import Ending, Stop

WAITING = "waiting"  # for birth dependencies, or for the first look at the dependencies
STARTING = "starting"  # forked, but not known to execute its program yet
RUNNING = "running"
ENDED = "ended"


class State(Record):
    """All that is known. Times are nanoseconds of the monotonic clock."""

    config: Config
    restarted: bool = False  # this container was here before: its own lock file or tombstone was found
    phase: str = WAITING
    surveyed: bool = False
    peers: Mapping[str, Peer] = {}  # never changed in place
    ended_before: Mapping[str, Peer] = {}  # peers that had ended before our first look, and have not lived since
    containers: Mapping[str, Container] | None = None  # what the pod's status says; None: nothing yet
    first_containers: Mapping[str, Container] = {}  # what it said first
    trouble: str = ""  # why the pod's status cannot be read at the moment
    deadline: int | None = None
    delayed: int = 0  # the outside stop that is held back, 0 if none is
    stop: Stop | None = None
    killed: bool = False
    child_stopped: bool = False
    outside_stops: Mapping[int, int] = {}  # TERM and its like, that came from outside and were passed on, and when
    ending: Ending | None = None

    def facts(self, dependency: Dependency) -> Facts:
        """Give what counts as known of a dependency, whoever tells it."""
        return self._container(dependency.name) if dependency.source == KUBERNETES else self._peer(dependency.name)

    def last_known(self, dependency: Dependency) -> Facts:
        """Give what was said last of a dependency, for a message: an end is told here even where nothing follows from it."""
        if dependency.source == KUBERNETES:
            return (self.containers or {}).get(dependency.name, UNSEEN)
        return self.peers.get(dependency.name, ABSENT)

    def deaths(self) -> list[tuple[Dependency, Facts]]:
        """Give the death dependencies that are a reason to stop now."""
        known = [(dependency, self.facts(dependency)) for dependency in self.config.death_deps]
        met = [(dependency, facts) for dependency, facts in known if facts.meets(dependency.condition)]
        return [] if self.config.death_mode == ALL_OF_THEM and len(met) < len(known) else met

    def unmet_births(self) -> list[Dependency]:
        """Give the birth dependencies that have to be waited for."""
        return [dependency for dependency in self.config.birth_deps if not self.facts(dependency).meets(dependency.condition)]

    def is_lost(self, dependency: Dependency) -> bool:
        """Tell whether a dependency has ended and nobody brings it back."""
        facts = self.facts(dependency)
        if isinstance(facts, Container):
            return facts.ended and not facts.comes_back
        return facts.ended and dependency.name not in self.ended_before

    def _peer(self, name: str) -> Facts:
        """Give what the graveyard says. After our own restart, one that had failed is about to be restarted as well."""
        peer = self.peers.get(name, ABSENT)
        return ABSENT if self.restarted and name in self.ended_before and not peer.succeeded else peer

    def _container(self, name: str) -> Facts:
        """Give what the pod's status says. After our own restart, one that had failed is about to be restarted as well, if ever it is.

        That we are a restart is seen in the graveyard, or in the status: there may still be the end of our former life.
        """
        if self.containers is None:
            return UNSEEN
        container, own = self.containers.get(name, UNSEEN), self.containers.get(self.config.name, UNSEEN)
        restarted = self.restarted or own.restarts or own.ended
        about_to_return = container.ended and not container.succeeded and container.comes_back
        return UNSEEN if restarted and about_to_return and container == self.first_containers.get(name) else container
