"""The manifests of the originals, with nothing but their images exchanged: their users have them, and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e.spaces import Space


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


def test_job_of_koordinators_readme(space: Space) -> None:
    """With the spelling of the variable that koordinator's own program ignores: here it counts."""
    space.apply("koordinator-job")
    pod = space.pod_of_job("koordinated")
    assert space.end_of_job("koordinated") == "Complete"
    assert (pod.end("main-container").code, pod.end("cloud-sql-proxy").code) == (0, 0)
    proxy = pod.log("cloud-sql-proxy")
    assert proxy.child == ["proxy --health-check --http-port=9090 --http-host=0.0.0.0", "here", "signal 15"]
    assert proxy.when("here") < pod.log("main-container").when("here")
