"""The token of the service account goes to the API server, and to nobody else; no server can do us harm."""

from __future__ import annotations

import tempfile
from signal import SIGTERM
from typing import TYPE_CHECKING, Any

import pytest

from support import api_faults, processes
from support.api_server import ApiServer
from support.certificates import ELSEWHERE, authority, leaf
from support.clusters import USER, Cluster, assert_never_started, helper_of
from support.pods import CREATING, READY
from support.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.api_connection import Connection, Fault
    from support.forms import Installation

PEAK = 80_000  # kilobytes that a helper may ever have taken; it begins with 20,000 to 45,000
LIARS = {
    "another-authority": ({"signed_by": "other"}, "unable to get local issuer certificate"),
    "another-name": ({"names": ELSEWHERE}, "127.0.0.1"),
    "expired": ({"days": -1}, "expired"),
}


@pytest.fixture
def elsewhere() -> Iterator[ApiServer]:
    """Give another server with a good certificate, where nobody has any business."""
    with ApiServer() as server:
        yield server


@pytest.mark.parametrize(("how", "why"), LIARS.values(), ids=LIARS.keys())
def test_certificate_that_is_not_the_servers(installation: Installation, pod_files: None, how: dict[str, Any], why: str) -> None:  # noqa: ARG001
    """One of another CA, one for another name, one that has expired: not a word is said to such a server, the token least of all."""
    with Cluster(World(installation), certificate=leaf(**how)) as cluster:
        cluster.tell(server=READY)
        client = cluster.start(birth_deps="server", birth_timeout="3s")
        cluster.server.wait_until(lambda: len(cluster.server.refusals) > 1, "a second try")
        message = assert_never_started(client, 1, "BirthTimeout")
        assert "no trusted connection" in message
        assert why in message
        assert cluster.server.requests == []


