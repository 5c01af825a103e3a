"""What the black-box tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import service_account
from support.clusters import Cluster
from support.mounts import leave_for_own_mounts
from support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.forms import Installation


@pytest.fixture(scope="session", autouse=True)
def own_mounts() -> None:
    """Let no mount of these tests be seen outside of them, nor outlive them."""
    leave_for_own_mounts()


@pytest.fixture(scope="module")
def pod_files() -> Iterator[None]:
    """Let the paths that the kubelet mounts things at be the tests' own."""
    yield from service_account.mounted()


@pytest.fixture
def cluster(installation: Installation, pod_files: None) -> Iterator[Cluster]:  # noqa: ARG001  mounts
    """Give a test a pod of its own, in a world of its own; at its end nobody may be connected to the API server any more."""
    with Cluster(World(installation)) as cluster:
        yield cluster
