"""Birth dependencies on containers of the pod, as the kubelet reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.images import FORMS
from e2e.shop import SOON, open_shop, wait_until_waiting

if TYPE_CHECKING:
    from e2e.spaces import Space


@pytest.mark.parametrize("form", FORMS)
def test_client_starts_when_the_server_is_ready_and_not_before(space: Space, form: str) -> None:
    """Both are wrapped: the client's end ends the server, too."""
    space.permit()
    pod = open_shop(space, form)
    wait_until_waiting(pod)
    pod.tell(8080, "open")
    assert (pod.end("client").code, pod.end("server").code) == (0, 0)
    client, server = pod.log("client"), pod.log("server")
    assert client.child == ["here", "got 200"]
    assert server.child == ["here", "opened", "signal 15"]
    assert server.when("opened") < client.when("here")


@pytest.mark.parametrize("form", FORMS)
def test_native_sidecar_is_a_birth_dependency_like_any_other(space: Space, form: str) -> None:
    """Its status stands among those of the init containers. The kubelet ends it after the client, which needs no kubexit for that."""
    space.permit()
    space.apply("native", form)
    pod = space.pod("native")
    wait_until_waiting(pod)
    pod.tell(8080, "open")
    assert pod.end("client").code == 0
    assert pod.log("server").when("opened") < pod.log("client").when("here")
    pod.succeeds()


def test_dependency_that_comes_back_is_waited_for(space: Space) -> None:
    """Under OnFailure a failed server is between two lives, not dead."""
    space.permit()
    space.apply("returning", server='[puppet, fail, /shared/failed, /bin/puppet, serve, "8080"]', client='puppet, get, "8080"')
    pod = space.pod("returning")
    assert pod.end("client").code == 0
    assert pod.end("server").code == 3
    client = pod.log("client")
    assert client.child == ["here", "got 200"]
    assert client.records[0]["config"]["birth_deps"] == ["server"]


def test_dependency_that_ends_for_good_fails_the_wait(space: Space) -> None:
    """With restartPolicy Never nobody brings it back."""
    space.permit()
    pod = open_shop(space)
    wait_until_waiting(pod)
    pod.tell(8080, "exit/4")
    end = pod.end("client")
    assert end.code == 1
    assert end.seconds < SOON
    log = pod.log("client")
    assert "server" in log.error
    assert "exited 4" in log.error
    assert log.child == []


def test_succeeded_is_a_condition_of_a_container_that_is_not_wrapped(space: Space) -> None:
    """A migration is run, and what needs it starts after it."""
    space.permit()
    space.apply("conditions", migration='[puppet, serve, "8080"]', condition="succeeded")
    pod = space.pod("conditions")
    pod.ready("migration")
    pod.running("client")
    pod.tell(8080, "exit/0")
    pod.ready("client")
    assert pod.log("migration").when("exiting 0") < pod.log("client").when("here")


def test_program_that_is_not_there_fails_the_wait(space: Space) -> None:
    """The kubelet reports a container that could not be started as one that has ended."""
    space.permit()
    space.apply("conditions", migration="[no-such-program]", condition="ready")
    end = space.pod("conditions").end("client")
    assert end.code == 1
    assert end.seconds < SOON
    error = space.pod("conditions").log("client").error
    assert "migration" in error
    assert "exited 128" in error
    assert "StartError" in error


def test_name_of_no_container_fails_the_wait_and_those_that_there_are_are_named(space: Space) -> None:
    """A slip of the pen is found at once."""
    space.permit()
    pod = open_shop(space, dependencies="sever")
    end = pod.end("client")
    assert end.code == 1
    assert end.seconds < SOON
    error = pod.log("client").error
    assert all(name in error for name in ('"sever"', "server", "client"))


@pytest.mark.parametrize(("pull", "reasons"), [("Never", ["ErrImageNeverPull"]), ("Always", ["ErrImagePull", "ImagePullBackOff"])])
def test_timeout_names_the_container_and_what_the_kubelet_says_of_it(space: Space, pull: str, reasons: list[str]) -> None:
    """An image that is not there is the most usual cause."""
    space.permit()
    pod = open_shop(space, server="localhost:1/kubexit-e2e/none:1", timeout="8s", pull=pull)
    assert pod.end("client").code == 1
    error = pod.log("client").error
    assert "not met within 8s" in error
    assert "server" in error
    assert any(reason in error for reason in reasons), error


def test_timeout_tells_running_from_ready(space: Space) -> None:
    """The server runs, and its probe does not succeed."""
    space.permit()
    pod = open_shop(space, timeout="5s")
    end = pod.end("client")
    assert end.code == 1
    assert 4 <= end.seconds <= SOON
    assert "server (wanted: ready): running, not ready" in pod.log("client").error


def test_client_that_is_started_again_finds_a_ready_server_at_once(space: Space) -> None:
    """The first state counts like any later one."""
    space.permit()
    space.apply("returning", server='[puppet, serve, "8080"]', client='puppet, fail, /shared/failed, /bin/puppet, get, "8080"')
    pod = space.pod("returning")
    assert pod.end("client").code == 3
    again = pod.end("client", restarts=1)
    assert again.code == 0
    assert again.seconds < SOON
    assert pod.log("client").records[0]["config"]["birth_deps"] == ["server"]
