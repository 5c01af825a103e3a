"""What a kube-apiserver answers, in its own words. They were taken from one (v1.34)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.api_connection import Connection, Request
    from support.api_server import ApiServer

INITIAL_END = {"k8s.io/initial-events-end": "true"}
LONGEST_WATCH = 1800  # seconds, without timeoutSeconds


def dump(value: object) -> bytes:
    """Give JSON as Go writes it: without blanks, one line."""
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def status(code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """Give a Status object."""
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    return body | ({"reason": reason} if reason else {}) | ({"details": details} if details else {}) | {"code": code}


def expired(asked: int, oldest: int) -> dict[str, Any]:
    """Give the Status for a resourceVersion that is not known any more."""
    return status(410, "Expired", f"too old resource version: {asked} ({oldest})")


def forbidden(request: Request, user: str, name: str) -> dict[str, Any]:
    """Give the Status for what RBAC does not allow."""
    namespace = request.path.split("/")[4] if request.path.startswith("/api/v1/namespaces/") else ""
    what = f'cannot {request.verb} resource "pods" in API group "" in the namespace "{namespace}"'
    return status(403, "Forbidden", f'pods "{name}" is forbidden: User "{user}" {what}', {"name": name, "kind": "pods"})


def respond(server: ApiServer, connection: Connection, request: Request) -> None:
    """Answer as a server does where everything is well."""
    user = server.tokens.get(request.token) if request.token else "system:anonymous"
    selector, _, name = request.query.get("fieldSelector", "").partition("=")
    if user is None:
        refuse(connection, status(401, "Unauthorized", "Unauthorized"))
    elif request.verb not in server.verbs or user == "system:anonymous" or request.path != f"/api/v1/namespaces/{server.namespace}/pods":
        refuse(connection, forbidden(request, user, name))
    elif selector not in ("", "metadata.name"):
        refuse(connection, status(400, "BadRequest", f"field label not supported: {selector}"))
    elif not request.query.get("resourceVersion", "0").isdigit() and request.query["resourceVersion"]:
        fault = f'resourceVersion: Invalid value: "{request.query["resourceVersion"]}": strconv.ParseUint: parsing: invalid syntax'
        refuse(connection, status(500, "", fault) if request.verb == "watch" else status(400, "BadRequest", f"invalid resource version: {fault}"))
    elif request.verb == "watch":
        Watch(server, connection, request, name).run()
    else:
        answer_list(server, connection, request, name)


def refuse(connection: Connection, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
    """Answer with a Status."""
    connection.answer(body["code"], dump(body), headers)


def answer_list(server: ApiServer, connection: Connection, request: Request, name: str) -> None:
    """Answer with a PodList. Its items do not say their kind."""
    version, pods = server.snapshot(name)
    asked = int(request.query.get("resourceVersion") or 0)
    if asked > version:
        causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
        message = f"Timeout: Too large resource version: {asked}, current: {version}"
        refuse(connection, status(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1}), {"Retry-After": "1"})
        return
    items = [{key: value for key, value in pod.items() if key not in ("kind", "apiVersion")} for pod in pods]
    connection.answer(200, dump({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": str(version)}, "items": items}))


class Watch:
    """A watch that is open."""

    def __init__(self, server: ApiServer, connection: Connection, request: Request, name: str) -> None:
        self.server, self.connection, self.name = server, connection, name
        self.position = int(request.query.get("resourceVersion") or 0)
        self.bookmarks = request.query.get("allowWatchBookmarks") in ("1", "true")
        self.until = time.monotonic() + float(request.query.get("timeoutSeconds") or LONGEST_WATCH)

    def run(self) -> None:
        """Tell what happens until its time is over."""
        connection = self.connection
        connection.head()
        if self.position == 0:
            self._tell_what_is_there()
        elif self.position < self.server.oldest:
            self._tell("ERROR", expired(self.position, self.server.oldest))
            connection.finish()
            return
        while time.monotonic() < self.until:
            for version, kind, pod in self.server.events_after(self.position, self.name):
                self._tell(kind, pod)
                self.position = version
            while order := self.server.next_order(connection):
                order(connection)
            connection.wait(self.until)
        if self.bookmarks:
            connection.piece(bookmark(self.server.version))
        connection.finish()

    def _tell_what_is_there(self) -> None:
        self.position, pods = self.server.snapshot(self.name)
        for pod in pods:
            self._tell("ADDED", pod)
        if self.bookmarks:
            self.connection.piece(bookmark(self.position, INITIAL_END))

    def _tell(self, kind: str, value: object) -> None:
        self.connection.piece(dump({"type": kind, "object": value}))


def bookmark(version: int, annotations: dict[str, str] | None = None) -> bytes:
    """Give the line of an event that says no more than how far the watch has come."""
    metadata = {"resourceVersion": str(version)} | ({"annotations": annotations} if annotations else {})
    return dump({"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": {"containers": None}, "status": {}}})
