"""The Dockerfile of the multi-stage example, on a base that is here: scratch holds less than a distroless image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from image.containers import ACTOR, ROOT, build

if TYPE_CHECKING:
    from image.containers import Pod

DOCKERFILE = ROOT / "examples" / "multi-stage" / "Dockerfile"
BUSYBOX = Path("/bin/busybox")  # Debian's package busybox-static


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build it as it is written, and give the image's name."""
    context = tmp_path_factory.mktemp("busybox")
    (context / "busybox").write_bytes(BUSYBOX.read_bytes())
    (context / "busybox").chmod(0o755)
    program = build("busybox", "FROM scratch\nCOPY busybox /bin/\n", context)
    options = ("--build-arg=BASE=scratch", f"--build-arg=PROGRAM={program}")
    return build("multi-stage", DOCKERFILE.read_text(), tmp_path_factory.mktemp("multi-stage"), *options)


@pytest.mark.parametrize(("code", "status"), [(0, 0), (3, 143)])
def test_sidecar_of_the_example_ends_with_its_main_container(pod: Pod, server: str, code: int, status: int) -> None:
    """Its own command runs, kubexit is the entrypoint, and nobody is root."""
    sidecar = pod.start("server", image=server, death_deps="main", options=["--read-only", "--cap-drop=all", f"--volume={pod.volume}:/www:ro"])
    assert pod.run("main", ACTOR, f"exit {code}", birth_deps="server").status == code
    end = sidecar.end()
    assert end.status == status, end.err
    assert sidecar.fact("{{.Config.User}}") == "65532:65532"
    assert "Signal: SIGTERM" in pod.stone("server")
