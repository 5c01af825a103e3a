"""Starts of kubexit in koordinator's place: by a spec, in the pod of a cluster, or in one whose API server nobody has to ask."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from support.clusters import Cluster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.supervisors import Supervisor
    from support.world import Text, World

OWN_POD = {"KOORDINATOR_POD_NAME": "shop-0", "KOORDINATOR_POD_NAMESPACE": "shop"}


def environment(where: Cluster | World, spec: object) -> dict[str, str]:
    """Give the environment that koordinator's manifests make. A spec is text, or a value for JSON; None: none."""
    given = {} if spec is None else {"KOORDINATOR_SPEC": spec if isinstance(spec, str) else json.dumps(spec)}
    api = {name: value for name, value in where.variables.items() if name.startswith("KUBERNETES_")} if isinstance(where, Cluster) else {}
    # without the graveyard that the tests' world would set
    return {**OWN_POD, **api, **given, "graveyard": "", "instant_logging": "1"}


def start(where: Cluster | World, spec: object, *commands: str, **variables: Any) -> Supervisor:
    """Start it with an actor as its command."""
    world = where.world if isinstance(where, Cluster) else where
    return run(where, spec, [world.installation.actor, *commands], **variables)


def run(where: Cluster | World, spec: object, command: Sequence[Text], **variables: Any) -> Supervisor:
    """Start it with any command."""
    world = where.world if isinstance(where, Cluster) else where
    return world.run(command, **{**environment(where, spec), **variables})


def start_waiting(cluster: Cluster, spec: object, *commands: str, **variables: Any) -> Supervisor:
    """Start it, and return when it watches the pod."""
    waiting = start(cluster, spec, *commands, **variables)
    cluster.server.wait_for_watch()
    return waiting


def assert_never_started(waiting: Supervisor, status: int) -> None:
    """Check that it ended like this, and that nothing came from a child."""
    assert waiting.end() == status
    assert waiting.out is not None
    assert waiting.out.rest() == []
    assert not waiting.has_started_its_child()
