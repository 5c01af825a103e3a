"""The request of a koordinator spec: its address, and what is no address."""

from __future__ import annotations

import json

import pytest

from kubexit.domain.config import StopRequest
from kubexit.domain.koordinator_spec import Spec, parse_spec

HTTP_FORM = '{"http": {"post": {"port": 15020, "path": "/quitquitquit", "host": "127.0.0.1", "scheme": "http"}}}'
NO_REQUEST = "is no request; accepted is " + HTTP_FORM


def read_spec(text: str) -> tuple[Spec, list[str], list[str]]:
    """Give the spec, the faults and the warnings."""
    faults: list[str] = []
    warnings: list[str] = []
    return parse_spec("KOORDINATOR_SPEC", text, faults, warnings), faults, warnings


@pytest.mark.parametrize(
    ("details", "url"),
    [
        ({"port": 80}, "http://127.0.0.1:80/"),
        ({"port": 1}, "http://127.0.0.1:1/"),
        ({"port": 65535, "path": ""}, "http://127.0.0.1:65535/"),
        ({"port": 15020, "path": "/quitquitquit"}, "http://127.0.0.1:15020/quitquitquit"),
        ({"port": 80, "path": "stop?now=1&x=%20~!"}, "http://127.0.0.1:80/stop?now=1&x=%20~!"),
        ({"path": "/x", "host": "localhost", "scheme": "HTTP", "port": 80}, "http://localhost:80/x"),
        ({"port": 443, "host": "10.0.0.7", "scheme": "https"}, "https://10.0.0.7:443/"),
        ({"port": 443, "host": "::1", "scheme": "HTTPS"}, "https://[::1]:443/"),
        ({"port": 80, "host": "[::ffff:127.0.0.1]"}, "http://[::ffff:127.0.0.1]:80/"),
        ({"port": 80, "host": "my_side-car.example"}, "http://my_side-car.example:80/"),
    ],
)
def test_the_request_has_the_form_of_kubernetes_http_get(details: object, url: str) -> None:
    """The port is required; path, host and scheme have defaults. The term signal stays, for a request that fails."""
    for method in ("get", "post", "put"):
        spec, faults, warnings = read_spec(json.dumps({"whenStopDepExited": {"http": {method: details}}, "termSignal": "SIGINT"}))
        assert (spec.stop_request, spec.stop_signal) == (StopRequest(method.upper(), url), 2)
        assert (faults, warnings) == ([], [])


@pytest.mark.parametrize(
    ("details", "fault"),
    [
        ("{}", "has no port; accepted is " + HTTP_FORM),
        ('{"path":"/x"}', "has no port; accepted is " + HTTP_FORM),
        ('{"port":0}', "has a port that is none; accepted is a whole number from 1 to 65535"),
        ('{"port":65536}', "has a port that is none"),
        ('{"port":"http"}', "has a port that is none"),
        ('{"port":"80"}', "has a port that is none"),
        ('{"port":80.0}', "has a port that is none"),
        ('{"port":true}', "has a port that is none"),
        ('{"port":null}', "has a port that is none"),
        ('{"port":80,"port":80}', "has port 2 times; accepted is one"),
        ('{"port":80,"path":null}', "has a path that is none; accepted is one such as"),
        ('{"port":80,"path":"/a b"}', "has a path that is none"),
        ('{"port":80,"path":"/a\\r\\nX: y"}', "has a path that is none"),
        ('{"port":80,"path":"/\\u0000"}', "has a path that is none"),
        ('{"port":80,"path":"/\\u00e4"}', "has a path that is none"),
        ('{"port":80,"path":"/a#b"}', "has a path that is none"),
        ('{"port":80,"host":""}', "has a host that is none; accepted is a name or an address"),
        ('{"port":80,"host":"a/b"}', "has a host that is none"),
        ('{"port":80,"host":"user@a"}', "has a host that is none"),
        ('{"port":80,"host":"a:80"}', "has a host that is none"),
        ('{"port":80,"host":"[::1"}', "has a host that is none"),
        ('{"port":80,"host":"[]"}', "has a host that is none"),
        ('{"port":80,"host":7}', "has a host that is none"),
        ('{"port":80,"host":null}', "has a host that is none"),
        ('{"port":80,"scheme":"ftp"}', 'has a scheme that is not known; accepted are "http" and "https"'),
        ('{"port":80,"scheme":null}', "has a scheme that is not known"),
        ("[]", "does not say where to: koordinator takes this form, but cannot send it; accepted is " + HTTP_FORM),
        ("[80]", NO_REQUEST),
        ("null", NO_REQUEST),
        ('"/x"', NO_REQUEST),
        ("80", NO_REQUEST),
    ],
)
def test_a_wrong_request_is_refused(details: str, fault: str) -> None:
    """Nothing of a spec reaches a request line that does not belong there."""
    spec, faults, _ = read_spec(f'{{"whenStopDepExited":{{"http":{{"get":{details}}}}}}}')
    assert len(faults) == 1
    assert faults[0].startswith('KOORDINATOR_SPEC: whenStopDepExited={"http":{"get":')
    assert fault in faults[0]
    assert spec == Spec()


def test_unknown_keys_of_a_request_are_told() -> None:
    """As those of the spec; Kubernetes' httpHeaders is one of them."""
    spec, faults, warnings = read_spec('{"whenStopDepExited":{"http":{"get":{"port":80,"Path":"/x","httpHeaders":[]}}}}')
    assert spec.stop_request == StopRequest("GET", "http://127.0.0.1:80/")
    assert faults == []
    assert warnings[0] == 'KOORDINATOR_SPEC: "Path" in whenStopDepExited is not known and has no effect: did you mean path?'
    assert warnings[1].startswith('KOORDINATOR_SPEC: "httpHeaders" in whenStopDepExited is not known')
