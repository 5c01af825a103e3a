"""What a container has written: the lines of the child and the records of its kubexit, told apart. Both go to one log in Kubernetes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

OURS = re.compile(r'\{"@timestamp":')
COMMANDS = re.compile(r"kubectl (create [^&;]+)")


@dataclass(frozen=True)
class Line:
    """A line and when the container runtime read it: the node's clock, which is one for all containers of a pod."""

    at: datetime
    text: str


class Log:
    """A container's log."""

    def __init__(self, text: str) -> None:
        """Take what `kubectl logs --timestamps` gives."""
        pairs = (line.partition(" ") for line in text.splitlines())
        self.lines = [Line(_read_time(at), line) for at, _, line in pairs]

    @property
    def child(self) -> list[str]:
        """Give what the child said."""
        return [line.text for line in self.lines if not OURS.match(line.text)]

    @property
    def records(self) -> list[dict[str, Any]]:
        """Give what kubexit logged."""
        return [json.loads(line.text) for line in self.lines if OURS.match(line.text)]

    @property
    def error(self) -> str:
        """Give the one error that kubexit logged."""
        errors = [record["error"] for record in self.records if record.get("error")]
        assert len(errors) == 1, f"{len(errors)} errors in {self}"
        return str(errors[0])

    @property
    def warnings(self) -> list[str]:
        """Give the warnings that kubexit logged."""
        return [record["message"] for record in self.records if record["level"] == "warning"]

    def when(self, text: str) -> datetime:
        """Give the time of the first line that is exactly this."""
        times = [line.at for line in self.lines if line.text == text]
        assert times, f"no line {text!r} in {self}"
        return times[0]

    def kubectl_commands(self) -> list[list[str]]:
        """Give the kubectl commands that the error recommends, each without its first word."""
        return [command.split() for command in COMMANDS.findall(self.error)]

    def stone(self) -> dict[str, Any]:
        """Give the tombstone that a mourner has shown."""
        lines = [line.removeprefix("stone ") for line in self.child if line.startswith("stone ")]
        assert lines, f"no tombstone in {self}"
        stone: dict[str, Any] = yaml.safe_load("\n".join(lines))
        return stone

    def __str__(self) -> str:
        return "\n".join(f"{line.at.time()} {line.text}" for line in self.lines)


def _read_time(text: str) -> datetime:
    """Read RFC 3339 in UTC with nanoseconds, of which zeros at the end are left out; a datetime has microseconds."""
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{seconds}.{fraction:0<6.6}+00:00")
