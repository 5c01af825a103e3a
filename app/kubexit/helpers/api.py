"""Requests to the API server, about one pod: with its CA, with the service account's token, bounded in time and size.

No proxy, no redirect, no retries: the token goes to this one host.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.client.rest import RESTClientObject
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_HOST_ENV_NAME,
    SERVICE_PORT_ENV_NAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)
from urllib3.exceptions import HTTPError

from kubexit import __version__
from kubexit.helpers import stream, words
from kubexit.helpers.failures import HopelessError, TroubleError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from urllib3 import BaseHTTPResponse

CONNECT_SECONDS = 5
SPARE_SECONDS = 5  # after the time at which the server should have ended the watch
PIECE = 65_536  # bytes
LARGEST_REFUSAL = 65_536  # bytes that are read of an answer which is none
LONGEST_PAUSE = 10  # seconds that a server may ask for
OK, FORBIDDEN = 200, 403
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": f"kubexit/{__version__}"}
NO_FILE = "it holds what a pod reads its status with; automountServiceAccountToken must not be false for this pod or its service account"
NO_CLUSTER = "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, as they are in every pod of Kubernetes"


class Api:
    """List and watch of one pod."""

    def __init__(self, pod: str, namespace: str, connect: Callable[[Configuration], RESTClientObject] = RESTClientObject) -> None:
        self._namespace = namespace
        self._path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
        self._query = {"fieldSelector": f"metadata.name={pod}"}
        self._configuration = Configuration(connection_pool_maxsize=1, retries=False)
        self._configuration.proxy = None  # those of the environment are the application's
        self._connect = connect
        self._client: RESTClientObject | None = None

    def list_pod(self, seconds: float) -> bytes:
        """Give the PodList. TroubleError: not now; HopelessError: there is nothing to ask with."""
        return b"".join(self._pieces(self._query, seconds, stream.LARGEST))

    def watch_pod(self, version: str, seconds: int) -> Generator[bytes]:
        """Give the pieces of a watch that the server is to end after so many seconds. Errors as those of `list_pod`."""
        query = {**self._query, "watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(seconds), "resourceVersion": version}
        return self._pieces(query, seconds + SPARE_SECONDS, None)

    def hang_up(self) -> None:
        """Use another connection for the next request."""
        if self._client:
            pools = self._client.pool_manager.pools
            for key in pools.keys():  # noqa: SIM118  it cannot be iterated over. The client's own close() leaves it to the garbage collector
                pools[key].close()
        self._client = None

    @property
    def _server(self) -> str:
        return f"the API server at {self._configuration.host}"

    def _pieces(self, query: dict[str, str], seconds: float, largest: int | None) -> Generator[bytes]:
        """Request, and give the body in pieces as they come, for as long as each comes in time."""
        token = self._token()
        if self._client is None:
            self._client = self._connect(self._configuration)
        headers = {**HEADERS, "Authorization": f"Bearer {token}"}
        url = f"{self._configuration.host}{self._path}?{urlencode(query)}"
        try:
            answer: BaseHTTPResponse = self._client.request("GET", url, headers, _request_timeout=(CONNECT_SECONDS, seconds)).response
            try:
                if answer.status != OK:
                    raise self._refusal(answer, token)
                yield from _body(answer, time.monotonic() + seconds, largest)
            finally:
                answer.close()
        except (HTTPError, OSError, ApiException) as error:
            raise TroubleError(words.of_exception(error, self._server).replace(token, "[token]")) from None

    def _token(self) -> str:
        """Read the token, which rotates, and the server's address. It must never get into an error."""
        for path in (SERVICE_TOKEN_FILENAME, SERVICE_CERT_FILENAME):
            if not os.path.isfile(path):
                raise HopelessError(f"there is no {path}: {NO_FILE}")
        try:
            loader = InClusterConfigLoader(SERVICE_TOKEN_FILENAME, SERVICE_CERT_FILENAME, try_refresh_token=False)
            loader.load_and_set(self._configuration)
        except ConfigException as error:
            if not os.environ.get(SERVICE_HOST_ENV_NAME) or not os.environ.get(SERVICE_PORT_ENV_NAME):
                raise HopelessError(NO_CLUSTER) from None
            raise TroubleError(f"{SERVICE_TOKEN_FILENAME} or {SERVICE_CERT_FILENAME} is of no use: {error}") from None
        except UnicodeError:
            raise TroubleError(f"{SERVICE_TOKEN_FILENAME} or {SERVICE_CERT_FILENAME} holds no text") from None
        except OSError as error:
            raise TroubleError(f"{error.filename} cannot be read: {error.strerror}") from None
        token = str(self._configuration.api_key["BearerToken"]).removeprefix("bearer ").strip()
        if not (token and token.isascii() and token.isprintable() and " " not in token):
            raise TroubleError(f"{SERVICE_TOKEN_FILENAME} holds no token")
        return token

    def _refusal(self, answer: BaseHTTPResponse, token: str) -> TroubleError:
        """Make an error of an answer that is none of those that were asked for."""
        try:
            status = stream.decode(b"".join(_body(answer, time.monotonic() + CONNECT_SECONDS, LARGEST_REFUSAL)))
        except (ValueError, HTTPError, TroubleError):
            status = None
        message = status.get("message") if isinstance(status, dict) else None
        message = (message if isinstance(message, str) else "").replace(token, "[token]")
        asked = answer.headers.get("Retry-After", "")
        pause = min(int(asked), LONGEST_PAUSE) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
        if answer.status == FORBIDDEN:
            return TroubleError(words.of_missing_role(message, self._namespace), status=FORBIDDEN)
        return TroubleError(words.of_status(answer.status, answer.reason or "", message, self._server), status=answer.status, pause=pause)


def _body(answer: BaseHTTPResponse, deadline: float, largest: int | None) -> Generator[bytes]:
    """Give the body in pieces. One without bounds is cut at the deadline (monotonic), any other must be whole by then: else a TroubleError."""
    size = 0
    while piece := answer.read1(PIECE, decode_content=False):
        size += len(piece)
        if largest is not None and size > largest:
            raise TroubleError(f"the API server's answer has more than {largest} bytes")
        yield piece
        if time.monotonic() > deadline:
            if largest is None:
                return
            raise TroubleError("the API server takes too long over its answer")
