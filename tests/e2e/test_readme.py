"""The manifests of our own documents, as they are written there, with nothing but their images exchanged."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING

import pytest
import yaml

from e2e.documents import completed, with_our_images
from e2e.images import ROOT
from e2e.shop import open_shop, wait_until_waiting
from support.snippets import snippets

if TYPE_CHECKING:
    from e2e.spaces import Space

README = ROOT / "README.md"
KOORDINATOR = ROOT / "docs/koordinator.md"
IMAGES = {
    "kubexit": "kubexit",
    "my-server": "my-server",
    "my-client": "my-client",
    "koordinator:latest": "koordinator",
    "eu.gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.3.0": "connector",
    "main-app-image": "application",
}
ALTERNATIVE = re.compile(r"command: .*# or: (.*)")


def snippet(heading: str, number: int = 0) -> str:
    """Give a manifest, or a part of one, from below a heading of the README."""
    return textwrap.dedent(with_our_images(snippets(README, heading, "yaml")[number].text, IMAGES))


def test_job_of_the_first_five_minutes_completes(space: Space) -> None:
    """A reader's first try; the client's image has a loop around its first connection, as the page says that it needs."""
    space.apply_text(snippet("The first five minutes"))
    pod = space.pod_of_job("client-server")
    assert space.end_of_job("client-server") == "Complete"
    assert (pod.end("client").code, pod.end("server").code) == (0, 0)
    assert pod.log("server").child[-1] == "signal 15"


@pytest.mark.parametrize("way", ["the one that stands there", "the other"])
def test_kubexit_is_installed_into_a_volume(space: Space, way: str) -> None:
    """There are two ways; one stands as the command, the other beside it as a remark."""
    text = snippet("Install")
    assert ALTERNATIVE.search(text)
    if way == "the other":
        text = ALTERNATIVE.sub(r"command: \1", text)
    space.apply_text(completed(text, main={"env": [{"name": "KUBEXIT_NAME", "value": "main"}]}))
    pod = space.pod("completed")
    pod.succeeds()
    assert pod.log("main").child == ["here"]


def test_role_and_the_pods_name_are_enough_where_the_host_name_misleads(space: Space) -> None:
    """The Role, and the variable for such pods."""
    space.apply_text(snippet("Start when a sidecar is ready"))
    variables = yaml.safe_load(snippet("Start when a sidecar is ready", 1))["env"]
    lines = "\n    ".join(f"- {json.dumps(variable)}" for variable in variables)
    space.apply("identity", hostname="hostname: elsewhere", variables=lines, podinfo="/unused")
    assert space.pod("identity").end("client").code == 0


def test_kubectl_commands_for_the_role_do_the_same(space: Space) -> None:
    """They stand below it, for those who write no manifest."""
    commands = re.findall(r"^    kubectl (create role.*)$", README.read_text(), re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        space.kubectl(*command.replace("NAMESPACE", space.name).split())
    pod = open_shop(space)
    wait_until_waiting(pod)
    pod.tell(8080, "open")
    assert pod.end("client").code == 0


def test_job_of_the_page_for_koordinators_users_completes(space: Space) -> None:
    """What that leaves out is filled in: a name and a restartPolicy."""
    space.permit()
    job = yaml.safe_load(with_our_images(snippets(KOORDINATOR, "The manifest", "yaml")[0].text, IMAGES))
    job["metadata"] = {"name": "koordinated"}
    job["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    space.apply_text(json.dumps(job))
    pod = space.pod_of_job("koordinated")
    assert space.end_of_job("koordinated") == "Complete"
    assert (pod.end("main-container").code, pod.end("cloud-sql-proxy").code) == (0, 0)
