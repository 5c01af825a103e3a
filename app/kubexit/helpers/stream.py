"""The body of a watch: one JSON object a line, in pieces of any size. Bounded, and pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 8 * 1024 * 1024  # bytes of an object: etcd takes 1.5 MiB


class Event(NamedTuple):
    """What happened to an object, and the object after it."""

    kind: str  # ADDED, MODIFIED, DELETED, BOOKMARK or ERROR
    object: dict[str, Any]


class Splitter:
    """Makes lines of pieces."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._rest = bytearray()

    @property
    def pending(self) -> int:
        """Give the size of the line that has no end yet."""
        return len(self._rest)

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Give the lines that `piece` completes. A ValueError if one is too long."""
        first, *others = piece.split(b"\n")
        for part in others:
            yield self._whole(first)
            first = part
        self._add(first)

    def _whole(self, end: bytes) -> bytes:
        self._add(end)
        line = bytes(self._rest)
        self._rest.clear()
        return line

    def _add(self, part: bytes) -> None:
        if len(self._rest) + len(part) > self._largest:
            self._rest.clear()
            raise ValueError(f"an object of more than {self._largest} bytes")
        self._rest += part


def decode(text: bytes) -> Any:  # noqa: ANN401  whatever JSON may hold
    """Read JSON. A ValueError says what is wrong, deep nesting included."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_event(line: bytes) -> Event:
    """Read one line of a watch (meta/v1 WatchEvent). A ValueError says what is wrong with it."""
    event = decode(line)
    if not isinstance(event, dict) or not isinstance(event.get("type"), str) or not isinstance(event.get("object"), dict):
        raise ValueError("it is no watch event")  # noqa: TRY004  for the caller it is one kind of fault
    return Event(event["type"], event["object"])
