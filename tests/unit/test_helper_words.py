"""Failed requests in words, from real failures."""

from __future__ import annotations

import socket
import threading
from http.client import IncompleteRead

import pytest
import urllib3
from urllib3 import exceptions

from kubexit.helpers.words import of_exception

SERVER = "the API server"
BROKE = f"the connection to {SERVER} broke: "


def failure_of(url: str, timeout: float = 5.0) -> str:
    with pytest.raises((exceptions.HTTPError, OSError)) as error:
        urllib3.PoolManager(retries=False).request("GET", url, timeout=timeout)
    return of_exception(error.value, SERVER)


@pytest.fixture
def listener() -> socket.socket:
    """Give a socket that takes connections and says nothing."""
    return socket.create_server(("127.0.0.1", 0))


def test_a_port_where_nobody_listens(listener: socket.socket) -> None:
    """The kernel's own words."""
    port = listener.getsockname()[1]
    listener.close()
    assert failure_of(f"http://127.0.0.1:{port}/") == "cannot reach the API server: Connection refused"


def test_a_name_without_an_address() -> None:
    """The name service is the first thing to look at."""
    assert failure_of("http://name.invalid/") == "cannot reach the API server: its name has no address; does the name service work in this pod?"


def test_a_server_that_says_nothing(listener: socket.socket) -> None:
    """It took the connection."""
    with listener:
        assert failure_of(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.01) == "the API server has been silent for too long"


def test_a_server_that_hangs_up(listener: socket.socket) -> None:
    """Without a byte, or in the middle of its answer."""

    def serve() -> None:
        for answer in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

    with listener:
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        assert failure_of(url) == BROKE + "Remote end closed connection without response"
        assert failure_of(url) == BROKE + "the answer was cut off"
        thread.join()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            exceptions.ConnectTimeoutError("x"),
            "cannot reach the API server: no connection in time; does a network policy let this pod connect to it?",
        ),
        (exceptions.ProtocolError("it broke", IncompleteRead(b"")), BROKE + "('it broke', IncompleteRead(0 bytes read))"),
        (ConnectionResetError(104, "Connection reset by peer"), BROKE + "Connection reset by peer"),
        (TimeoutError(), BROKE + "TimeoutError"),
        (exceptions.HTTPError("x" * 10_000), BROKE + "" + "x" * 299 + "…"),
    ],
)
def test_each_kind_of_failure(error: Exception, expected: str) -> None:
    """In words of bounded length."""
    assert of_exception(error, SERVER) == expected


def test_what_is_no_failure_of_a_connection_is_raised() -> None:
    """It is a fault in the program."""
    with pytest.raises(KeyError):
        of_exception(KeyError("x"), SERVER)
