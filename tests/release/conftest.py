"""What ci/release has made, for the tests of it: found by the names that are published."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

import kubexit
from support.forms import ROOT

if TYPE_CHECKING:
    from pathlib import Path

VERSION = kubexit.__version__


@pytest.fixture(scope="session")
def release() -> Path:
    """Give the folder."""
    return ROOT / "dist" / "release"


@pytest.fixture(scope="session")
def single_file(release: Path) -> Path:
    """Give the single file."""
    (found,) = (path for path in release.glob(f"kubexit-{VERSION}-linux-*") if "." not in path.name.removeprefix(f"kubexit-{VERSION}"))
    return found


@pytest.fixture(scope="session")
def tree(single_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the tree, unpacked."""
    folder = tmp_path_factory.mktemp("tree")
    subprocess.run(["tar", "--extract", "--file", f"{single_file}.tar.gz", "--directory", folder], check=True)
    (found,) = folder.iterdir()
    return found
