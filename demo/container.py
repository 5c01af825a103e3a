"""One container of the demo's pod: a kubexit and its command."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

DEADLINE = 30  # seconds: whatever happens, the demo ends


@dataclass
class Container:
    """A supervisor that was started; `log` is what it wrote on standard error."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    code: int | None = None

    def wait(self) -> None:
        """Wait for its end."""
        self.code = self.process.wait(DEADLINE)

    def events(self) -> list[tuple[float, str]]:
        """Give (seconds since 1970, event) of all that its kubexit has logged."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [(seconds(line["@timestamp"]), line["event"]) for line in lines if "event" in line]


def seconds(timestamp: str) -> float:
    """Give the seconds since 1970 of a timestamp of kubexit's, which has nine digits."""
    whole, _, fraction = timestamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(whole + "+00:00").timestamp() + float("0." + fraction)
