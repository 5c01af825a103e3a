"""The fake API server of the tests is like a real one, as far as its clients can tell."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from support import api_faults
from support.api_server import ApiServer
from support.certificates import CLUSTER, ELSEWHERE, authority, leaf
from support.lines import DEADLINE
from support.pods import CREATING, READY, Pod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse
    from typing import Self

PODS = "/api/v1/namespaces/shop/pods"
KNOWN = "known"
OURS = "fieldSelector=metadata.name%3Dshop-0"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        server.tokens[KNOWN] = "system:serviceaccount:shop:default"
        yield server


class Client:
    """A connection to it."""

    def __init__(self, server: ApiServer, ca: str = CLUSTER) -> None:
        context = ssl.create_default_context(cafile=str(authority(ca)))
        self.connection = http.client.HTTPSConnection(server.host, server.port, context=context, timeout=DEADLINE)

    def get(self, query: str = OURS, bearer: str = KNOWN, path: str = PODS) -> HTTPResponse:
        """Ask."""
        self.connection.request("GET", f"{path}?{query}", headers={"Authorization": f"Bearer {bearer}"} if bearer else {})
        return self.connection.getresponse()

    def json(self, query: str = OURS, bearer: str = KNOWN, path: str = PODS) -> tuple[int, Any]:
        """Ask, and read the answer."""
        answer = self.get(query, bearer, path)
        return answer.status, json.load(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def event(answer: HTTPResponse) -> tuple[str, Any]:
    value = json.loads(answer.readline())
    return value["type"], value["object"]


def test_lists_of_pods(server: ApiServer) -> None:
    """An empty list has a version too; the items of a list do not say their kind. Many requests go over one connection."""
    with Client(server) as client:
        assert client.json() == (200, {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "466"}, "items": []})
        pod = Pod(sidecars="proxy")
        pod.statuses |= {"server": READY, "proxy": READY}
        server.put(pod)
        server.put(Pod("another"))
        status, pods = client.json()
        assert status == 200
        assert pods["metadata"]["resourceVersion"] == "468"
        [item] = pods["items"]
        assert item["metadata"]["resourceVersion"] == "467"
        assert "kind" not in item
        assert item["status"]["containerStatuses"][0]["ready"]
        assert item["status"]["initContainerStatuses"][0]["name"] == "proxy"
        assert len(client.json("")[1]["items"]) == 2
        assert server.connections == 1


def test_watch_from_a_version_tells_what_came_after(server: ApiServer) -> None:
    """Nothing is told twice, and nothing falls between list and watch."""
    with Client(server) as client:
        pod = Pod()
        server.put(pod)
        version = client.json()[1]["metadata"]["resourceVersion"]
        pod.statuses["server"] = CREATING
        server.put(pod)
        watch = client.get(f"{OURS}&watch=true&resourceVersion={version}&timeoutSeconds=60")
        kind, value = event(watch)
        assert (kind, value["kind"], value["metadata"]["resourceVersion"]) == ("MODIFIED", "Pod", "468")
        server.in_watches(api_faults.bookmark)
        assert event(watch)[0] == "BOOKMARK"
        server.remove(pod)
        assert event(watch)[0] == "DELETED"
        server.put(pod)
        assert event(watch)[0] == "ADDED"


def test_watch_without_a_version_begins_with_what_is_there(server: ApiServer) -> None:
    """And with a bookmark for those that want them; it ends when its time is over, and the connection lives on."""
    with Client(server) as client:
        server.put(Pod())
        watch = client.get(f"{OURS}&watch=1&allowWatchBookmarks=true&timeoutSeconds=0.05")
        assert event(watch)[0] == "ADDED"
        assert event(watch)[1]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert event(watch)[0] == "BOOKMARK"
        assert watch.read() == b""
        assert client.json()[0] == 200
        assert server.connections == 1


def test_version_that_is_too_old_or_too_new(server: ApiServer) -> None:
    """410 comes as an event; a list of the future is refused, a watch of it waits."""
    with Client(server) as client:
        server.put(Pod())
        server.compact()
        kind, value = event(client.get(f"{OURS}&watch=true&resourceVersion=467"))
        assert (kind, value["code"], value["reason"]) == ("ERROR", 410, "Expired")
    with Client(server) as client:
        answer = client.get(f"{OURS}&resourceVersion=999")
        assert (answer.status, answer.headers["Retry-After"]) == (504, "1")


def test_who_is_refused(server: ApiServer) -> None:
    """An unknown token is 401; without one, without the Role, elsewhere: 403, and it names the user."""
    with Client(server) as client:
        assert client.json(bearer="old")[0] == 401
        assert 'User "system:anonymous" cannot list resource "pods"' in client.json(bearer="")[1]["message"]
        assert client.json(path=f"{PODS}/shop-0")[0] == 403
        assert client.json(path="/api/v1/namespaces/default/pods")[0] == 403
        server.verbs.remove("watch")
        status, body = client.json(f"{OURS}&watch=true")
        assert (status, body["code"], body["details"]) == (403, 403, {"name": "shop-0", "kind": "pods"})
        assert 'User "system:serviceaccount:shop:default" cannot watch resource "pods" in API group "" in the namespace "shop"' in body["message"]


def test_certificates_that_are_not_to_be_trusted(server: ApiServer) -> None:
    """One of another CA, one for other names, one that has expired: a client that looks refuses them, and it is seen."""
    with Client(server, ca="other") as client, pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        client.get()
    server.wait_until(lambda: bool(server.refusals), "a refusal")
    for certificate, why in ((leaf(ELSEWHERE), "IP address mismatch"), (leaf(days=-1), "expired"), (leaf(signed_by="other"), "unable to get")):
        with ApiServer(certificate=certificate) as liar, Client(liar) as client, pytest.raises(ssl.SSLCertVerificationError, match=why):
            client.get()


@pytest.mark.parametrize("fault", [api_faults.reset, api_faults.hang_up, api_faults.reset_in_an_answer, api_faults.short_answer])
def test_faults_of_connections(server: ApiServer, fault: Any) -> None:
    """They hit one request; the next one is answered."""
    server.fail(fault)
    with Client(server) as client, pytest.raises((ConnectionError, http.client.HTTPException)):
        client.json()
    with Client(server) as client:
        assert client.json()[0] == 200


def test_faults_of_watches(server: ApiServer) -> None:
    """Each is done in the watch that is open, at once."""
    server.put(Pod())
    with Client(server) as client:
        for fault, said in ((api_faults.cut, b""), (api_faults.garbage_line, api_faults.GARBAGE), (api_faults.half_a_line, b'{"type":"MOD')):
            watch = client.get(f"{OURS}&watch=true&resourceVersion=467")
            server.in_watches(fault)
            assert watch.read(12) == said[:12]
            if fault != api_faults.cut:
                client.connection.close()
                server.wait_until_alone()


def test_server_that_goes_away_and_comes_back(server: ApiServer) -> None:
    """Its port stays the same."""
    with Client(server) as client:
        assert client.json()[0] == 200
        server.go_away()
    with Client(server) as client, pytest.raises(ConnectionRefusedError):
        client.json()
    server.listen()
    with Client(server) as client:
        assert client.json()[0] == 200
