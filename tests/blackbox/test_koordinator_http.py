"""In koordinator's place: a stop by request. The command of these tests is a server that ends when it is asked to."""

from __future__ import annotations

import socket
from signal import SIGTERM, SIGUSR2
from typing import TYPE_CHECKING

import pytest

from support.certificates import leaf
from support.forms import PYTHON
from support.koordinators import run
from support.pods import RUNNING, ended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.clusters import Cluster
    from support.supervisors import Supervisor

# arguments: the listening descriptor, the status to answer with ("" none at all), the exit code afterwards ("" lives on), a certificate ("" plain)
SERVER = """
import os, socket, ssl, sys
descriptor, status, code, certificate = sys.argv[1:]
listener = socket.socket(fileno=int(descriptor))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
if context:
    context.load_cert_chain(certificate)
open_ones = []
print("ready", os.getpid(), flush=True)
while True:
    connection, _ = listener.accept()
    if context:
        connection = context.wrap_socket(connection, server_side=True)
    head = b""
    while b"\\r\\n\\r\\n" not in head:
        head += connection.recv(65536)
    print("asked", head.partition(b"\\r\\n")[0].decode(), flush=True)
    if not status:
        open_ones.append(connection)
        continue
    elsewhere = f"http://127.0.0.1:{listener.getsockname()[1]}/elsewhere"
    connection.sendall(f"HTTP/1.1 {status} As Told\\r\\nContent-Length: 0\\r\\nLocation: {elsewhere}\\r\\n\\r\\n".encode())
    connection.close()
    if code:
        sys.exit(int(code))
"""
ENDS, SILENT = ("200", "9", ""), ("", "", "")
OWN = {"terminatedByStopDepExitCode": -1}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Give a listening socket at a port that nobody else has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def start_server(cluster: Cluster, listener: socket.socket, spec: dict[str, object], *how: str, **variables: str) -> Supervisor:
    """Start one whose stop dependency lives, and return when it listens. `how` are the server's last three arguments."""
    cluster.tell(server=RUNNING)
    command = [PYTHON, "-I", "-c", SERVER, str(listener.fileno()), *(how or ENDS)]
    sidecar = run(cluster, {"stopDeps": ["server"], "termTimeout": "1h", **spec}, command, pass_fds=[listener.fileno()], **variables)
    sidecar.ready()
    return sidecar


def request_to(listener: socket.socket, method: str = "post", **details: object) -> dict[str, object]:
    """Give the action that asks there."""
    return {"whenStopDepExited": {"http": {method: {"port": listener.getsockname()[1], **details}}}}


def asked(sidecar: Supervisor) -> list[str]:
    """Give the first lines of all requests, once it has ended."""
    assert sidecar.out is not None
    return [line.removeprefix("asked ") for line in sidecar.out.all().splitlines() if line.startswith("asked ")]


@pytest.mark.parametrize(
    ("method", "details", "line"),
    [
        ("get", {}, "GET / HTTP/1.1"),
        ("post", {"path": "/quitquitquit"}, "POST /quitquitquit HTTP/1.1"),
        ("put", {"path": "stop?how=now&why=%20"}, "PUT /stop?how=now&why=%20 HTTP/1.1"),
        ("get", {"host": "localhost", "scheme": "HTTP", "path": "/x"}, "GET /x HTTP/1.1"),
    ],
)
def test_command_is_asked_to_stop(cluster: Cluster, listener: socket.socket, method: str, details: dict[str, object], line: str) -> None:
    """Once, in the way of the spec, and by no signal; then it counts as stopped."""
    sidecar = start_server(cluster, listener, request_to(listener, method, **details))
    cluster.tell(server=ended(1))
    assert sidecar.end() == 0
    assert asked(sidecar) == [line]
    assert sidecar.warnings() == []


def test_end_of_the_command_is_its_own_if_wished(cluster: Cluster, listener: socket.socket) -> None:
    """With a negative `terminatedByStopDepExitCode`, as after a signal."""
    sidecar = start_server(cluster, listener, {**request_to(listener), **OWN})
    cluster.tell(server=ended(0))
    assert sidecar.end() == 9


