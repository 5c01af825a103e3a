"""The examples as they are, with nothing but their images exchanged for stand-ins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.images import references

if TYPE_CHECKING:
    from e2e.pods import Pod
    from e2e.spaces import Space

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
IMAGE = re.compile(r"(?<= image: )(?:\S*/)?([^\s:]+)\S*")


def run(space: Space, example: str) -> None:
    """Apply an example. Its images are known by the last word of their names: there is a stand-in for each, or this is a KeyError."""
    text = (EXAMPLES / example).read_text()
    space.apply_text(IMAGE.sub(lambda found: references()[found[1]], text))


def wait_for(pod: Pod, container: str) -> None:
    """Return when a container's kubexit holds its command back."""
    pod.running(container)
    pod.heard(container, "kubexit initialized")


def move(pod: Pod, container: str, port: int, how: str = "open") -> None:
    """Have a stand-in do something, as soon as it can hear."""
    pod.running(container)
    pod.heard(container, "here")
    pod.tell(port, how)


def give_secrets(space: Space, word: str = "right") -> None:
    """Make them as the example's README says; psql's stand-in accepts one word alone."""
    database = ["--from-literal=username=app", f"--from-literal=password={word}", "--from-literal=database=shop"]
    space.kubectl("create", "secret", "generic", "cloudsql-credentials", "--from-literal=credentials.json={}")
    space.kubectl("create", "secret", "generic", "database", *database)


def test_client_server_job(space: Space) -> None:
    """The client starts when the server is ready, the server ends with the client."""
    run(space, "client-server-job/job.yaml")
    pod = space.pod_of_job("client-server")
    wait_for(pod, "client")
    move(pod, "server", 8080)
    assert space.end_of_job("client-server") == "Complete"
    client, server = pod.log("client"), pod.log("server")
    assert client.child == ["here", "got 200"]
    assert server.child == ["here", "opened", "signal 15"]
    assert server.when("opened") < client.when("here")


def test_client_server_job_fails_when_the_server_does(space: Space) -> None:
    """The client, which waits, says why, and the pod is over: backoffLimit decides whether there is a next one."""
    run(space, "client-server-job/job.yaml")
    pod = space.pod_of_job("client-server")
    wait_for(pod, "client")
    move(pod, "server", 8080, "exit/4")
    assert (pod.end("server").code, pod.end("client").code) == (4, 1)
    assert "birth dependency server" in pod.log("client").error
    pod.until(lambda pod: pod["status"]["phase"] == "Failed", "its failure")


def test_client_server_job_without_rights(space: Space) -> None:
    """The client's own tries bridge what lies between the server's start and its listening."""
    run(space, "client-server-job/job-without-rights.yaml")
    pod = space.pod_of_job("client-server-without-rights")
    pod.running("client")
    pod.heard("client", "got 503")
    pod.tell(8080, "open")
    assert space.end_of_job("client-server-without-rights") == "Complete"
    assert (pod.end("client").code, pod.end("server").code) == (0, 0)
    assert pod.log("client").child[-1] == "got 200"
    assert pod.log("server").child == ["here", "opened", "signal 15"]


def test_cloudsql_proxy_job(space: Space) -> None:
    """The proxy ends with 143 by itself when it is told to stop; the Job completes all the same."""
    give_secrets(space)
    run(space, "cloudsql-proxy-job/job.yaml")
    pod = space.pod_of_job("cloudsql-proxy-job")
    wait_for(pod, "psql")
    move(pod, "cloud-sql-proxy", 9090)
    assert space.end_of_job("cloudsql-proxy-job") == "Complete"
    psql, proxy = pod.log("psql"), pod.log("cloud-sql-proxy")
    assert psql.child == ["psql --no-password --command=SELECT version(); as app of shop", "here", "got 200"]
    assert proxy.child[0] == "proxy for project:region:instance"
    assert proxy.child[-1] == "signal 15"
    assert proxy.when("opened") < psql.when("here")


def test_cloudsql_proxy_job_fails_when_psql_does(space: Space) -> None:
    """The proxy ends all the same, with what it has always ended with."""
    give_secrets(space, word="wrong")
    run(space, "cloudsql-proxy-job/job.yaml")
    pod = space.pod_of_job("cloudsql-proxy-job")
    move(pod, "cloud-sql-proxy", 9090)
    assert (pod.end("psql").code, pod.end("cloud-sql-proxy").code) == (2, 143)
    pod.until(lambda pod: pod["status"]["phase"] == "Failed", "its failure")


def test_koordinator_job(space: Space) -> None:
    """The application starts when the proxy is ready, and the proxy ends with it."""
    give_secrets(space)
    run(space, "koordinator-job/job.yaml")
    pod = space.pod_of_job("koordinator-job")
    wait_for(pod, "main-container")
    move(pod, "cloud-sql-proxy", 9090)
    assert space.end_of_job("koordinator-job") == "Complete"
    proxy, main = pod.log("cloud-sql-proxy"), pod.log("main-container")
    assert main.child == ["here", "got 200"]
    assert proxy.child[-1] == "signal 15"
    assert proxy.when("opened") < main.when("here")


def test_native_sidecar_without_kubexit(space: Space) -> None:
    """What Kubernetes does alone."""
    run(space, "native-sidecar/without-kubexit.yaml")
    pod = space.pod_of_job("native-sidecar-without-kubexit")
    move(pod, "app", 8080)
    assert space.end_of_job("native-sidecar-without-kubexit") == "Complete"
    assert pod.log("app").when("opened") < pod.log("tests").when("here")


def test_native_sidecar_job(space: Space) -> None:
    """One after the other starts: the native sidecar, the app, the tests. Then one after the other ends."""
    run(space, "native-sidecar/job.yaml")
    pod = space.pod_of_job("native-sidecar")
    wait_for(pod, "app")
    wait_for(pod, "tests")
    move(pod, "cache", 6379)
    move(pod, "app", 8080)
    assert space.end_of_job("native-sidecar") == "Complete"
    assert (pod.end("app").code, pod.end("tests").code) == (0, 0)
    cache, app, tests = (pod.log(container) for container in ("cache", "app", "tests"))
    assert tests.child == ["here", "got 200"]
    assert cache.when("opened") < app.when("here") < app.when("opened") < tests.when("here")
    assert app.when("signal 15") < cache.when("signal 15")


def test_native_sidecar_job_fails_when_the_app_does(space: Space) -> None:
    """The tests do not hang without it, and the native sidecar ends with them."""
    run(space, "native-sidecar/job.yaml")
    pod = space.pod_of_job("native-sidecar")
    move(pod, "cache", 6379)
    move(pod, "app", 8080, "exit/4")
    assert space.end_of_job("native-sidecar") == "Failed"
    assert pod.end("app").code == 4
    assert pod.end("tests").code in (1, 143)  # as a birth dependency that is lost, or as a death dependency: whichever word comes first


def test_multi_stage_job(space: Space) -> None:
    """The server's image brings kubexit along; the main container knows nothing of it."""
    run(space, "multi-stage/job.yaml")
    pod = space.pod_of_job("multi-stage")
    assert space.end_of_job("multi-stage") == "Complete"
    assert (pod.end("main").code, pod.end("server").code) == (0, 0)
    assert pod.log("main").child[-1] == "made by the main container"
    assert any("response:200" in line for line in pod.log("server").child)
