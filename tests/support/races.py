"""What races need: an instant by chance, and what was true at it."""

from __future__ import annotations

import contextlib
import os
import select
from signal import SIGTERM
from typing import TYPE_CHECKING

from support import processes
from support.world import World

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from support.forms import Installation

START = 0.1  # seconds: in these a supervisor starts its child, in each form


def let_pass(dice: random.Random, seconds: float = START) -> float:
    """Let some time pass, at the most these seconds: the instant of a race is chance. Nothing is waited for here."""
    instant = dice.uniform(0, seconds)
    select.select([], [], [], instant)
    return instant


def is_deaf(pid: int) -> bool:
    """Tell whether TERM would still act on the process itself: before exec, and before its first instructions have blocked it.

    The kernel kills an ordinary process by it, and drops it for the first process of a namespace. (The interpreter of the source form takes
    some milliseconds to reach our first line, the start code of the frozen forms less than one.)
    """
    try:
        if os.readlink(f"/proc/{pid}/exe").endswith("/stage"):  # noqa: PTH115  the text of the link
            return True
        return not int(processes.status(pid)["SigBlk"], 16) >> SIGTERM - 1 & 1
    except (FileNotFoundError, ProcessLookupError):
        return True


@contextlib.contextmanager
def rounds_of(installation: Installation, number: int) -> Iterator[World]:
    """Give one round of a race its own world; at its end nothing may be left."""
    world = World(installation)
    try:
        yield world
    except BaseException:
        print(f"in round {number}:")  # noqa: T201
        with contextlib.suppress(AssertionError):
            world.close()
        raise
    world.close()
