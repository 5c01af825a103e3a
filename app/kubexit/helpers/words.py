"""Failed requests in words: what happened, and what to do. Nothing of a request's headers gets into them."""

from __future__ import annotations

import re
from http.client import IncompleteRead

from kubernetes.client.exceptions import ApiException
from urllib3 import exceptions

from kubexit.domain.pods import one_line

LONGEST_CAUSE = 300  # characters of somebody else's words
SERVICE_ACCOUNT = re.compile(r'User "system:serviceaccount:([a-z0-9.-]{1,63}):([a-z0-9.-]{1,253})"')


def of_exception(error: Exception, server: str) -> str:
    """Say why there was no whole answer from `server` ("the API server at https://10.96.0.1:443")."""
    if isinstance(error, ApiException | exceptions.SSLError):
        return f"no trusted connection to {server}: {_of_tls(error)}"
    if isinstance(error, exceptions.NameResolutionError):
        return f"cannot reach {server}: its name has no address; does the name service work in this pod?"
    if isinstance(error, exceptions.NewConnectionError):  # of its base class ConnectTimeoutError too
        return f"cannot reach {server}: {_cause(error)}"
    if isinstance(error, exceptions.ConnectTimeoutError):
        return f"cannot reach {server}: no connection in time; does a network policy let this pod connect to it?"
    if isinstance(error, exceptions.ReadTimeoutError):
        return f"{server} has been silent for too long"
    if isinstance(error, exceptions.HTTPError | OSError):
        return f"the connection to {server} broke: {_cause(error)}"
    raise error


def of_status(status: int, reason: str, message: str, server: str) -> str:
    """Say what an answer means that is none of those that were asked for. `message` is the server's own, "" if it gave none."""
    said = one_line(message or reason, LONGEST_CAUSE)
    if status == 401:
        return f"{server} does not accept the token of this pod's service account (401): {said}"
    if 300 <= status < 400:
        return f"{server} answers with a redirect ({status}), which is not followed; is there a proxy between?"
    return f"{server} answers {status}: {said}"


def of_missing_role(message: str, namespace: str) -> str:
    """Say how to permit what the server has forbidden."""
    known = SERVICE_ACCOUNT.search(message)
    account = f"{known[1]}:{known[2]}" if known else f"{namespace}:SERVICEACCOUNT"
    return (
        f"forbidden: {one_line(message, LONGEST_CAUSE)}; permit it with: kubectl create role kubexit --verb=list,watch --resource=pods -n {namespace}"
        f" && kubectl create rolebinding kubexit --role=kubexit --serviceaccount={account} -n {namespace}"
    )


def _of_tls(error: Exception) -> str:
    text = str(error.reason if isinstance(error, ApiException) else error)
    return one_line(text.removeprefix("SSLError\n"), LONGEST_CAUSE)


def _cause(error: Exception) -> str:
    """Give the innermost reason: the outer ones only say where it was met."""
    chain: list[BaseException] = [error]
    while following := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(following)
    if any(isinstance(link, IncompleteRead) for link in chain):
        return "the answer was cut off"
    last = chain[-1]
    words = last.strerror if isinstance(last, OSError) and last.strerror else str(last) or type(last).__name__
    return one_line(words, LONGEST_CAUSE)
