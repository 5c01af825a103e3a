"""The log: one JSON object (or one readable line) a line on standard error, and the event traces."""

from __future__ import annotations

import time

from kubexit.domain.config import ERROR, INFO, JSON, LEVELS, TRACE, WARNING
from kubexit.domain.json_text import to_json
from kubexit.domain.signal_names import signal_name
from kubexit.domain.timestamps import format_timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from kubexit.domain.config import Config

    class Output(Protocol):
        """Where lines go: linux.stderr.StandardError."""

        dropped: int

        def write(self, line: bytes) -> None:
            """Write one line without ever blocking."""


LONGEST_LINE = 16_384  # bytes of the line that holds all traces: what container runtimes keep in one piece
LONGEST_TRACES = 12_000  # of these, what the events may take; the rest is for the error and the stack
LONGEST_TEXT = 1_000  # characters of one event
LONGEST_ERROR = 3_500  # and of the error: most lines have to stay below 4 KiB, which pipes take whole


class Log:
    """Writes what has the configured level or a higher one."""

    def __init__(self, output: Output, log_format: str = JSON, level: str = INFO) -> None:
        self._output = output
        self._json = log_format == JSON
        self._level = LEVELS.index(level)
        self._told = 0
        self._events: list[tuple[str, str, str]] = []  # trace, timestamp, message
        self._size = 0
        self._dropped = 0

    def info(self, message: str, **fields: object) -> None:
        """Say what happened."""
        self._line(INFO, message, fields)

    def warning(self, message: str) -> None:
        """Say what is wrong while the work goes on."""
        self._line(WARNING, _shortened(message, LONGEST_ERROR), {})

    def error(self, error: str, stack: list[str], *, traces: bool = True) -> None:
        """Say what failed, with all that led to it."""
        self._line(ERROR, "", {"error": _shortened(error, LONGEST_ERROR), **(self._traces() if traces else {}), "stack": stack})

    def finished(self) -> None:
        """Say that all went well, with the event traces."""
        self._line(INFO, "supervising proceed successfully", self._traces())

    def event(self, trace: str, message: str) -> None:
        """Note an event in a trace; at level trace it is logged at once as well. The oldest events make room for new ones."""
        message = _shortened(message, LONGEST_TEXT)
        self._events.append((trace, format_timestamp(time.time_ns()), message))
        self._size += _size(trace, message)
        while self._size > LONGEST_TRACES:
            oldest, _, text = self._events.pop(0)
            self._size -= _size(oldest, text)
            self._dropped += 1
        if self._level >= LEVELS.index(TRACE):
            self._line(TRACE, "", {"app": "kubexit", "event": message, "event-trace-id": trace})

    def _traces(self) -> dict[str, object]:
        found: dict[str, list[dict[str, str]]] = {}
        for trace, timestamp, message in self._events:
            found.setdefault(trace, []).append({"timestamp": timestamp, "message": message})
        traces: dict[str, object] = {"event-traces": [{"id": trace, "events": events} for trace, events in found.items()]}
        if self._dropped:
            traces["dropped-events"] = self._dropped
        return traces

    def _line(self, level: str, message: str, fields: dict[str, object]) -> None:
        if LEVELS.index(level) > self._level:
            return
        if self._output.dropped > self._told:
            fields = {**fields, "dropped-lines": self._output.dropped - self._told}
            self._told = self._output.dropped
        now = format_timestamp(time.time_ns())
        if self._json:
            # in the order of the alphabet, as the originals' logger has it
            line = to_json(dict(sorted({"@timestamp": now, **fields, "level": level, "message": message}.items())))
        else:
            line = _readable(now, level, message, fields)
        self._output.write(line.encode("utf-8", "replace") + b"\n")


def describe(config: Config) -> dict[str, object]:
    """Give the configuration as the first line of the log has it; durations are nanoseconds."""
    return {
        "name": config.name,
        "graveyard": config.graveyard,
        "birth_deps": [dependency.text for dependency in config.birth_deps] or None,
        "death_deps": [dependency.text for dependency in config.death_deps] or None,
        "birth_timeout": config.birth_timeout,
        "grace_period": config.grace_period,
        "pod_name": config.pod_name,
        "namespace": config.namespace,
        "verbose_level": config.verbose_level,
        "instant_logging": config.instant_logging,
        "death_mode": config.death_mode,
        "stop_signal": signal_name(config.stop_signal),
        "exit_codes": [rule.text for rule in config.exit_rules],
        "signal_group": config.signal_group,
        "readiness": config.readiness,
        "log_format": config.log_format,
        "log_level": config.log_level,
    }


def _size(trace: str, message: str) -> int:
    """Count the bytes that an event takes in the line at the most: each character may need six (backslash, u, four digits)."""
    plain = len(message) if message.isascii() and message.isprintable() else 6 * len(message)
    return len(trace) + plain + 75


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _readable(now: str, level: str, message: str, fields: dict[str, object]) -> str:
    """Write a line for eyes: time, level, message, then name=value."""
    words = [now, level.upper(), message or str(fields.pop("error", ""))]
    for name, value in fields.items():
        if name == "event-traces" and isinstance(value, list):
            words += [f"[{trace['id']}: {'; '.join(event['message'] for event in trace['events'])}]" for trace in value]
        elif isinstance(value, dict):
            words += [f"{key}={to_json(item)}" for key, item in value.items()]
        elif value not in ([], ""):
            words.append(f"{name}={to_json(value)}")
    return "".join(c if c.isprintable() else " " for c in " ".join(word for word in words if word))
