"""Dockerfiles that documents tell their readers to write: built as they stand there, with our image's name put in, and run."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from image.containers import PROBE, ROOT, build, podman
from support.programs import program
from support.snippets import snippets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from image.containers import Pod

OURS = [snippet.text for snippet in snippets(ROOT / "README.md", "Install", "dockerfile")]
# What the documents of the original and its forks have, but for the name of the image.
FORK = """\
FROM kubexit:latest AS kubexit

FROM alpine:3.11
RUN apk --no-cache add ca-certificates tzdata
COPY --from=kubexit /bin/kubexit /bin/
ENTRYPOINT ["kubexit"]
"""
# Other people's images, and what a reader adds of their own: whatever it is, here it is a shell and the tests' program.
STAND_IN = """\
FROM scratch
COPY busybox apk /bin/
RUN ["/bin/busybox", "--install", "-s", "/bin"]
"""
APK = '#!/bin/sh\necho "apk $*"\n'


@pytest.fixture(scope="session")
def stand_in(images: None, tmp_path_factory: pytest.TempPathFactory) -> str:  # noqa: ARG001  nothing is built before they are there
    """Give an image that has a shell."""
    context = tmp_path_factory.mktemp("stand-in")
    shutil.copy("/bin/busybox", context)  # Debian's package busybox-static
    (context / "apk").write_text(APK)
    (context / "apk").chmod(0o755)
    return build("stand-in", STAND_IN, context)


@pytest.fixture
def named(stand_in: str, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Have the stand-in be called like another image; what that is for, it has under the image's name."""
    names: list[str] = []

    def name_it(name: str) -> None:
        folder = tmp_path / f"image-{len(names)}"
        folder.mkdir()
        shutil.copy(program("probe"), folder / "probe")
        command = name.rpartition("/")[2].partition(":")[0]
        podman("tag", build("named", f"FROM {stand_in}\nCOPY probe /bin/{command}\n", folder), name)
        names.append(name)

    yield name_it
    for name in names:
        podman("untag", name, name)


def foreign_images(text: str) -> set[str]:
    """Give the images that a Dockerfile names, but for ours and its own stages."""
    named = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) | set(re.findall(r"--from=(\S+)", text))
    stages = set(re.findall(r"^FROM .* AS (\S+)", text, re.MULTILINE | re.IGNORECASE))
    return {name for name in named - stages if name.partition(":")[0] not in {"kubexit", "scratch"}}


def own_files(text: str) -> list[str]:
    """Give what a Dockerfile copies from its own folder."""
    return [source for line in re.findall(r"^COPY (?!--)(.+)$", text, re.MULTILINE) for source in line.split()[:-1]]


@pytest.mark.parametrize("text", [*OURS, FORK])
def test_the_image_that_a_document_tells_to_build_runs_its_program_by_kubexit(
    pod: Pod, named: Callable[[str], None], text: str, tmp_path: Path
) -> None:
    whole = text if "FROM " in text else f"FROM my-program\n{text}"  # lines for a Dockerfile that the reader has
    for name in foreign_images(whole):
        named(name)
    for file in own_files(whole):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(program("probe"), tmp_path / file)
    image = build("snippet", whole, tmp_path)
    told = podman("image", "inspect", "--format", "{{len .Config.Entrypoint}} {{len .Config.Cmd}}", image)
    ended = pod.run("main", *([PROBE] if told == "1 0" else []), image=image)
    assert ended.status == 0, ended.err
    assert "parent 1" in ended.out.splitlines()
    assert "ExitCode: 0" in pod.stone("main")
