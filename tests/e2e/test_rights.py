"""Pods that may not look at themselves, and what they say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.pods import state
from e2e.shop import SOON, open_shop, wait_until_waiting

if TYPE_CHECKING:
    from e2e.spaces import Space
    from e2e.watches import Object


def succeeded(pod: Object) -> bool:
    """Tell whether the client has ended with 0."""
    return bool(state(pod, "client").get("terminated", {}).get("exitCode") == 0)


def test_missing_role_is_told_within_seconds_with_the_commands_that_mend_it(space: Space) -> None:
    """The two commands of the message, run as they are, are all that was missing: the kubelet starts the client again, and it works."""
    pod = open_shop(space, policy="OnFailure")
    pod.running("client")
    log = pod.follow("client").whole()
    end = pod.end("client")
    assert end.code == 1
    assert end.seconds < SOON
    assert "forbidden" in log.error
    assert f"system:serviceaccount:{space.name}:default" in log.error
    commands = log.kubectl_commands()
    assert [command[:2] for command in commands] == [["create", "role"], ["create", "rolebinding"]]
    for command in commands:
        space.kubectl(*command)
    pod.running("server", restarts=1)  # it ended with the client
    pod.heard("server", "here")
    pod.tell(8080, "open")
    pod.until(succeeded, "the client's success")


def test_role_without_watch_is_told_within_seconds(space: Space) -> None:
    """List alone shows the state at the start; if that is not what is waited for, nothing is left to hope for."""
    space.permit("list")
    pod = open_shop(space)
    end = pod.end("client")
    assert end.code == 1
    assert end.seconds < SOON
    error = pod.log("client").error
    assert "cannot watch resource" in error
    assert "--verb=list,watch" in error


def test_role_that_comes_a_moment_later_is_no_error(space: Space) -> None:
    """A manifest's Role may be applied after its pod."""
    pod = open_shop(space)
    pod.running("client")
    pod.heard("client", "forbidden")
    space.permit()
    wait_until_waiting(pod)
    pod.tell(8080, "open")
    assert pod.end("client").code == 0


def test_pod_without_a_token_is_told_at_once(space: Space) -> None:
    """With automountServiceAccountToken: false there is nothing to ask with."""
    space.apply("tokenless")
    pod = space.pod("tokenless")
    end = pod.end("client")
    assert end.code in (1, 2)
    assert end.seconds < SOON
    assert "automountServiceAccountToken" in pod.log("client").error
