"""What becomes of the objects of a namespace, as the API server tells it: every state is kept, so that nothing falls between two looks."""

from __future__ import annotations

import json
import os
import select
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e.kubectl import DEADLINE

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

Object = dict[str, Any]


class NotSeenError(AssertionError):
    """What a test waits for did not come."""


@dataclass(frozen=True)
class Event:
    """One state of one object: `kind` is ADDED, MODIFIED or DELETED, `at` when we were told, by the monotonic clock."""

    kind: str
    object: Object
    at: float

    @property
    def name(self) -> str:
        """Give the object's name."""
        return str(self.object["metadata"]["name"])


class Watch:
    """A running watch and all that it has told."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._fd = process.stdout.fileno()
        self._partial = b""
        self.events: list[Event] = []

    def until(self, wanted: Callable[[Event], bool], what: str) -> Event:
        """Give the first event of all that is `wanted`; wait for it if it was not told yet. A NotSeenError says what was told instead."""
        until, looked_at = time.monotonic() + DEADLINE, 0
        while True:
            for event in self.events[looked_at:]:
                if wanted(event):
                    return event
            looked_at = len(self.events)
            if not self._read(until):
                raise NotSeenError(f"{what}: not seen within {DEADLINE:g} s")

    def catch_up(self) -> list[Event]:
        """Give all that was told so far, without waiting."""
        while self._read(0):
            continue
        return self.events

    def _read(self, until: float) -> bool:
        poller = select.poll()
        poller.register(self._fd, select.POLLIN)
        if not poller.poll(max(0.0, until - time.monotonic()) * 1000):
            return False
        data = os.read(self._fd, 1 << 20)
        if not data:
            raise NotSeenError(f"the watch has ended: {self._partial.decode(errors='replace')}")
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            self.events.append(Event(event["type"], event["object"], time.monotonic()))
        return True
