"""What the black-box tests share."""

from __future__ import annotations

import pytest

from support.mounts import leave_for_own_mounts


@pytest.fixture(scope="session", autouse=True)
def own_mounts() -> None:
    """Let no mount of these tests be seen outside of them, nor outlive them."""
    leave_for_own_mounts()
