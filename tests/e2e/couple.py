"""The pod of couple.yaml: a main container, and a sidecar that ends with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from e2e.images import FORMS, references

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2e.pods import Pod
    from e2e.spaces import Space

IN_MEMORY = "{medium: Memory, sizeLimit: 1Mi}"
ON_DISK = "{}"
MAIN = ("puppet", "serve", "8081")
SIDECAR = ("puppet", "serve", "8080")


def have_couple(space: Space, form: str = "single", *, main: Sequence[str] = MAIN, wrapped: bool = True, **values: str) -> Pod:
    """Have it in a space; `wrapped`: whether kubexit starts the main container's command, as it always does the sidecar's."""
    commands = {"main": [FORMS[form]] * wrapped + [*main], "sidecar": [FORMS[form], *SIDECAR]}
    usual = {name: json.dumps(command) for name, command in commands.items()}
    usual |= {"policy": "Never", "share": "false", "inits": "[]", "graveyard": IN_MEMORY, "source": "graveyard", "image": references()["plain"]}
    space.apply("couple", form, **usual | values)
    return space.pod("couple")


def wait_until_ready(pod: Pod, *, restarts: int = 0) -> None:
    """Return when both serve, in their first life or in that after so many restarts."""
    for container in ("main", "sidecar"):
        pod.ready(container, restarts=restarts)


def filled_graveyard() -> str:
    """Give an init container that leaves no room in the graveyard."""
    mounts = [{"name": "graveyard", "mountPath": "/graveyard"}]
    command = ["puppet", "fill", "/graveyard/filler"]
    return json.dumps([{"name": "filler", "image": references()["plain"], "command": command, "volumeMounts": mounts}])
