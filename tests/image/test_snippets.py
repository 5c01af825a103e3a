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
# Other people's images, the programs that a Dockerfile adds: whatever they are, they are the tests' programs and a shell here.
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


def foreign_images(text: str) -> set[str]:
    """Give the images that a Dockerfile names, but for ours and its own stages."""
    named = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) | set(re.findall(r"--from=(\S+)", text))
    stages = set(re.findall(r"^FROM .* AS (\S+)", text, re.MULTILINE | re.IGNORECASE))
    return {name for name in named - stages if name.partition(":")[0] not in {"kubexit", "scratch"}}


def own_files(text: str) -> list[str]:
    """Give what a Dockerfile copies from its own folder."""
    return [source for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for source in line.split()[:-1]]


@pytest.mark.parametrize("text", [*OURS, FORK])
def test_the_image_that_a_document_tells_to_build_runs_a_command_by_kubexit(pod: Pod, stand_in: str, text: str, tmp_path: Path) -> None:
    whole = text if "FROM " in text else f"FROM {stand_in}\n{text}"  # lines for a Dockerfile that the reader has
    foreign = foreign_images(whole) - {stand_in}
    for name in foreign:
        podman("tag", stand_in, name)
    for name in own_files(whole):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(program("probe"), tmp_path / name)
    image = build("snippet", whole, tmp_path)
    for name in foreign:
        podman("untag", stand_in, name)
    ended = pod.run("main", PROBE, image=image)
    assert ended.status == 0, ended.err
    assert "parent 1" in ended.out.splitlines()
    assert "ExitCode: 0" in pod.stone("main")
