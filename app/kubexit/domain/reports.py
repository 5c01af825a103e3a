"""What the helper program says over its pipe: one report a line, its fields separated by tabs.

The supervisor and the helper know each other by this alone. JSON would do as well, but the supervisor has no time to import it.
"""

from __future__ import annotations

from kubexit.domain.dependencies import Container

TRACE = "trace"  # MESSAGE: for the event traces of the log
CONTAINER = "container"  # NAME and the fields of a Container: a part of a snapshot
POD = "pod"  # the containers told since the last one are the pod's state now
TROUBLE = "trouble"  # MESSAGE: the state cannot be read now; it is tried again
FAILED = "failed"  # MESSAGE: what was asked for cannot come true; the helper ends
GONE = "gone"  # MESSAGE: the pod is being deleted, or is no more
DONE = "done"  # the request was answered well
COUNTS = {TRACE: 1, CONTAINER: 1 + len(Container.fields_in_order), POD: 0, TROUBLE: 1, FAILED: 1, GONE: 1, DONE: 0}
LONGEST_FIELD = 900  # characters: 3,600 bytes at most, so that a pipe takes the line whole
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def format_report(kind: str, *fields: str) -> bytes:
    """Give a report as a line. A field that is too long is cut."""
    return "\t".join((kind, *(_escape(field[:LONGEST_FIELD]) for field in fields))).encode("utf-8", "replace") + b"\n"


def parse_report(line: bytes) -> tuple[str, ...] | None:
    """Give kind and fields of a report, None if the line is none (the last words of an interpreter, for instance)."""
    kind, *fields = line.decode("utf-8", "replace").split("\t")
    if COUNTS.get(kind) != len(fields):
        return None
    return kind, *map(_unescape, fields)


def format_container(name: str, container: Container) -> bytes:
    """Give the report on one container."""
    return format_report(CONTAINER, name, *(str(int(value) if isinstance(value, bool) else value) for value in container.fields().values()))


def parse_container(fields: tuple[str, ...]) -> tuple[str, Container]:
    """Read what `format_container` wrote; a ValueError if it is something else."""
    name, started, ready, ended, exit_code, comes_back, restarts, state = fields
    return name, Container(started == "1", ready == "1", ended == "1", int(exit_code), comes_back == "1", int(restarts), state)


def _escape(text: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in text)


def _unescape(text: str) -> str:
    first, *parts = text.split("\\")
    plain, escaped = [first], False
    for part in parts:
        if escaped:  # the second of two backslashes
            plain.append(part)
            escaped = False
        elif part:
            plain.append({"t": "\t", "n": "\n", "r": "\r"}.get(part[0], part[0]) + part[1:])
        else:
            plain.append("\\")
            escaped = True
    return "".join(plain)
