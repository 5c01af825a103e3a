"""The pod of shop.yaml, in which a client waits for a server: most tests of the wait use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.images import references

if TYPE_CHECKING:
    from e2e.pods import Pod
    from e2e.spaces import Space

SOON = 20  # seconds in which a hopeless wait has ended; its timeout would be 10 minutes


def open_shop(space: Space, form: str = "single", **values: str) -> Pod:
    """Have it in a space. Whether it may look at itself is up to the test."""
    usual = {"dependencies": "server", "timeout": "10m", "policy": "Never", "server": references()["plain"], "pull": "IfNotPresent"}
    space.apply("shop", form, **usual | values)
    return space.pod("shop")


def wait_until_waiting(pod: Pod) -> None:
    """Return when the client waits and the server, which is closed, can be spoken to."""
    pod.running("client")
    pod.heard("client", "Watching pod")
    pod.heard("server", "here")
