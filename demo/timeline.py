"""Draws what happened to the containers of a job on one time axis."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from container import Container

WIDTH = 72  # columns of the axis


def show(containers: Sequence[Container], graveyard: Path, killed: float | None) -> None:
    """Show the axis, the list of events and the tombstones."""
    stories = {container.name: story(container, graveyard, killed) for container in containers}
    times = [at for events in stories.values() for at, _, _ in events]
    begin, end = min(times), max(times)
    print("\n  who lived when (. waits, = runs, T told to stop, + ended, X killed)\n")
    for name, events in stories.items():
        print(f"  {name:>7} |{bar(events, begin, end)}|")
    print(f"  {'':>7} 0{f'{(end - begin) * 1000:.0f} ms':>{WIDTH}}\n")
    for at, name, text in sorted((at, name, text) for name, events in stories.items() for at, _, text in events):
        print(f"  {(at - begin) * 1000:8.1f} ms  {name:<7} {text}")
    print("\n  tombstones")
    for stone in sorted(graveyard.glob("[!.]*")):
        print(f"    {stone.name}:")
        print("".join(f"      {line}\n" for line in stone.read_text().splitlines()), end="")


def story(container: Container, graveyard: Path, killed: float | None) -> list[tuple[float, str, str]]:
    """Give (time, mark, sentence) of what happened to a container."""
    found = []
    waits = True
    for at, event in container.events():
        word = event.partition(":")[0]
        if waits and word != "Start":
            found.append((at, ".", "waits for the server" if container.name == "client" else "looks at the graveyard"))
        if word == "Start":
            found.append((at, "=", "starts its command"))
        elif word == "New death":
            found.append((at, "=", "sees that the client is dead" + ("" if killed is None else ": its lock is free, but its tombstone has no Died")))
        elif word == "Terminating child process":
            found.append((at, "T", "tells its command to stop (SIGTERM)"))
        elif event == "Received signal: child exited":
            found.append((at, "+", f"sees its command end, exits {exit_text(container.code)}"))
        waits = False
    if killed is not None and not (graveyard / container.name).read_text().count("Died"):
        found.append((killed, "X", "is killed with its supervisor: nobody writes its death"))
    return found


def bar(events: list[tuple[float, str, str]], begin: float, end: float) -> str:
    """Draw one container's line."""
    cells = [" "] * WIDTH
    scale = (WIDTH - 1) / max(end - begin, 0.001)
    for (at, mark, _), following in zip(events, [*events[1:], None], strict=True):
        first = round((at - begin) * scale)
        last = round((following[0] - begin) * scale) if following else first
        cells[first] = mark
        for cell in range(first + 1, last):
            cells[cell] = "." if mark == "." else "="
    return "".join(cells)


def exit_text(code: int | None) -> str:
    """Say an exit code, or the signal that ended the process."""
    if code is None:
        return "?"
    return f"by {signal.Signals(-code).name}" if code < 0 else str(code)
