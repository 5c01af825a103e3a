"""What the tests in a cluster share. They are left out unless KUBECONFIG names one and KUBEXIT_E2E_LOAD says how images get there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.kubectl import DEADLINE
from e2e.spaces import Space

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

HERE = Path(__file__).resolve().parent
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave them out without a cluster; else give them the time that a cluster takes."""
    wanted = os.environ.get("KUBECONFIG") and (os.environ.get("KUBEXIT_E2E_LOAD") or os.environ.get("KUBEXIT_E2E_IMAGES"))
    for item in items:
        if HERE in item.path.parents:
            if not wanted:
                item.add_marker(pytest.mark.skip(reason="in a real cluster only: set KUBECONFIG and KUBEXIT_E2E_LOAD, or use ci/e2e"))
            item.add_marker(pytest.mark.timeout(3 * DEADLINE))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember a failure, so that the space is asked what happened."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def space(request: pytest.FixtureRequest) -> Iterator[Space]:
    """Give a namespace of the test's own."""
    space = Space()
    yield space
    try:
        if request.node.stash.get(FAILED, False):
            space.tell()
    finally:
        space.close()
