"""One request to the API server: what it is made with, and how its answer is bounded. Connections are the black-box tests' affair."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3 import HTTPHeaderDict, exceptions

from kubexit.helpers import api as api_module
from kubexit.helpers.api import Api
from kubexit.helpers.failures import HopelessError, TroubleError
from kubexit.helpers.stream import LARGEST

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "eyJhbGciOiJSUzI1NiJ9.secret.signature"  # noqa: S105
DENIED = 'pods is forbidden: User "system:serviceaccount:shop:web" cannot list resource "pods" in API group "" in the namespace "shop"'


class Answer:
    """An answer of the server, in pieces."""

    def __init__(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.status, self.reason = status, "Reason"
        self.headers = HTTPHeaderDict({name.replace("_", "-"): value for name, value in headers.items()})
        self._body = io.BytesIO(body)
        self.closed = False

    @property
    def response(self) -> Answer:
        """Give what urllib3 would."""
        return self

    def read1(self, amount: int, *, decode_content: bool) -> bytes:
        """Read what is there. Nothing is decompressed: a small answer could become a large one."""
        assert not decode_content
        return self._body.read(amount)

    def close(self) -> None:
        """Give the connection up."""
        self.closed = True


class Client:
    """In place of the kubernetes package's RESTClientObject."""

    def __init__(self, answer: Answer | Exception) -> None:
        self.answer = answer
        self.made: list[tuple[str, str, dict[str, str], Any]] = []
        self.configuration: Any = None
        self.connected = self.closed = 0
        self.pool_manager, self.pools = self, {"https": self}  # whose connections close() ends

    def connect(self, configuration: Any) -> Client:
        """Take the configuration."""
        self.configuration = configuration
        self.connected += 1
        return self

    def request(self, method: str, url: str, headers: dict[str, str], *, _request_timeout: Any) -> Answer:
        """Give the answer."""
        self.made.append((method, url, headers, _request_timeout))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self) -> None:
        """Count it."""
        self.closed += 1


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a service account as a pod has it."""
    (tmp_path / "token").write_text(SECRET + "\n")
    (tmp_path / "ca.crt").write_text("not looked at before a connection is made")
    monkeypatch.setattr(api_module, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(api_module, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return tmp_path


def asking(answer: Answer | Exception) -> tuple[Api, Client]:
    client = Client(answer)
    return Api("web-0", "shop", client.connect), client


@pytest.mark.usefixtures("account")
def test_a_list_asks_for_one_pod_with_the_token_stripped() -> None:
    """The Role needs no `get`, and the token file may end with a newline, which no header may hold."""
    api, client = asking(Answer(body=b"{}"))
    assert api.list_pod(10) == b"{}"
    ((method, url, headers, timeouts),) = client.made
    assert (method, timeouts) == ("GET", (5, 10))
    assert url == "https://10.96.0.1:443/api/v1/namespaces/shop/pods?fieldSelector=metadata.name%3Dweb-0"
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.usefixtures("account")
def test_a_watch_is_to_be_ended_by_the_server_before_its_silence_counts() -> None:
    """Five seconds more are left to the answer."""
    api, client = asking(Answer(body=b"{}\n"))
    assert list(api.watch_pod("77", 20)) == [b"{}\n"]
    _, url, _, timeouts = client.made[0]
    assert url.endswith("&watch=true&allowWatchBookmarks=true&timeoutSeconds=20&resourceVersion=77")
    assert timeouts == (5, 25)


def test_an_ipv6_address_is_put_in_brackets(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Kubernetes gives it in KUBERNETES_SERVICE_HOST of such a cluster."""
    assert account.is_dir()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    api, client = asking(Answer())
    api.list_pod(10)
    assert client.made[0][1].startswith("https://[fd00::1]:443/api/")


def test_the_token_is_read_anew_for_each_request(account: Path) -> None:
    """It rotates: the kubelet writes another one every hour or so."""
    api, client = asking(Answer())
    api.list_pod(10)
    (account / "token").write_text("another")
    list(api.watch_pod("1", 10))
    assert [headers["Authorization"] for _, _, headers, _ in client.made] == [f"Bearer {SECRET}", "Bearer another"]


@pytest.mark.usefixtures("account")
def test_a_connection_is_kept_until_it_is_given_up() -> None:
    """A watch follows a list over the same one; after a failure it is another, and the CA is read anew."""
    api, client = asking(Answer())
    for _ in range(2):
        api.list_pod(10)
    assert (client.connected, client.closed) == (1, 0)
    api.hang_up()
    api.hang_up()
    api.list_pod(10)
    assert (client.connected, client.closed) == (2, 1)


@pytest.mark.usefixtures("account")
def test_no_proxy_and_no_redirect_is_ever_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY is the application's. And the token is for one host."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    api, client = asking(Answer())
    api.list_pod(10)
    assert client.configuration.proxy is None
    assert client.configuration.retries is False
    assert client.configuration.verify_ssl is True
    assert client.configuration.ssl_ca_cert.endswith("/ca.crt")


@pytest.mark.parametrize("name", ["token", "ca.crt"])
def test_without_token_or_ca_there_is_no_hope(account: Path, name: str) -> None:
    """Switched off for the pod; the message says by which field."""
    (account / name).unlink()
    api, client = asking(Answer())
    with pytest.raises(HopelessError, match=f"there is no .*/{name}: .*automountServiceAccountToken"):
        api.list_pod(10)
    assert client.made == []


