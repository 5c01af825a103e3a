"""The fenced code of a Markdown page: what the documents tell a user to copy is run by tests as it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FENCE = "```"


@dataclass(frozen=True)
class Snippet:
    """A fenced block: below which heading it stands, what language its fence names, and its text."""

    heading: str
    language: str
    text: str


def snippets(page: Path, heading: str, language: str) -> list[Snippet]:
    """Give the blocks of this language below this heading, in their order. A ValueError if there are none: a renamed heading is no lesser test."""
    found = [each for each in _blocks(page.read_text().splitlines()) if (each.heading, each.language) == (heading, language)]
    if not found:
        raise ValueError(f"{page} has no block {FENCE}{language} below the heading {heading!r}")
    return found


def _blocks(lines: list[str]) -> Iterator[Snippet]:
    block: list[str] | None = None
    heading, language = "", ""
    for line in lines:
        if block is not None and line == FENCE:
            yield Snippet(heading, language, "".join(f"{each}\n" for each in block))
            block = None
        elif block is not None:
            block.append(line)
        elif line.startswith(FENCE):
            language, block = line.removeprefix(FENCE), []
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
