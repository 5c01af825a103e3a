"""What the images are made of, and what they say of themselves."""

from __future__ import annotations

import json
import tarfile
from stat import S_IMODE
from typing import TYPE_CHECKING

import pytest

import kubexit
from image.containers import ARCHIVES, IMAGE, KOORDINATOR, podman

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from image.containers import Pod

BOTH = pytest.mark.parametrize("image", [IMAGE, KOORDINATOR])
PROGRAM = "bin/kubexit"
LINKS = {"bin/cp": "kubexit", "bin/koordinator": "kubexit", "app/bin/kubexit": "../../bin/kubexit"}
FOLDERS = {"bin": 0o755, "app": 0o755, "app/bin": 0o755, "tmp": 0o1777}


@pytest.fixture(scope="module")
def layer() -> Iterator[tarfile.TarFile]:
    """Give the one layer of the image, out of its archive."""
    with tarfile.open(ARCHIVES / "kubexit.tar") as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest
        ((name,),) = (image["Layers"] for image in json.load(manifest))
        with tarfile.open(fileobj=archive.extractfile(name)) as layer:
            yield layer


def config(image: str) -> Any:
    return json.loads(podman("image", "inspect", image))[0]


def test_one_file_its_names_and_a_tmp_for_everybody_are_all_that_there_is(layer: tarfile.TarFile) -> None:
    entries = layer.getmembers()
    assert [(entry.name, S_IMODE(entry.mode)) for entry in entries if entry.isfile()] == [(PROGRAM, 0o755)]
    assert {entry.name: entry.linkname for entry in entries if entry.issym()} == LINKS
    assert {entry.name: S_IMODE(entry.mode) for entry in entries if entry.isdir()} == FOLDERS
    assert len(entries) == 1 + len(LINKS) + len(FOLDERS)
    assert {(entry.uid, entry.gid) for entry in entries} == {(0, 0)}


@BOTH
def test_the_image_is_as_big_as_the_program(layer: tarfile.TarFile, image: str) -> None:
    found = config(image)
    assert len(found["RootFS"]["Layers"]) == 1
    assert 0 <= found["Size"] - layer.getmember(PROGRAM).size < 16384


@BOTH
def test_the_image_runs_as_nobody_and_finds_its_commands(image: str) -> None:
    found = config(image)["Config"]
    assert found["User"] == "65534:65534"
    assert "/bin" in found["Env"][0].removeprefix("PATH=").split(":")


@BOTH
def test_the_labels_and_the_program_tell_the_same_version(pod: Pod, image: str) -> None:
    labels = config(image)["Config"]["Labels"]
    label = {name: labels[f"org.opencontainers.image.{name}"] for name in ("title", "description", "licenses", "version", "revision")}
    assert all(value for name, value in label.items() if name != "revision")  # that one is not known where there is no git
    assert label["version"] == kubexit.__version__
    told = pod.run("any", "--version", options=["--entrypoint=/bin/kubexit"], image=image).out
    assert told == f"kubexit {label['version']} (commit {label['revision'] or 'unknown'}, single file)\n"
