"""koordinator's specs in pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.images import FORMS
from e2e.shop import SOON

if TYPE_CHECKING:
    from e2e.pods import Pod
    from e2e.spaces import Space

WRAPPED = '[koordinator, puppet, serve, "8081"]'
UNWRAPPED = '[puppet, serve, "8081"]'
STOPPED_BY_MAIN = '{"stopDeps":["main"]}'
STOPPED_BY_REQUEST = '{"stopDeps":["main"],"whenStopDepExited":{"http":{"post":{"port":8080,"path":"/exit/0"}}}}'


def coordinated(space: Space, main: str, proxy: str = STOPPED_BY_MAIN, variable: str = "KOORDINATOR_SPEC") -> Pod:
    """Have the job of coordinated.yaml, and give its pod."""
    space.apply("coordinated", main=main, proxy=proxy, variable=variable)
    return space.pod_of_job("coordinated")


@pytest.mark.parametrize("variable", ["KOORDINATOR_SPEC", "KOOORDINATOR_SPEC"])
def test_main_starts_when_the_proxy_is_ready_which_ends_with_it(space: Space, variable: str) -> None:
    """Start and stop dependencies, in the spelling that koordinator reads and in that of its README."""
    space.permit()
    pod = coordinated(space, WRAPPED, variable=variable)
    pod.running("main")
    pod.running("proxy")
    pod.heard("main", "initialized")
    pod.heard("proxy", "here")
    pod.tell(8080, "open")
    pod.ready("main")
    pod.tell(8081, "exit/0")
    assert space.end_of_job("coordinated") == "Complete"
    assert (pod.end("main").code, pod.end("proxy").code) == (0, 0)
    proxy, main = pod.log("proxy"), pod.log("main")
    assert proxy.child == ["here", "opened", "signal 15"]
    assert proxy.when("opened") < main.when("here")


@pytest.mark.parametrize("code", [0, 5])
def test_proxy_ends_with_a_main_container_that_is_not_wrapped(space: Space, code: int) -> None:
    """However that ends: koordinator's terminatedByStopDepExitCode is 0."""
    space.permit()
    pod = coordinated(space, UNWRAPPED)
    pod.ready("main")
    pod.running("proxy")
    pod.heard("proxy", "here")
    pod.tell(8081, f"exit/{code}")
    assert (pod.end("main").code, pod.end("proxy").code) == (code, 0)


def test_stop_by_a_request_sends_no_signal(space: Space) -> None:
    """The http action, which koordinator's own program refuses."""
    space.permit()
    pod = coordinated(space, UNWRAPPED, STOPPED_BY_REQUEST)
    pod.ready("main")
    pod.running("proxy")
    pod.heard("proxy", "here")
    pod.tell(8081, "exit/0")
    assert space.end_of_job("coordinated") == "Complete"
    assert pod.log("proxy").child == ["here", "exiting 0"]


@pytest.mark.parametrize("form", FORMS)
def test_stop_delay_holds_the_deletion_of_a_pod_back(space: Space, form: str) -> None:
    """The kubelet tells both containers at the same time; one of them hears of it 4 s later."""
    space.permit()
    space.apply("delayed", form)
    pod = space.pod("delayed")
    pod.ready("late")
    followed = {container: pod.follow(container) for container in ("prompt", "late")}
    for log in followed.values():
        log.says("here")
    pod.delete()
    told = {container: log.whole().when("signal 15") for container, log in followed.items()}
    assert 3.5 < (told["late"] - told["prompt"]).total_seconds() < 20
    pod.gone()


def test_missing_role_ends_the_start(space: Space) -> None:
    """Where koordinator's own program hangs."""
    pod = coordinated(space, WRAPPED)
    end = pod.end("main")
    assert end.code == 1
    assert end.seconds < SOON
    assert "forbidden" in pod.log("main").error
    assert pod.log("main").child == []
