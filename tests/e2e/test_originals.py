"""The manifests of the originals, with nothing but their images exchanged: their users have them, and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.documents import completed, with_our_images
from e2e.images import references
from e2e.spaces import MANIFESTS

if TYPE_CHECKING:
    from e2e.spaces import Space

ORIGINALS = MANIFESTS / "originals"
# Which of our images takes the place of which of theirs. Where theirs has kubexit in it, ours has, too.
IMAGES = {
    "karlkfi/kubexit:latest": "kubexit",
    "kubexit:latest": "kubexit",
    "koordinator:latest": "koordinator",
    "alpine": "sleeper",
    "cloudsql-proxy-kubexit": "proxy",
    "eu.gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.3.0": "connector",
    "main-app-image": "application",
}


def original(name: str) -> str:
    """Give an original's manifest."""
    return with_our_images((ORIGINALS / f"{name}.yaml").read_text(), IMAGES)


def test_client_server_job_of_the_go_kubexit(space: Space) -> None:
    """An init container copies kubexit, and shells start it."""
    space.permit()
    space.apply("client-server-job")
    pod = space.pod_of_job("example-job")
    assert space.end_of_job("example-job") == "Complete"
    assert (pod.end("client").code, pod.end("server").code) == (0, 0)
    assert pod.log("client").child[-1] == "got 200"
    assert pod.log("server").child == ["here", "signal 15"]


def test_cloudsql_proxy_job_of_the_go_kubexit(space: Space) -> None:
    """It is in the images, and starts as the first process."""
    space.permit()
    space.apply("cloudsql-secrets")
    space.apply("cloudsql-proxy-job")
    pod = space.pod_of_job("example-job")
    assert space.end_of_job("example-job") == "Complete"
    assert (pod.end("psql").code, pod.end("cloudsql-proxy").code) == (0, 0)
    assert pod.log("psql").child[0].startswith("psql -c SELECT * FROM foo; of postgres://")
    assert pod.log("cloudsql-proxy").child[-1] == "signal 15"


def test_job_of_the_go_kubexits_first_readme(space: Space) -> None:
    """The proxy ends with the main container; nobody needs the API."""
    space.apply("cloudsql-secrets")
    space.apply_text(original("sleeping-job"), "--validate=warn")
    pod = space.pod_of_job("example")
    assert space.end_of_job("example") == "Complete"
    assert (pod.end("main").code, pod.end("cloudsql-proxy").code) == (0, 0)


@pytest.mark.parametrize(("image", "file"), [("karlkfi/kubexit:latest", "/bin/kubexit"), ("kubexit:latest", "/app/bin/kubexit")])
def test_init_container_of_the_readmes_copies_kubexit(space: Space, image: str, file: str) -> None:
    """From where the Go kubexit's image has it, and its fork RemcodM's; and from where its fork iSpring's has it."""
    text = (ORIGINALS / "install.yaml").read_text().replace("karlkfi/kubexit:latest", image).replace("/bin/kubexit", file)
    mount = [{"name": "kubexit", "mountPath": "/kubexit"}]
    command = ["/kubexit/kubexit", "puppet", "exit", "0"]
    main = {"image": references()["bare"], "command": command, "volumeMounts": mount, "env": [{"name": "KUBEXIT_NAME", "value": "main"}]}
    space.apply_text(completed(with_our_images(text, IMAGES), main=main))
    pod = space.pod("completed")
    pod.succeeds()
    assert pod.log("main").child == ["here"]


def test_job_of_koordinators_readme(space: Space) -> None:
    """With the spelling of the variable that koordinator's own program ignores: here it counts."""
    space.apply_text(original("koordinator-job").replace("namespace: default", f"namespace: {space.name}"))
    pod = space.pod_of_job("koordinated")
    assert space.end_of_job("koordinated") == "Complete"
    assert (pod.end("main-container").code, pod.end("cloud-sql-proxy").code) == (0, 0)
    proxy = pod.log("cloud-sql-proxy")
    assert proxy.child == ["proxy --health-check --http-port=9090 --http-host=0.0.0.0", "here", "signal 15"]
    assert proxy.when("here") < pod.log("main-container").when("here")
