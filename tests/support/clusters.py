"""A pod of a cluster as the containers of the tests see it: the API server, the service account, the pod's own state."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Any

from support import processes
from support.api_server import ApiServer
from support.certificates import CLUSTER, authority
from support.pods import CREATING, RUNNING, Pod, Status
from support.service_account import PODINFO, Projection, ServiceAccount
from support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from support.forms import Installation
    from support.supervisors import Supervisor

USER = "system:serviceaccount:shop:default"


class Cluster:
    """One pod, shop-0 in the namespace shop, with the containers `client` (ours) and `server`, and what its API server tells of it."""

    def __init__(self, world: World, **how: Any) -> None:
        self.world = world
        self.server = ApiServer(**how)
        self.account = ServiceAccount(authority(CLUSTER), new_token())
        self.server.tokens[self.account.token] = USER
        self.podinfo = Projection(PODINFO)
        self.pod = Pod()
        self.tokens = [self.account.token]  # all that there ever were

    def tell(self, statuses: dict[str, Status] | None = None, /, **more: Status) -> None:
        """Let the kubelet report these states of containers; others stay as they are. Our own container runs."""
        self.pod.statuses |= {"client": RUNNING} | (statuses or {}) | more
        self.server.put(self.pod)

    def have(self, pod: Pod) -> None:
        """Have another pod, with all containers waiting to be created."""
        self.pod = pod
        self.tell(dict.fromkeys([*pod.containers, *pod.sidecars, *pod.inits], CREATING))

    def rotate_token(self) -> None:
        """Have a new token; the old one is worth nothing."""
        token = new_token()
        self.tokens.append(token)
        self.server.tokens = {token: USER}
        self.account.rotate(token)

    def start(self, *commands: str, **variables: Any) -> Supervisor:
        """Start the kubexit of the container `client`, in this pod."""
        return self.world.start("client", *commands, **{**self.variables, **variables})

    def start_waiting(self, dependencies: str, *commands: str, **variables: Any) -> Supervisor:
        """Start it, and return when it waits: it has been told what there is, and watches."""
        variables = {"birth_timeout": "0", "instant_logging": "1", **variables}
        client = self.start(*commands, birth_deps=dependencies, **variables)
        self.server.wait_for_watch()
        return client

    @property
    def variables(self) -> dict[str, str]:
        """What the kubelet puts into the environment, and the pod's name as manifests do."""
        return {"KUBERNETES_SERVICE_HOST": self.server.host, "KUBERNETES_SERVICE_PORT": str(self.server.port), "pod_name": "shop-0"}

    def close(self) -> None:
        """End everything. Fail if anybody is still connected: no helper outlives its supervisor."""
        try:
            self.world.close()
            self.server.wait_until_alone()
        finally:
            self.server.go_away()
            self.account.volume.remove()
            self.podinfo.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def rounds_of_pods(installation: Installation, number: int) -> Iterator[Cluster]:
    """Give one round of a race its own pod; at its end nothing may be left."""
    cluster = Cluster(World(installation))
    try:
        yield cluster
    except BaseException:
        print(f"in round {number}:")  # noqa: T201
        with contextlib.suppress(AssertionError):
            cluster.close()
        raise
    cluster.close()


def assert_never_started(client: Supervisor, status: int, reason: str) -> str:
    """Check that it ended like this without having started its child, and that its peers can read that; give the message."""
    assert client.end() == status
    assert client.out is not None
    assert client.out.rest() == []
    stone = client.stone()
    assert "Born" not in stone
    assert "Died" in stone
    assert (stone["ExitCode"], stone["Reason"]) == (status, reason), stone
    return str(stone["Message"])


def new_token() -> str:
    """Give what looks like a token of a service account, and is in no other text."""
    return f"eyJhbGciOiJSUzI1NiJ9.{secrets.token_urlsafe(600)}.{secrets.token_urlsafe(250)}"


def helper_of(supervisor: Supervisor) -> int:
    """Give the pid of the helper program, which has to be there."""
    found: list[int] = []

    def there() -> bool:
        found[:] = [pid for pid in processes.children(supervisor.pid) if b"\0pod\0" in command_line(pid)]
        return bool(found)

    processes.wait_until(there, f"a helper of {supervisor.name}")
    assert len(found) == 1, f"{len(found)} helpers: {[processes.describe(pid) for pid in found]}"
    return found[0]


def command_line(pid: int) -> bytes:
    """Give the arguments of a process, each with a zero byte at its end; nothing if it is gone."""
    return processes.read(f"/proc/{pid}/cmdline").encode()
