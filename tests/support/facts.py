"""What a child was given, as support/probe.c says it: once started by a supervisor, once by nobody."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from support.world import Text, World

DIFFERENT_BY_NATURE = ("parent", "process", "process-group", "session", "parent-death-signal")


@dataclass(frozen=True)
class Facts:
    """One start of the probe: one line a fact."""

    lines: list[str]

    def all(self, key: str) -> list[str]:
        """Give the values of a key, in their order."""
        return [line.partition(" ")[2] for line in self.lines if line.partition(" ")[0] == key]

    @property
    def environment(self) -> list[str]:
        """All entries, in their order."""
        return self.all("environment")

    @property
    def arguments(self) -> list[str]:
        """All arguments, the name first."""
        return self.all("argument")

    @property
    def rest(self) -> list[str]:
        """Give everything but the environment and what is different for each process."""
        return [line for line in self.lines if line.partition(" ")[0] not in ("environment", *DIFFERENT_BY_NATURE)]


def given_to(
    world: World,
    entries: Sequence[bytes],
    *,
    stage: Sequence[str] = (),
    arguments: Sequence[bytes] = (),
    pass_fds: Sequence[int] = (),
    path: str | None = "/usr/bin:/bin",
) -> tuple[Facts, Facts]:
    """Start the probe in one and the same state, without and with a supervisor; give what both were given.

    The files at the descriptors are the same for both, too. `entries` come before those that a supervisor needs.
    """
    said = world.shared / "facts"
    command: list[Text] = [world.installation.probe, "--to", str(said), *arguments]
    own = [name + b"=" + value for name, value in world.environment({"name": "main"}).items() if name != b"PATH"]
    block = [*entries, *own, *([b"PATH=" + path.encode()] if path is not None else [])]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as environment:
        environment.write(b"".join(entry + b"\0" for entry in block))
        environment.flush()
        options = ["--environment", str(environment.fileno()), *stage]
        found: list[Facts] = []
        without: list[str] = []
        for kubexit in (without, None):
            environment.seek(0)
            run = world.run(
                command,
                name="main",
                kubexit=kubexit,
                stage=options,
                pass_fds=[*pass_fds, environment.fileno()],
                stdout=out.fileno(),
                stderr=errors.fileno(),
            )
            assert run.end() == 0, os.pread(errors.fileno(), 4000, 0).decode(errors="replace")
            found.append(_read(said))
    return found[0], found[1]


def _read(said: Path) -> Facts:
    facts = Facts(said.read_text().splitlines())
    said.unlink()
    return facts
