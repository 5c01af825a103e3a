"""What is true of the dependencies in a model world, and what follows from it by the specification, in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubexit.domain.dependencies import ABSENT, FREE, HELD, KUBERNETES, UNSEEN, Container, Dependency, Facts, Peer
from kubexit.domain.tombstone import Tombstone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubexit.domain.config import Config

LATEST = "2030-01-01T00:00:00Z"


class Truth:
    """What the graveyard and the pod's status have said. The supervisor's own memory is not looked at."""

    def __init__(self, config: Config, *, restarted: bool) -> None:
        self.config = config
        self.restarted = restarted
        self.surveyed = False
        self.peers: dict[str, Peer] = {}
        self.history: dict[str, Peer] = {}  # ends that were there at the first look and have not been followed by anything else
        self.containers: dict[str, Container] | None = None
        self.first_containers: dict[str, Container] = {}

    def copy(self) -> Truth:
        """Give another one that can become different."""
        other = Truth(self.config, restarted=self.restarted)
        other.__dict__.update({**self.__dict__, "peers": dict(self.peers), "history": dict(self.history)})
        return other

    def peer_is(self, name: str, peer: Peer) -> None:
        """Let the graveyard say something else."""
        self.peers[name] = peer
        if name in self.history and not (peer.ended and peer.stone == self.history[name].stone):
            del self.history[name]

    def is_surveyed(self) -> None:
        """Let the first look be over."""
        self.surveyed = True
        self.history = {name: peer for name, peer in self.peers.items() if peer.ended}

    def containers_are(self, containers: Mapping[str, Container]) -> None:
        """Let the pod's status say something else."""
        if self.containers is None:
            self.first_containers = dict(containers)
        self.containers = dict(containers)

    # ── what counts ──────────────────────────────────────────────────────────────────────────────────────────────

    def known(self, dependency: Dependency) -> Facts:
        """Give what counts of a dependency: after our own restart a failure of before us does not, if it will be followed by a new life."""
        if dependency.source == KUBERNETES:
            return self._container(dependency.name)
        peer = self.peers.get(dependency.name, ABSENT)
        return ABSENT if self.restarted and dependency.name in self.history and not peer.succeeded else peer

    def _container(self, name: str) -> Container:
        said = self.containers or {}
        container, mine = said.get(name, UNSEEN), said.get(self.config.name, UNSEEN)
        we_had_a_former_life = self.restarted or mine.restarts > 0 or mine.ended
        was_so_when_we_came = self.first_containers.get(name) == container
        if we_had_a_former_life and was_so_when_we_came and container.ended and container.exit_code != 0 and container.comes_back:
            return UNSEEN
        return container

    def death_holds(self) -> bool:
        """Tell whether there is a reason to stop."""
        if not self.surveyed:
            return False
        met = [self.known(dependency).meets(dependency.condition) for dependency in self.config.death_deps]
        return bool(met) and (all(met) if self.config.death_mode == "all" else any(met))

    def all_deaths_hold(self) -> bool:
        """Tell whether every condition holds, as when they do not contradict each other."""
        return all(self.known(dependency).meets(dependency.condition) for dependency in self.config.death_deps)

    def failures_among_the_causes(self) -> bool:
        """Tell whether one of the deaths that are a reason to stop is a failure."""
        met = [facts for facts, dependency in ((self.known(each), each) for each in self.config.death_deps) if facts.meets(dependency.condition)]
        return any(facts.ended and not facts.succeeded for facts in met)

    def births_missing(self) -> bool:
        """Tell whether something is still waited for."""
        return any(not self.known(dependency).meets(dependency.condition) for dependency in self.config.birth_deps)

    def births_lost(self) -> bool:
        """Tell whether something that is still waited for has ended for good: since we came, or with nobody to start it again."""
        for dependency in self.config.birth_deps:
            facts = self.known(dependency)
            if facts.ended and not facts.meets(dependency.condition):
                waited_out = facts.comes_back if isinstance(facts, Container) else dependency.name in self.history
                if not waited_out:
                    return True
        return False

    # ── the pod ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def births_are_in_the_pod(self) -> bool:
        """Tell whether its status decides when to start."""
        return any(dependency.source == KUBERNETES for dependency in self.config.birth_deps)

    @property
    def deaths_are_in_the_pod(self) -> bool:
        """Tell whether its status decides when to stop."""
        return any(dependency.source == KUBERNETES for dependency in self.config.death_deps)

    def pod_is_missing(self) -> bool:
        """Tell whether it has to be read before anything may start, and was not."""
        return self.deaths_are_in_the_pod and self.containers is None


def peer_that_meets(dependency: Dependency) -> Peer:
    """Give a peer, other than any before, that meets the condition."""
    if dependency.condition in ("started", "ready"):
        return Peer(Tombstone(born=LATEST, ready_at=LATEST), HELD)
    return Peer(Tombstone(born=LATEST, died=LATEST, exit_code=3 if dependency.condition == "failed" else 0), FREE)


def container_that_meets(dependency: Dependency) -> Container:
    """Give a container, other than any before, that meets the condition."""
    if dependency.condition in ("started", "ready"):
        return Container(started=True, ready=True, restarts=99)
    return Container(ended=True, exit_code=3 if dependency.condition == "failed" else 0, restarts=99)
