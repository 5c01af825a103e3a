"""What the tests of the kernel's side have in common: nothing may be left open or running."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from kubexit.commands import install
from linux.forks import descriptors
from linux.trees import single, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kubexit.linux.handover import Start


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


@pytest.fixture(params=["tree", "single"])
def start(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Give the start of either form, which has something to install; its version is a known one."""
    monkeypatch.setattr(install, "__version__", "0.1.0")
    monkeypatch.setattr(install, "COMMIT", "")
    return tree(tmp_path / "from") if request.param == "tree" else single(tmp_path / "single")