@pytest.mark.parametrize("variable", ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
@pytest.mark.parametrize("value", ["", None])
def test_without_a_cluster_there_is_no_hope(account: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None) -> None:
    """The message names the variables."""
    assert account.is_dir()
    monkeypatch.delenv(variable)
    if value is not None:
        monkeypatch.setenv(variable, value)
    with pytest.raises(HopelessError, match="KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"):
        asking(Answer())[0].list_pod(10)


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"line\nline", b"caf\xc3\xa9", b"\xff\xfe", b"a\x00b"])
def test_what_is_no_token_is_not_sent_and_not_shown(account: Path, content: bytes) -> None:
    """It could end a header and begin another."""
    (account / "token").write_bytes(content)
    api, client = asking(Answer())
    with pytest.raises(TroubleError, match=r"/token .*(holds no t|is of no use)") as error:
        api.list_pod(10)
    assert client.made == []
    assert content.strip() == b"" or content.decode("latin-1") not in str(error.value)


def test_a_file_that_cannot_be_read_is_named(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For whoever runs the container as another user."""
    monkeypatch.setattr("builtins.open", lambda path: (_ for _ in ()).throw(PermissionError(13, "Permission denied", path)))
    with pytest.raises(TroubleError, match=f"{account}/token cannot be read: Permission denied"):
        asking(Answer())[0].list_pod(10)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("size", [LARGEST, LARGEST + 1])
def test_a_list_is_bounded(size: int) -> None:
    """An answer that is too large is not read to its end."""
    answer = Answer(body=b" " * size)
    api, _ = asking(answer)
    if size <= LARGEST:
        assert len(api.list_pod(60)) == size
    else:
        with pytest.raises(TroubleError, match=f"more than {LARGEST} bytes"):
            api.list_pod(60)
    assert answer.closed


@pytest.mark.usefixtures("account")
def test_a_list_that_comes_too_slowly_is_given_up_and_a_watch_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte a second is no silence, and no answer either."""
    clock = iter(range(0, 10_000, 40))
    monkeypatch.setattr("kubexit.helpers.api.time.monotonic", lambda: next(clock))
    body = b" " * (api_module.PIECE * 3)
    with pytest.raises(TroubleError, match="takes too long"):
        asking(Answer(body=body))[0].list_pod(60)
    assert len(list(asking(Answer(body=body))[0].watch_pod("1", 60))) == 2


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("answer", "message", "pause"),
    [
        (Answer(500, b'{"message":"etcd is\\n away"}'), "answers 500: etcd is away", 0),
        (Answer(429, b"slow down", Retry_After="3"), "answers 429: Reason", 3),
        (Answer(503, b"", Retry_After="3600"), "answers 503: Reason", 10),
        (Answer(503, b"", Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), "answers 503", 0),
        (Answer(503, b"", Retry_After="\u0663"), "answers 503", 0),
        (Answer(503, b"", Retry_After="9" * 5000), "answers 503", 0),
        (Answer(404, b"[" * 50_000), "answers 404: Reason", 0),
        (Answer(404, b" " * 100_000), "answers 404: Reason", 0),
        (Answer(404, b'{"message":7}'), "answers 404: Reason", 0),
        (Answer(204, b""), "answers 204: Reason", 0),
        (Answer(302, b"", Location="https://elsewhere.example"), "answers with a redirect .302., which is not followed", 0),
        (Answer(401, b'{"message":"Unauthorized"}'), "does not accept the token of this pod's service account .401.: Unauthorized", 0),
        (Answer(410, b'{"message":"' + SECRET.encode() + b'"}'), r"answers 410: \[token\]", 0),
    ],
)
def test_a_refusal_is_an_error_in_words(answer: Answer, message: str, pause: float) -> None:
    """With the server's own message, bounded, without the token that it may echo, and with the pause that it asks for."""
    api, _ = asking(answer)
    with pytest.raises(TroubleError, match=message) as error:
        api.list_pod(10)
    assert (error.value.status, error.value.pause) == (answer.status, pause)
    assert SECRET not in str(error.value)
    assert len(str(error.value)) < 500
    assert answer.closed


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("message", "account_shown"),
    [(DENIED, "shop:web"), ('User "jane" cannot list', "shop:SERVICEACCOUNT"), ("", "shop:SERVICEACCOUNT")],
)
def test_a_403_says_which_role_to_apply(message: str, account_shown: str) -> None:
    """Two commands, ready to be pasted; who has no right is in the server's message."""
    body = b'{"kind":"Status","message":"' + message.replace('"', '\\"').encode() + b'"}'
    with pytest.raises(TroubleError) as error:
        asking(Answer(403, body))[0].list_pod(10)
    assert error.value.status == 403
    assert str(error.value) == (
        f"forbidden: {message}; permit it with: kubectl create role kubexit --verb=list,watch --resource=pods -n shop"
        f" && kubectl create rolebinding kubexit --role=kubexit --serviceaccount={account_shown} -n shop"
    )


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ApiException(status=0, reason="SSLError\n[SSL: X] failed"), "no trusted connection to the API server at https://10.96.0.1:443: .SSL: X"),
        (exceptions.SSLError("bad record"), "no trusted connection to .*: bad record"),
        (OSError(5, "Input/output error"), "the connection to .* broke: Input/output error"),
        (exceptions.ProtocolError(f"broke {SECRET}"), r"the connection to .* broke: broke \[token\]"),
        (exceptions.LocationParseError("x"), "the connection to .* broke: Failed to parse: x"),
    ],
)
def test_a_broken_connection_is_an_error_in_words(error: Exception, message: str) -> None:
    """To be tried again."""
    with pytest.raises(TroubleError, match=message) as found:
        asking(error)[0].list_pod(10)
    assert SECRET not in str(found.value)
    assert found.value.__cause__ is None


@pytest.mark.usefixtures("account")
def test_an_unforeseen_error_is_not_hidden() -> None:
    """It is a fault of ours: the helper ends by it, and its last words are told."""
    with pytest.raises(ZeroDivisionError):
        asking(ZeroDivisionError("ours"))[0].list_pod(10)
