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


# Bytes as JSON. The line with all traces stays below 16 KiB, which container runtimes keep in one piece; the others, but for that
# of a huge configuration, below 4 KiB, which pipes take whole.
LONGEST_TRACES = 10_000
LONGEST_EVENT = 1_000
LONGEST_ERROR = 3_500
LONGEST_FRAME = 200
MOST_FRAMES = 10


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
        frames = [_shortened(frame, LONGEST_FRAME) for frame in stack[:MOST_FRAMES]]
        self._line(ERROR, "", {"error": _shortened(error, LONGEST_ERROR), **(self._traces() if traces else {}), "stack": frames})

    def finished(self) -> None:
        """Say that all went well, with the event traces."""
        self._line(INFO, "supervising proceed successfully", self._traces())

    def event(self, trace: str, message: str) -> None:
        """Note an event in a trace; at level trace it is logged at once as well. The oldest events make room for new ones."""
        message = _shortened(message, LONGEST_EVENT)
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
        "stop_signal": signal_name(config.stop_signal) if config.stop_signal else None,
        "stop_request": f"{config.stop_request.method} {config.stop_request.url}" if config.stop_request else None,
        "exit_codes": [rule.text for rule in config.exit_rules],
        "signal_group": config.signal_group,
        "stop_delay": config.stop_delay,
        "readiness": config.readiness,
        "death_source": config.death_source,
        "log_format": config.log_format,
        "log_level": config.log_level,
    }


def _size(trace: str, message: str) -> int:
    """Count the bytes that an event takes in the line, with its timestamp and, at worst, a trace of its own."""
    return _json_size(trace) + _json_size(message) + 90


def _json_size(text: str) -> int:
    return len(to_json(text).encode("utf-8", "replace"))


def _shortened(text: str, longest: int) -> str:
    if _json_size(text) <= longest:
        return text
    text = text[:longest]
    while _json_size(text) > longest - 3:
        text = text[: len(text) * 7 // 8]
    return text + "..."


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
