"""What the image tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from image.containers import ARCHIVES, BUILT, Pod, build, podman

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def images() -> Iterator[None]:
    """Let the images be those of the archives: what a user loads. In the end there are no others than before."""
    for name in ("kubexit", "koordinator"):
        loaded = podman("load", "--quiet", "--input", ARCHIVES / f"{name}.tar").splitlines()[-1].removeprefix("Loaded image: ")
        podman("tag", loaded, f"localhost/{name}:latest")
    yield
    if built := podman("images", "--quiet", "--filter", f"reference={BUILT}*").split():
        podman("rmi", "--force", *set(built))


@pytest.fixture
def pod() -> Iterator[Pod]:
    """Give a test a pod of its own."""
    pod = Pod()
    yield pod
    pod.close()


@pytest.fixture(scope="session")
def bare(images: None, tmp_path_factory: pytest.TempPathFactory) -> str:  # noqa: ARG001  they are copied from
    """Give an image with the file of ours in it, and nothing else."""
    return build("bare", 'FROM scratch\nCOPY --from=kubexit /bin/kubexit /bin/\nENTRYPOINT ["kubexit"]\n', tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="session")
def plain(images: None, tmp_path_factory: pytest.TempPathFactory) -> str:  # noqa: ARG001  nothing is built before they are there
    """Give an image without kubexit, or anything else."""
    context = tmp_path_factory.mktemp("plain")
    (context / "file").touch()
    return build("plain", "FROM scratch\nCOPY file /\n", context)
