"""What goes wrong with API servers. Each is to be given to an ApiServer's `fail...` (for a request) or `in_watches`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import api_answers
from support.api_connection import OverError

if TYPE_CHECKING:
    from typing import NoReturn

    from support.api_connection import Connection, Fault

GARBAGE = b"<html><body>Bad Gateway</body></html>\n"
MEGABYTE = 1 << 20


# ── instead of an answer, or of a connection ─────────────────────────────────────────────────────────────────────


def silence(connection: Connection) -> None:
    """Say nothing, or nothing more."""
    connection.hold()


def reset(connection: Connection) -> None:
    """Reset the connection."""
    connection.reset()


def hang_up(connection: Connection) -> None:
    """End the connection."""
    connection.hang_up()


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────


def refusal(code: int, reason: str = "", message: str = "", **headers: str) -> Fault:
    """Make a fault that answers with a Status. Headers: Retry_After="1"."""
    body = api_answers.status(code, reason, message or reason)
    return lambda connection: api_answers.refuse(connection, body, {name.replace("_", "-"): value for name, value in headers.items()})


UNAUTHORIZED = refusal(401, "Unauthorized")
NOT_FOUND = refusal(404, "NotFound", "the server could not find the requested resource")
GONE = refusal(410, "Expired", "The resourceVersion for the provided list is too old.")
TOO_MANY = refusal(429, "TooManyRequests", "too many requests, please try again later", Retry_After="1")
INTERNAL = refusal(500, "InternalError", "an error on the server has prevented the request from succeeding")
UNAVAILABLE = refusal(503, "ServiceUnavailable", "apiserver is shutting down")


def redirect(url: str, code: int = 307) -> Fault:
    """Make a fault that sends the client elsewhere."""
    return lambda connection: connection.answer(code, b"", {"Location": url})


def garbage(connection: Connection) -> None:
    """Answer with what is no JSON."""
    connection.answer(200, GARBAGE)


def wrong_json(connection: Connection) -> None:
    """Answer with JSON that is no list of pods."""
    connection.answer(200, b'{"kind":"PodList","items":[{"metadata":7,"status":{"containerStatuses":"none"}}]}\n')


def half_an_answer(connection: Connection) -> None:
    """Begin an answer, and go silent in the middle of a word."""
    connection.head(200)
    connection.piece(b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVer')
    connection.hold()


def reset_in_an_answer(connection: Connection) -> None:
    """Begin an answer, and reset the connection."""
    connection.head(200)
    connection.piece(b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVer')
    connection.reset()


def short_answer(connection: Connection) -> None:
    """End the connection before all has been said that was announced."""
    connection.head(200, {"Content-Length": "100000"})
    connection.raw(b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[')
    connection.hang_up()


def endless_answer(connection: Connection) -> None:
    """Answer with a list that never ends."""
    connection.head(200)
    connection.piece(b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":["')
    _flood(connection)


# ── in a watch ───────────────────────────────────────────────────────────────────────────────────────────────────


def cut(connection: Connection) -> NoReturn:
    """End the watch as when its time is over."""
    connection.finish()
    raise OverError


def expire(connection: Connection) -> NoReturn:
    """End the watch because it has fallen behind: an ERROR event with 410."""
    connection.piece(api_answers.dump({"type": "ERROR", "object": api_answers.expired(1, connection.server.version)}))
    cut(connection)


def error_event(connection: Connection) -> NoReturn:
    """End the watch by an ERROR event with 500."""
    body = api_answers.status(500, "InternalError", "etcdserver: leader changed")
    connection.piece(api_answers.dump({"type": "ERROR", "object": body}))
    cut(connection)


def bookmark(connection: Connection) -> None:
    """Say how far the watch has come."""
    connection.piece(api_answers.bookmark(connection.server.version))


def half_a_line(connection: Connection) -> None:
    """Go silent in the middle of a word."""
    connection.piece(b'{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","meta')
    connection.hold()


def end_in_a_line(connection: Connection) -> NoReturn:
    """End the watch in the middle of a word."""
    connection.piece(b'{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","meta')
    cut(connection)


def garbage_line(connection: Connection) -> None:
    """Say what is no JSON, and go on."""
    connection.piece(GARBAGE)


def wrong_event(connection: Connection) -> None:
    """Say JSON that is no event, and go on."""
    connection.piece(b'["MODIFIED",null]\n')


def endless_line(connection: Connection) -> None:
    """Say a line that never ends."""
    connection.piece(b'{"type":"MODIFIED","object":{"kind":"')
    _flood(connection)


def _flood(connection: Connection) -> NoReturn:
    while True:
        connection.piece(b"x" * MEGABYTE)
