"""What the tests of the kernel's side have in common: nothing may be left open or running."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from linux.forks import descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def no_descriptor_leaks() -> Iterator[None]:
    """Each test closes what it opens, and so does what it tests."""
    before = descriptors()
    yield
    assert descriptors() == before


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Each test waits for the processes that it starts."""
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
