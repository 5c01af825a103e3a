"""How a container finds out which pod it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from e2e.spaces import Space

MISLEADING = "hostname: elsewhere"
VARIABLES = """
    - {name: KUBEXIT_POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: KUBEXIT_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
"""


@pytest.mark.parametrize(
    ("hostname", "variables", "podinfo"),
    [
        pytest.param("", "", "/unused", id="by the host name alone"),
        pytest.param(MISLEADING, "", "/etc/podinfo", id="by a downwardAPI volume"),
        pytest.param(MISLEADING, VARIABLES.strip(), "/unused", id="by variables"),
    ],
)
def test_pod_is_found(space: Space, hostname: str, variables: str, podinfo: str) -> None:
    """What is said on purpose comes before what is guessed."""
    space.permit()
    space.apply("identity", hostname=hostname, variables=variables, podinfo=podinfo)
    pod = space.pod("identity")
    assert pod.end("client").code == 0
    config = pod.log("client").records[0]["config"]
    assert (config["pod_name"], config["namespace"]) == ("identity", space.name)


def test_misleading_host_name_is_named_in_the_error(space: Space) -> None:
    """There is no pod of that name; where the name came from is what the reader has to know."""
    space.permit()
    space.apply("identity", hostname=MISLEADING, variables="", podinfo="/unused")
    pod = space.pod("identity")
    assert pod.end("client").code == 1
    error = pod.log("client").error
    assert "no pod elsewhere" in error
    assert "the host name" in error
    assert "KUBEXIT_POD_NAME" in error
