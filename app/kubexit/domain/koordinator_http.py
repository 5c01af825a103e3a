"""The request of whenStopDepExited. koordinator has no form for its address; this is what Kubernetes' httpGet has."""

from __future__ import annotations

from kubexit.domain.config import StopRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from kubexit.domain.json_reader import JsonObject

    Value = TypeVar("Value")

METHODS = ("get", "post", "put")
REQUEST_KEYS = ("port", "path", "host", "scheme")
HTTP_FORM = '{"http": {"post": {"port": 15020, "path": "/quitquitquit", "host": "127.0.0.1", "scheme": "http"}}} (get, post or put; port is required)'
HOST_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
IPV6_CHARACTERS = "0123456789abcdefABCDEF:."


def parse_request(method: str, details: JsonObject) -> StopRequest:
    """Give the request; a ValueError says what is wrong with one of its details."""
    port = _one(details, "port", _port, None)
    if port is None:
        raise ValueError(f"has no port; accepted is {HTTP_FORM}")
    scheme = _one(details, "scheme", _scheme, "http")
    host = _one(details, "host", _host, "127.0.0.1")
    path = _one(details, "path", _path, "/")
    return StopRequest(method, f"{scheme}://{host}:{port}{path}")


def _one(details: JsonObject, key: str, parse: Callable[[object], Value], default: Value) -> Value:
    values = details.all(key)
    if len(values) > 1:
        raise ValueError(f"has {key} {len(values)} times; accepted is one")
    return parse(values[0]) if values else default


def _port(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65_535:
        raise ValueError("has a port that is none; accepted is a whole number from 1 to 65535 (no name: those are known to the kubelet alone)")
    return value


def _scheme(value: object) -> str:
    if not isinstance(value, str) or value.lower() not in ("http", "https"):
        raise ValueError('has a scheme that is not known; accepted are "http" and "https"')
    return value.lower()


def _host(value: object) -> str:
    """Read a name or an address; one of IPv6 may have its brackets."""
    if isinstance(value, str) and value and all(character in HOST_CHARACTERS for character in value):
        return value
    bare = value if isinstance(value, str) else ""
    bare = bare[1:-1] if bare.startswith("[") and bare.endswith("]") else bare
    if bare.count(":") >= 2 and all(character in IPV6_CHARACTERS for character in bare):  # one colon would be that of a port
        return f"[{bare}]"
    raise ValueError('has a host that is none; accepted is a name or an address, such as "127.0.0.1"')


def _path(value: object) -> str:
    if not isinstance(value, str) or not all("!" <= character <= "~" and character != "#" for character in value):
        raise ValueError('has a path that is none; accepted is one such as "/quit?wait=1", characters that no URL may have written as %20')
    return value if value.startswith("/") else f"/{value}"
