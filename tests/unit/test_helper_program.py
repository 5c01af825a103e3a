"""The helper program as a whole: arguments in, reports out. Its HTTP request meets a real server on the loopback."""

from __future__ import annotations

import http.server
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kubexit.domain.reports import parse_report
from kubexit.helpers.failures import HopelessError
from kubexit.helpers.http_action import perform

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = Path(__file__).parents[2] / "app"


def run(*arguments: str, **environment: str) -> tuple[int, list[tuple[str, ...] | None], str]:
    """Run the helper; give its exit status, its reports, and all that it wrote."""
    command = [sys.executable, "-m", "kubexit.helpers", *arguments]
    settings = {"PYTHONPATH": str(APP), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    done = subprocess.run(command, env=settings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    return done.returncode, [parse_report(line) for line in done.stdout.splitlines()], done.stdout.decode()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names, and remembers what it was asked."""

    seen: list[tuple[str, str, dict[str, str]]]

    def _answer(self) -> None:
        self.seen.append((self.command, self.path, dict(self.headers)))
        self.send_response(int(self.path.strip("/")))
        self.send_header("Location", "/200")
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    do_GET = do_POST = do_PUT = _answer  # noqa: N815  the names that http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[tuple[str, type[Handler]]]:
    """Give a server's URL, and what it remembers."""
    handler = type("OwnHandler", (Handler,), {"seen": []})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", handler
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("GET", 302), ("POST", 204), ("PUT", 399)])
def test_an_answer_of_2xx_or_3xx_is_a_good_one_and_no_redirect_is_followed(
    server: tuple[str, type[Handler]], method: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for the kubelet's probes. And no proxy is asked."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    url, handler = server
    perform(method, f"{url}/{status}", 5)
    ((asked, path, headers),) = handler.seen
    assert (asked, path) == (method, f"/{status}")
    assert headers["User-Agent"].startswith("kubexit/")
    assert headers.get("Content-Length") == (None if method == "GET" else "0")


@pytest.mark.parametrize("status", [400, 404, 500])
def test_any_other_answer_is_a_failure(server: tuple[str, type[Handler]], status: int) -> None:
    """The message says which."""
    with pytest.raises(HopelessError, match=f"answers {status}"):
        perform("POST", f"{server[0]}/{status}", 5)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[::1]:1/x", "https://127.0.0.1:1/", "http://name.invalid/"])
def test_no_answer_is_a_failure(url: str) -> None:
    """The message says where."""
    with pytest.raises(HopelessError, match=f"cannot reach {re.escape(url)}: "):
        perform("POST", url, 5)


@pytest.mark.parametrize("url", ["", "quit", "http://", "http://[::1", "http://127.0.0.1:99999/", "ftp://127.0.0.1/", "http://\udcff/"])
def test_what_is_no_address_is_a_failure(url: str) -> None:
    """Nothing is sent to anybody."""
    with pytest.raises(HopelessError):
        perform("POST", url, 1)


def test_a_request_is_reported_by_one_line(server: tuple[str, type[Handler]]) -> None:
    """The supervisor reads it; nothing else is on the pipe, no warning of a library."""
    assert run("http", "GET", f"{server[0]}/200", "5")[:2] == (0, [("done",)])
    code, reports, _ = run("http", "POST", "https://127.0.0.1:1/", "5")
    assert (code, reports) == (0, [("failed", "cannot reach https://127.0.0.1:1/: Connection refused")])


def test_without_a_cluster_a_pod_watch_fails_and_ends() -> None:
    """No token, no variables: one report that says so."""
    code, reports, _ = run("pod", "web-0", "shop", "the host name", "30", "main")
    assert code == 0
    assert [report[0] for report in reports if report] == ["trace", "failed"]


def test_a_wrong_name_fails_before_anything_is_asked() -> None:
    """The message says where it is from."""
    code, reports, _ = run("pod", "No Pod", "shop", "the host name", "30", "main")
    why = '"No Pod" is no name of a pod; the name of the pod is from the host name: set KUBEXIT_POD_NAME from the field metadata.name'
    assert (code, reports) == (0, [("failed", why)])


@pytest.mark.parametrize("package", ["kubernetes", "urllib3"])
def test_the_source_form_has_the_client_that_is_frozen(package: str) -> None:
    """What is tested is what is shipped."""
    files = (APP.parent / "requirements.txt", APP.parent / "requirements-dev.txt")
    pins = [line.split()[0] for path in files for line in path.read_text().splitlines() if line.startswith(f"{package}==")]
    assert len(pins) == 2
    assert len(set(pins)) == 1


def test_anything_unforeseen_ends_it_with_last_words() -> None:
    """They are no report: the supervisor shows them with the exit status."""
    code, reports, output = run("http", "GET", "http://127.0.0.1:1/", "soon")
    assert code == 1
    assert set(reports) == {None}
    assert "could not convert string to float: 'soon'" in output.splitlines()[-1]
