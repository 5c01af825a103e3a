"""The images of a release, as they come out of their archives."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from release.conftest import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Limits that any machine allows: podman's own are above what a machine in a container may set
RUN = ("run", "--rm", "--pull=never", "--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--read-only", "--cap-drop=all")


class Podman:
    """podman with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self.storage = ("--root", str(folder / "storage"), "--runroot", str(folder / "run"), "--storage-driver=vfs")

    def __call__(self, *words: str) -> str:
        """Run podman, and give what it prints."""
        command = ["podman", *self.storage, "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none", *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=100).stdout

    def load(self, release: Path, name: str) -> str:
        """Load an image; give the name that it has."""
        (archive,) = release.glob(f"{name}-{VERSION}-linux-*-image.tar")
        return self("load", "--quiet", "--input", str(archive)).strip().rpartition(": ")[2]


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """Give a podman whose images go when the tests are over."""
    podman = Podman(tmp_path_factory.mktemp("podman"))
    yield podman
    podman("system", "reset", "--force")


def test_image_runs_the_program_of_this_version(podman: Podman, release: Path) -> None:
    image = podman.load(release, "kubexit")
    assert image.endswith(f"/kubexit:{VERSION}")
    (labels,) = (each["Config"]["Labels"] for each in json.loads(podman("image", "inspect", image)))
    version, commit = (labels[f"org.opencontainers.image.{name}"] for name in ("version", "revision"))
    assert version == VERSION
    assert podman(*RUN, image, "--version") == f"kubexit {VERSION} (commit {commit}, single file)\n"


def test_image_holds_the_single_file_of_this_release(podman: Podman, release: Path, single_file: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    image = podman.load(release, "kubexit")
    podman(*RUN, f"--volume={tmp_path}:/out", "--entrypoint=/bin/cp", image, "/bin/kubexit", "/out/kubexit")
    assert (tmp_path / "kubexit").read_bytes() == single_file.read_bytes()


def test_image_of_koordinator_leaves_it_where_its_manifests_look(podman: Podman, release: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    image = podman.load(release, "koordinator")
    podman(*RUN, f"--volume={tmp_path}:/koordinator", image, "/koordinator")
    assert subprocess.run([tmp_path / "koordinator", "--version"], check=True, capture_output=True).stdout.startswith(f"kubexit {VERSION}".encode())