@pytest.mark.parametrize("variables", [["SSL_CERT_FILE"], ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE"]])
def test_authorities_of_the_application_are_not_ours(installation: Installation, pod_files: None, variables: list[str]) -> None:  # noqa: ARG001
    """The service account's CA is the only one, whatever the environment has for the application."""
    given = dict.fromkeys(variables, str(authority("other")))
    with Cluster(World(installation), certificate=leaf(signed_by="other")) as cluster:
        cluster.tell(server=READY)
        client = cluster.start(birth_deps="server", birth_timeout="2s", **given)
        assert "no trusted connection" in assert_never_started(client, 1, "BirthTimeout")
        assert cluster.server.requests == []


def test_keys_of_connections_are_written_nowhere(cluster: Cluster) -> None:
    """SSLKEYLOGFILE is for the application's debugging."""
    cluster.tell(server=READY)
    keys = cluster.world.shared / "keys"
    assert cluster.start("exit 0", birth_deps="server", SSLKEYLOGFILE=str(keys)).end() == 0
    assert not keys.exists()


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_proxies_of_the_application_are_not_ours(cluster: Cluster, elsewhere: ApiServer, case: Callable[[str], str]) -> None:
    """HTTPS_PROXY, HTTP_PROXY, ALL_PROXY: the API server is asked itself."""
    cluster.tell(server=READY)
    proxies = [f"{case(name)}=http://127.0.0.1:{elsewhere.port}" for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")]
    kubexit = ["/usr/bin/env", *proxies, *cluster.world.installation.command]
    assert cluster.start("exit 0", birth_deps="server", kubexit=kubexit).end() == 0
    assert elsewhere.connections == 0


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("verb", ["list", "watch"])
def test_redirects_are_not_followed(cluster: Cluster, elsewhere: ApiServer, verb: str, code: int) -> None:
    """Who sends us elsewhere does not send our token there."""
    elsewhere.tokens[cluster.account.token] = USER
    cluster.tell(server=CREATING)
    cluster.server.fail(api_faults.redirect(f"https://127.0.0.1:{elsewhere.port}/api/v1/namespaces/shop/pods", code), verb=verb)
    client = cluster.start_waiting("server", "exit 0")
    cluster.tell(server=READY)
    assert client.end() == 0
    assert elsewhere.connections == 0


def echo(code: int) -> Fault:
    """Make a fault that says the request's headers back, as careless proxies do."""

    def answer(connection: Connection) -> None:
        assert connection.request is not None
        api_faults.refusal(code, "Reason", f"what is {connection.request.headers['authorization']}?", X_Token=connection.request.token)(connection)

    return answer


def test_token_is_in_no_text_of_ours(cluster: Cluster) -> None:
    """Not in the log, not in the tombstone, not in what /proc shows of any process: not even if the server says it back."""
    cluster.tell(server=CREATING)
    cluster.server.fail(echo(400), echo(401), echo(500), api_faults.reset_in_an_answer, api_faults.garbage)
    client = cluster.start_waiting("server")
    helper = helper_of(client)
    shown = [processes.read(f"/proc/{pid}/{file}") for pid in (client.pid, helper) for file in ("cmdline", "environ", "status", "comm")]
    cluster.server.fail_always(echo(403))
    cluster.server.in_watches(api_faults.expire)
    message = assert_never_started(client, 1, "DependencyFailed")
    assert "what is Bearer" in message
    assert client.err is not None
    said = client.err.all() + message + "".join(shown) + "".join(path.read_text() for path in cluster.world.graveyard.path.iterdir())
    for length in (len(cluster.account.token), 40):
        assert cluster.account.token[-length:] not in said
        assert cluster.account.token[:length] not in said


@pytest.mark.parametrize("namespace", ["shop/../kube-system", "shop?x=1", "shop\r\nX: y", ""])
def test_namespace_file_is_not_believed_blindly(cluster: Cluster, namespace: str) -> None:
    """What it holds becomes a part of a request: it has to be a name."""
    cluster.account.namespace = namespace
    cluster.account.write()
    client = cluster.start(birth_deps="server", birth_timeout="0")
    assert client.end() in (1, 2)
    assert cluster.server.requests == []


@pytest.mark.parametrize("text", ["", "two words", "line\r\nX-Other: header", "\x00", "ümläut"])
def test_token_file_is_not_believed_blindly(cluster: Cluster, text: str) -> None:
    """What it holds becomes a header: anything else is a trouble that may pass."""
    cluster.tell(server=READY)
    token = cluster.account.token
    cluster.account.rotate(text)
    client = cluster.start("exit 0", birth_deps="server", birth_timeout="0", instant_logging="1")
    assert "/var/run/secrets/kubernetes.io/serviceaccount" in client.next_record('"level":"warning"')["message"]
    assert cluster.server.requests == []
    cluster.account.rotate(f"{token}\n")
    assert client.end() == 0
    assert cluster.server.requests[0].token == token


def test_ca_file_without_a_certificate(cluster: Cluster) -> None:
    """Nobody can be trusted then, and nobody is."""
    cluster.tell(server=READY)
    cluster.account.ca = cluster.world.shared / "empty"
    cluster.account.ca.write_text("no certificate\n")
    cluster.account.write()
    client = cluster.start(birth_deps="server", birth_timeout="2s")
    assert assert_never_started(client, 1, "BirthTimeout")
    assert cluster.server.requests == []


@pytest.mark.parametrize("where", ["list", "watch"])
def test_answer_without_an_end_is_cut(cluster: Cluster, where: str) -> None:
    """A server that sends and sends fills nobody's memory: the container's limit is small. Then all is well again."""
    cluster.tell(server=CREATING)
    if where == "list":
        cluster.server.fail(api_faults.endless_answer)
    client = cluster.start_waiting("server", "exit 0")
    if where == "watch":
        cluster.server.in_watches(api_faults.endless_line)
        cluster.server.wait_for_requests(2)
        cluster.server.wait_for_watch()
    assert int(processes.status(helper_of(client))["VmHWM"].split()[0]) < PEAK
    cluster.tell(server=READY)
    assert client.end() == 0


def test_deeply_nested_answer_is_an_error_like_any_other(cluster: Cluster) -> None:
    """A parser that recurses must not take the helper down."""
    cluster.tell(server=CREATING)
    cluster.server.fail(lambda connection: connection.answer(200, b"[" * 1_000_000))
    client = cluster.start_waiting("server", "exit 0")
    cluster.server.in_watches(lambda connection: connection.piece(b'{"object":' + b"[" * 1_000_000 + b"\n"))
    cluster.tell(server=READY)
    assert client.end() == 0


def test_helper_has_nothing_that_it_does_not_need(cluster: Cluster) -> None:
    """Not the application's environment, not its descriptors, not the alive lock: who waits for the end of those waits for nobody else."""
    cluster.tell(server=CREATING)
    with tempfile.TemporaryFile() as handed:
        client = cluster.start_waiting("server", PASSWORD="secret", pass_fds=[handed.fileno()])  # noqa: S106
        helper = helper_of(client)
        names = {entry.partition("=")[0] for entry in processes.read(f"/proc/{helper}/environ").split("\0") if entry}
        # what a frozen form sets for itself, and where a single file unpacks to
        own = {name for name in names if name.startswith(("_PYI_", "_KUBEXIT_", "STATICX_", "KUBEXIT_GRAVEYARD", "TMPDIR"))}
        assert names - own <= {"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "PYTHONPATH", "OPENSSL_CONF"}
        assert [path for path in processes.open_files(helper).splitlines() if not path.startswith(("pipe:", "socket:"))] == []
        client.send(SIGTERM)
        assert client.end() == 143
