"""What pytest shares between the test folders."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.forms import Installation, chosen_form, install
from support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_report_header() -> str:
    """Say what is tested."""
    return f"kubexit: form {chosen_form()}, program {os.environ.get('KUBEXIT_BIN') or 'as made here'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot hold for the form under test; never because something is missing on the machine."""
    form = chosen_form()
    unfit = {"frozen_only": form == "source", "not_pid1": form == "pid1", "pid1_only": form != "pid1"}
    left_out = [item for item in items if any(wrong and item.get_closest_marker(name) for name, wrong in unfit.items())]
    for item in items:
        for name in unfit:
            marker = item.get_closest_marker(name)
            if marker and not marker.args:
                raise pytest.UsageError(f"{item.nodeid}: the marker {name} wants its reason")
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """Give the form under test, in a folder that every user may enter."""
    with tempfile.TemporaryDirectory(prefix="kubexit-installation-") as folder:
        yield install(chosen_form(), Path(folder))


@pytest.fixture
def world(installation: Installation) -> Iterator[World]:
    """Give a test its own graveyard; at its end nothing may be left of it."""
    world = World(installation)
    yield world
    world.close()


@pytest.fixture
def dice() -> random.Random:
    """Give random numbers that can be had again: KUBEXIT_TEST_SEED is the one that a failed test has printed."""
    seed = int(os.environ.get("KUBEXIT_TEST_SEED") or int.from_bytes(os.urandom(4), "big"))
    print(f"KUBEXIT_TEST_SEED={seed}")  # noqa: T201
    return random.Random(seed)


@pytest.fixture
def rounds() -> int:
    """Give how often a race is run."""
    return int(os.environ.get("KUBEXIT_RACE_ROUNDS") or 100)
