"""One connection to a fake API server: TLS, HTTP/1.1, and whatever a test wants to go wrong on it."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import struct
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.api_server import ApiServer

    Fault = Callable[["Connection"], None]

AUDIT = "20c2cfcb-2ac6-415a-b410-87ef574f6311"
LONGEST_HEAD = 65_536  # bytes of a request
CHUNKED_FROM = 2048  # bytes: a shorter answer gets a Content-Length from Go's HTTP server


class GoneError(Exception):
    """The connection is no more."""


class OverError(Exception):
    """The answer has ended before its time; the next request may come."""


@dataclass(frozen=True)
class Request:
    """What somebody asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    at: float  # monotonic

    @property
    def token(self) -> str:
        """The bearer token, "" if there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""

    @property
    def verb(self) -> str:
        """What RBAC calls it."""
        if not self.path.endswith("/pods"):
            return "get"
        return "watch" if self.query.get("watch") in ("1", "true") else "list"


class Connection:
    """A connection, served by a thread of its own."""

    def __init__(self, server: ApiServer, accepted: socket.socket) -> None:
        self.server = server
        self.socket = accepted
        self.request: Request | None = None
        self.watching = False
        self.orders: list[Fault] = []  # for a watch, to be done as soon as it waits
        self._unread = b""
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def run(self) -> None:
        """Serve until it ends."""
        try:
            self.server.greet(self)
            self.encrypt()
            while (request := self._read_request()) is not None:
                self.request = request
                with contextlib.suppress(OverError):
                    self.server.serve(self, request)
                self.watching = False
        except (GoneError, OSError):  # the errors of TLS are OSErrors
            pass
        finally:
            self.server.forget(self)

    def encrypt(self) -> None:
        """Shake hands. What the other side does not like is noted."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket = self.server.context.wrap_socket(self.socket, server_side=True)
        except ssl.SSLError as error:
            self.server.note_refusal(str(error))
            raise

    def _read_request(self) -> Request | None:
        while b"\r\n\r\n" not in self._unread:
            data = self.socket.recv(65536)
            self._unread += data
            if not data or len(self._unread) > LONGEST_HEAD:
                return None
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        parts = urlsplit(target)
        return Request(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, time.monotonic())

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Give a whole answer."""
        self.head(status, {**(headers or {}), "Content-Length": str(len(body))} if len(body) < CHUNKED_FROM else headers)
        if len(body) < CHUNKED_FROM:
            self.raw(body)
        else:
            self.piece(body)
            self.finish()

    def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Begin an answer, in chunks unless the headers tell its length."""
        lines = {"Audit-Id": AUDIT, "Cache-Control": "no-cache, private", "Content-Type": "application/json", **(headers or {})}
        if "Content-Length" not in lines:
            lines["Transfer-Encoding"] = "chunked"
        first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
        self.raw("\r\n".join([first, *(f"{name}: {value}" for name, value in lines.items()), "", ""]).encode())

    def piece(self, data: bytes) -> None:
        """Give a chunk."""
        self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def finish(self) -> None:
        """End an answer in chunks."""
        self.raw(b"0\r\n\r\n")

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    # ── the time between ─────────────────────────────────────────────────────────────────────────────────────────

    def wake(self) -> None:
        """Let a waiting connection look again; for any thread."""
        with contextlib.suppress(OSError):
            os.eventfd_write(self._wake, 1)

    def wait(self, until: float | None = None) -> None:
        """Wait for a `wake`, at the most until this time (monotonic). GoneError if the other side goes away."""
        poller = select.poll()
        poller.register(self.socket, select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        ready = dict(poller.poll(None if until is None else max(0.0, until - time.monotonic()) * 1000))
        if self.socket.fileno() in ready:
            raise GoneError  # in the middle of an answer nobody has anything to say to us but good-bye
        if self._wake in ready:
            os.eventfd_read(self._wake)

    def hold(self) -> None:
        """Say nothing any more."""
        while True:
            self.wait()

    def reset(self) -> None:
        """End the connection as a host does that knows nothing of it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hang_up()

    def hang_up(self) -> None:
        """End the connection without a word."""
        self.socket.close()
        raise GoneError

    def shut_down(self) -> None:
        """Let nothing come or go any more; for any thread."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Let it go."""
        self.socket.close()
        os.close(self._wake)
