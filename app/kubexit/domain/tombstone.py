"""The tombstone: a small YAML mapping that any kubexit, Go's too, reads and writes in the graveyard."""

from __future__ import annotations

from kubexit.domain.record import Record
from kubexit.domain.timestamps import is_timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LARGEST = 65_536  # bytes that are read of a tombstone

# Why a supervisor ended (key Reason), in the words that `kubectl describe pod` uses where it has one.
COMPLETED = "Completed"
ERROR = "Error"
OOM_KILLED = "OOMKilled"
DEPENDENCY_DIED = "DependencyDied"
GRACE_EXPIRED = "GraceExpired"
TERMINATED = "Terminated"
BIRTH_TIMEOUT = "BirthTimeout"
DEPENDENCY_FAILED = "DependencyFailed"
START_FAILED = "StartFailed"
CONFIG_ERROR = "ConfigError"
INTERNAL = "Internal"


class Tombstone(Record):
    """Life and death of one supervised process; None stands for a key that is not there. Times are RFC 3339 text."""

    born: str | None = None
    ready_at: str | None = None
    died: str | None = None
    exit_code: int | None = None  # what the supervisor exits with, as the kubelet sees it
    child_exit_code: int | None = None  # n or 128+n of the child itself, where that differs
    signal: str | None = None  # that ended the child
    reason: str | None = None
    message: str | None = None


KEYS = (
    ("Born", "born"),
    ("ReadyAt", "ready_at"),
    ("Died", "died"),
    ("ExitCode", "exit_code"),
    ("ChildExitCode", "child_exit_code"),
    ("Signal", "signal"),
    ("Reason", "reason"),
    ("Message", "message"),
)
FIELDS = {key.lower(): field for key, field in KEYS}
TIMES = ("born", "ready_at", "died")
NUMBERS = ("exit_code", "child_exit_code")
QUOTED = (*TIMES, "message")  # always quoted: times as Go's writer does, messages because they may hold anything
NULLS = ("null", "Null", "NULL", "~")
ESCAPES = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
UNESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", '"': '"', "\\": "\\", "/": "/", " ": " "}


def format_tombstone(stone: Tombstone) -> str:
    """Write `stone` as YAML: known keys in their order, absent ones left out."""
    lines = []
    for key, field in KEYS:
        value = getattr(stone, field)
        if value is not None:
            lines.append(f"{key}: {_quote(value) if field in QUOTED else value}\n")
    return "".join(lines)


def _quote(text: str) -> str:
    """Make a double-quoted YAML scalar of one line. What is not printable ASCII or beyond it becomes U+FFFD."""
    if not text.isprintable():
        text = "".join(character if character.isprintable() or ord(character) in ESCAPES else "\ufffd" for character in text)
    return f'"{text.translate(ESCAPES)}"'


def parse_tombstone(text: str) -> Tombstone:
    """Read the YAML of any kubexit: one `Key: value` a line.

    Keys are case-insensitive, values quoted or not, unknown keys ignored with all that is indented below them.
    A ValueError says what is broken.
    """
    found: dict[str, Any] = {}
    for line in _lines(text):
        key, colon, value = f"{line.rstrip()} ".partition(": ")
        if not colon:
            raise ValueError(f"no key and value in {line[:40]!r}")
        field = FIELDS.get(_scalar(key).lower())
        if field is not None and value.strip() not in NULLS and (scalar := _scalar(value.strip())):
            found[field] = _checked(field, scalar)
    if not found:
        raise ValueError("none of the keys of a tombstone")
    return Tombstone(**found)


def _lines(text: str) -> list[str]:
    """Give the lines of the outermost mapping, without comments, document marks and what belongs to a nested value."""
    return [line for line in text.split("\n") if line.strip() and not line.startswith((" ", "\t", "#", "%", "-", "..."))]


def _checked(field: str, scalar: str) -> str | int:
    if field in TIMES:
        if not is_timestamp(scalar):
            raise ValueError(f"{field} is no RFC 3339 time: {scalar[:40]!r}")
        return scalar
    if field in NUMBERS:
        digits = scalar.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
            raise ValueError(f"{field} is no number: {scalar[:40]!r}")
        return int(scalar)
    return scalar


def _scalar(text: str) -> str:
    """Take the quotes or the comment off a YAML scalar."""
    if text.startswith('"'):
        return _double_quoted(text)
    if text.startswith("'"):
        body = text[1:].replace("''", "\0")
        content, quote, rest = body.partition("'")
        if not quote:
            raise ValueError(f"no closing quote in {text[:40]!r}")
        _nothing_after(rest)
        return content.replace("\0", "'")
    return "" if text.startswith("#") else text.partition(" #")[0].rstrip()


def _double_quoted(text: str) -> str:
    plain, quote, rest = text[1:].partition('"')
    if quote and "\\" not in plain:
        _nothing_after(rest)
        return plain
    parts: list[str] = []
    position = 1
    while position < len(text):
        character = text[position]
        if character == '"':
            _nothing_after(text[position + 1 :])
            return "".join(parts)
        if character == "\\":
            position += 1
            character = UNESCAPES.get(text[position : position + 1], "\ufffd")
        parts.append(character)
        position += 1
    raise ValueError(f"no closing quote in {text[:40]!r}")


def _nothing_after(rest: str) -> None:
    if rest.strip() and not rest.lstrip().startswith("#"):
        raise ValueError(f"text after a closing quote: {rest[:40]!r}")
