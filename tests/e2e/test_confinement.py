"""Pods that give their containers as little as possible."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from e2e.couple import have_couple, wait_until_ready
from e2e.images import FORMS, references

if TYPE_CHECKING:
    from e2e.spaces import Space


@pytest.mark.parametrize("share", ["false", "true"], ids=["own processes", "shared processes"])
@pytest.mark.parametrize("form", FORMS)
def test_job_completes_without_user_capabilities_or_a_place_to_write(space: Space, form: str, share: str) -> None:
    """Both sources are used, so both helpers run. With a shared process namespace kubexit is not the first process."""
    space.permit()
    space.apply("confined", form, share=share, source="kubernetes")
    pod = space.pod_of_job("confined")
    assert space.end_of_job("confined") == "Complete"
    assert (pod.end("client").code, pod.end("server").code) == (0, 0)
    assert pod.log("client").child == ["here", "got 200"]
    assert pod.log("server").child == ["here", "signal 15"]


def test_orphans_in_a_shared_process_namespace_hold_nothing_up(space: Space) -> None:
    """What the sidecar's command has left behind ends with the container: it holds its output open, and is nobody's child any more."""
    orphan = ["/bin/kubexit", "sh", "-c", "(sleep 1000 &); exec puppet serve 8080"]
    pod = have_couple(space, share="true", image=references()["shell"], sidecar=json.dumps(orphan))
    wait_until_ready(pod)
    assert "sleep 1000" in pod.run("sidecar", "ps", "-o", "args")
    pod.tell(8081, "exit/0")
    pod.succeeds()
    assert pod.log("sidecar").child == ["here", "signal 15"]


@pytest.mark.parametrize("install", ["[kubexit, --install, /kubexit]", "[cp, /bin/kubexit, /kubexit/kubexit]"])
def test_kubexit_from_a_volume_needs_no_more(space: Space, install: str) -> None:
    """The folder of files and the single file alike; they are mounted read-only, elsewhere than they were written."""
    space.permit()
    space.apply("installed", install=install)
    pod = space.pod_of_job("installed")
    assert space.end_of_job("installed") == "Complete"
    assert (pod.end("client").code, pod.end("server").code) == (0, 0)
    assert pod.log("server").child == ["here", "signal 15"]