@pytest.mark.parametrize("status", [200, 204, 302, 399])
def test_good_answer_is_believed(cluster: Cluster, listener: socket.socket, status: int) -> None:
    """200 to 399, as with the kubelet's probes. A redirect is not followed, and nothing else is sent: the command has its time."""
    sidecar = start_server(cluster, listener, {**request_to(listener), **OWN}, str(status), "", "")
    cluster.tell(server=ended(0))
    sidecar.event("The child has taken the request to stop")
    sidecar.settle()
    assert not sidecar.ended
    sidecar.send(SIGUSR2)
    assert sidecar.end() == 140
    assert asked(sidecar) == ["POST / HTTP/1.1"]
    assert sidecar.warnings() == []


def test_command_that_lives_on_after_a_good_answer_is_killed(cluster: Cluster, listener: socket.socket) -> None:
    """After `termTimeout`, which begins with the stop."""
    sidecar = start_server(cluster, listener, {**request_to(listener), "termTimeout": "1s"}, "200", "", "")
    cluster.tell(server=ended(0))
    assert sidecar.end() == 137


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_command_that_refuses_is_told_by_signal(cluster: Cluster, listener: socket.socket, status: int) -> None:
    """It has to end: the term signal follows, with a warning that has the answer."""
    sidecar = start_server(cluster, listener, {**request_to(listener), **OWN}, str(status), "", "")
    cluster.tell(server=ended(0))
    assert sidecar.end() == 143
    assert asked(sidecar) == ["POST / HTTP/1.1"]
    (warning,) = sidecar.warnings()
    assert str(status) in warning
    assert "SIGTERM is sent instead" in warning


def test_command_that_does_not_listen_is_told_by_signal(cluster: Cluster, listener: socket.socket) -> None:
    """The same, by the signal of the spec."""
    spec = request_to(listener)
    with socket.create_server(("127.0.0.1", 0)) as other:
        sidecar = start_server(cluster, other, {**spec, **OWN, "termSignal": "SIGHUP"})
    listener.close()
    cluster.tell(server=ended(0))
    assert sidecar.end() == 129
    (warning,) = sidecar.warnings()
    assert "refused" in warning
    assert "SIGHUP is sent instead" in warning


def test_command_that_never_answers_is_killed(cluster: Cluster, listener: socket.socket) -> None:
    """After `termTimeout`: who makes the request does not keep us."""
    sidecar = start_server(cluster, listener, {**request_to(listener), "termTimeout": "3s"}, *SILENT)
    cluster.tell(server=ended(0))
    sidecar.says("asked")
    assert sidecar.end() == 137


def test_request_can_be_encrypted(cluster: Cluster, listener: socket.socket) -> None:
    """The certificate is not verified, as the kubelet does not: nobody vouches for what answers on a port of one's own pod."""
    sidecar = start_server(cluster, listener, request_to(listener, scheme="https"), "200", "9", str(leaf("DNS:elsewhere.example")))
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0
    assert asked(sidecar) == ["POST / HTTP/1.1"]


def test_proxies_of_the_environment_are_not_asked(cluster: Cluster, listener: socket.socket) -> None:
    """They are meant for the application's own requests."""
    proxies = dict.fromkeys(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"], "http://127.0.0.1:1")
    sidecar = start_server(cluster, listener, request_to(listener), **proxies)
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0
    assert asked(sidecar) == ["POST / HTTP/1.1"]


def test_outside_stop_is_passed_on_as_the_signal_that_it_is(cluster: Cluster, listener: socket.socket) -> None:
    """The request is for stop dependencies alone."""
    sidecar = start_server(cluster, listener, request_to(listener))
    sidecar.send(SIGTERM)
    assert sidecar.end() == 143
    assert asked(sidecar) == []


def test_outside_stop_after_the_request_is_passed_on(cluster: Cluster, listener: socket.socket) -> None:
    """A command that hangs over the request can still be told."""
    sidecar = start_server(cluster, listener, {**request_to(listener), **OWN}, *SILENT)
    cluster.tell(server=ended(0))
    sidecar.says("asked")
    sidecar.send(SIGTERM)
    assert sidecar.end() == 143
