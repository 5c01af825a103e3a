"""A fake API server: real TLS and HTTP, pods that a test makes up, and whatever can go wrong with such a server.

It lives in threads of the test process. What the tests see of a real one (v1.34), they see of this one.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

from support import api_answers
from support.api_connection import Connection, Request
from support.certificates import leaf
from support.lines import DEADLINE, NotSeenError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from support.api_connection import Fault
    from support.pods import Pod


class ApiServer:
    """A server on the loopback interface. What a test tells it holds for the next request, or for the watches that are open."""

    def __init__(self, *, certificate: Path | None = None, host: str = "127.0.0.1", namespace: str = "shop") -> None:
        self.namespace = namespace
        self.tokens: dict[str, str] = {}  # token -> user
        self.verbs = {"list", "watch"}
        self.requests: list[Request] = []
        self.connections = 0  # that were ever made
        self.refusals: list[str] = []  # handshakes that came to nothing
        self.version = self.oldest = 466  # resourceVersion: of the last change, and the oldest that can be watched from
        self._pods: dict[str, dict[str, Any]] = {}
        self._history: list[tuple[int, str, dict[str, Any]]] = []
        self._faults: list[tuple[str, Fault]] = []  # for the next requests: verb ("" any), what to do
        self._standing: Fault | None = None  # for all requests
        self._at_connect: Fault | None = None
        self._changed = threading.Condition(threading.RLock())
        self._open: dict[Connection, threading.Thread] = {}
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate or leaf())
        self.context.set_alpn_protocols(["http/1.1"])
        self.host, self.port = host, 0
        self._listener: socket.socket | None = None
        self.listen()

    # ── the cluster's contents ───────────────────────────────────────────────────────────────────────────────────

    def put(self, pod: Pod) -> None:
        """Have the pod as it is now."""
        with self._changed:
            self.version += 1
            self._record("MODIFIED" if pod.name in self._pods else "ADDED", pod.json(self.version))

    def remove(self, pod: Pod) -> None:
        """Have it no more."""
        with self._changed:
            self.version += 1
            self._record("DELETED", pod.json(self.version))
            del self._pods[pod.name]

    def _record(self, kind: str, value: dict[str, Any]) -> None:
        self._pods[value["metadata"]["name"]] = value
        self._history.append((self.version, kind, value))
        self.announce()

    def compact(self) -> None:
        """Forget all changes up to now."""
        with self._changed:
            self.version += 1
            self.oldest = self.version

    def snapshot(self, name: str = "") -> tuple[int, list[dict[str, Any]]]:
        """Give the version and the pods of now, or the one of that name."""
        with self._changed:
            return self.version, [pod for key, pod in self._pods.items() if name in ("", key)]

    def events_after(self, version: int, name: str = "") -> list[tuple[int, str, dict[str, Any]]]:
        """Give the changes since."""
        with self._changed:
            return [event for event in self._history if event[0] > version and name in ("", event[2]["metadata"]["name"])]

    # ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────

    def fail(self, *faults: Fault, verb: str = "") -> None:
        """Let this happen to the next requests, or to the next ones of this verb ("list", "watch"), one each."""
        with self._changed:
            self._faults += [(verb, fault) for fault in faults]

    def fail_always(self, fault: Fault | None) -> None:
        """Let this happen to all requests from now on. None: all is well again."""
        with self._changed:
            self._standing = fault

    def fail_connections(self, fault: Fault | None) -> None:
        """Let this happen to all new connections, before a word is said."""
        with self._changed:
            self._at_connect = fault

    def in_watches(self, *acts: Fault) -> None:
        """Do this in the watch that is open, or will be; return when it has begun to."""
        self.wait_for_watch()
        with self._changed:
            watches = [connection for connection in self._open if connection.watching]
            for connection in watches:
                connection.orders += acts
            self.announce()
        self.wait_until(lambda: not any(connection.orders and connection in self._open for connection in watches), "a watch that does as it is told")

    # ── what is seen ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def open_connections(self) -> int:
        """Count the connections that there are now."""
        with self._changed:
            return len(self._open)

    def asked(self, verb: str) -> list[Request]:
        """Give the requests of this verb so far; of any, if it is ""."""
        with self._changed:
            return [request for request in self.requests if verb in ("", request.verb)]

    def wait_until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for something that can become true only by what this server does."""
        until = time.monotonic() + DEADLINE
        with self._changed:
            while not true():
                left = until - time.monotonic()
                if left <= 0:
                    raise NotSeenError(f"{what}: not seen within {DEADLINE:g} s; {self._describe()}")
                self._changed.wait(left)

    def _describe(self) -> str:
        asked = [(request.verb, request.query) for request in self.requests[-5:]]
        connections = [(connection.request and connection.request.verb, connection.watching, len(connection.orders)) for connection in self._open]
        return f"asked: {asked}, connections: {connections}, refused: {self.refusals[-3:]}"

    def wait_for_requests(self, count: int, verb: str = "list") -> None:
        """Wait until there were so many requests of this verb."""
        self.wait_until(lambda: len(self.asked(verb)) >= count, f"{count} requests ({verb or 'any'})")

    def wait_for_watch(self) -> None:
        """Wait until somebody watches, and has been told all there is."""
        self.wait_until(lambda: any(connection.watching for connection in self._open), "a watch")

    def wait_until_alone(self) -> None:
        """Wait until no connection is open any more."""
        self.wait_until(lambda: not self._open, "the end of all connections")

    # ── connections ──────────────────────────────────────────────────────────────────────────────────────────────

    def listen(self) -> None:
        """Take connections, at the same port as before."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.create_server((self.host, self.port), family=family)
        self.port = listener.getsockname()[1]
        self._listener, self._acceptor = listener, threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._acceptor.start()

    def go_away(self) -> None:
        """Take no more connections, and end those that there are."""
        if self._listener:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
            self._acceptor.join(DEADLINE)
        with self._changed:
            threads = list(self._open.values())
            for connection in self._open:
                connection.shut_down()
                connection.wake()
        for thread in threads:
            thread.join(DEADLINE)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = Connection(self, listener.accept()[0])
                thread = threading.Thread(target=connection.run, daemon=True)
                with self._changed:
                    self.connections += 1
                    self._open[connection] = thread
                    self._changed.notify_all()
                thread.start()

    def greet(self, connection: Connection) -> None:
        """Be told of a new connection."""
        if self._at_connect:
            self._at_connect(connection)

    def serve(self, connection: Connection, request: Request) -> None:
        """Answer a request, or do what a test wants instead."""
        with self._changed:
            self.requests.append(request)
            position = next((at for at, (verb, _) in enumerate(self._faults) if verb in ("", request.verb)), None)
            fault = self._standing if position is None else self._faults.pop(position)[1]
            self._changed.notify_all()
        if fault:
            fault(connection)
        else:
            api_answers.respond(self, connection, request)

    def next_order(self, connection: Connection) -> Fault | None:
        """Give what is to be done in a watch now. While that is done, it is none that can be told anything."""
        with self._changed:
            order = connection.orders.pop(0) if connection.orders else None
            connection.watching = order is None
            self._changed.notify_all()
            return order

    def forget(self, connection: Connection) -> None:
        """Be told of a connection's end."""
        with self._changed:
            self._open.pop(connection, None)
            connection.close()
            self._changed.notify_all()

    def note_refusal(self, why: str) -> None:
        """Be told that somebody does not like our certificate."""
        with self._changed:
            self.refusals.append(why)
            self._changed.notify_all()

    def announce(self) -> None:
        """Let everybody look again."""
        with self._changed:
            for connection in self._open:
                connection.wake()
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.go_away()
