"""What a wait for the pod's status costs: an API server on the loopback interface says from the start that the sidecar is ready."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.forms import TREE
from bench.measure import IMPORTED, RSS_WAITED, WAITED, WAITED_CPU, fresh_graveyard, resident
from bench.runs import ENVIRONMENT, Run
from kubexit.linux import handover
from kubexit.linux.helper import HelperProgram
from support import certificates, service_account
from support.api_server import ApiServer
from support.mounts import leave_for_own_mounts
from support.pods import READY, RUNNING, Pod
from support.service_account import ServiceAccount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.forms import Form
    from bench.measure import Samples


class ReadyPod:
    """A pod whose container `server` is ready, for the container `client` that waits for it."""

    def __init__(self, server: ApiServer) -> None:
        self._variables = {
            "KUBERNETES_SERVICE_HOST": server.host,
            "KUBERNETES_SERVICE_PORT": str(server.port),
            "KUBEXIT_NAME": "client",
            "KUBEXIT_POD_NAME": "shop-0",
            "KUBEXIT_BIRTH_DEPS": "server",
        }

    def measure_wait(self, form: Form, samples: Samples) -> None:
        """Start a child that ends at once, after a wait that is over as soon as the pod's status was read."""
        with fresh_graveyard() as graveyard, Run(form, "noop", {**self._variables, "KUBEXIT_GRAVEYARD": str(graveyard)}) as run:
            run.wait()
            samples.add(WAITED, form, (run.next_time() - run.began) / 1e6)
            samples.add(WAITED_CPU, form, run.cpu_seconds * 1e3)

    def measure_helper(self, form: Form, samples: Samples) -> None:
        """Start the helper program alone, with nothing to do: it ends when it has imported all that it needs."""
        with tempfile.TemporaryDirectory(prefix="kubexit-bench-") as place:
            environment = [f"{name}={value}".encode() for name, value in {**ENVIRONMENT, **dict(form.variables)}.items()]
            name, program = handover.SINGLE_FILE, Path(form.prefix[0])
            if form is TREE:
                name, program = handover.TREE, program.parent / "lib" / "kubexit"
            start = handover.Start(b"kubexit", environment, 0, 0, name, os.fsencode(program), os.fsencode(place))
            helper = HelperProgram(start)
            null = os.open(os.devnull, os.O_WRONLY)
            began = time.monotonic_ns()
            os.waitpid(helper.start([b"nothing"], null), 0)
            samples.add(IMPORTED, form, (time.monotonic_ns() - began) / 1e6)
            os.close(null)
            helper.clean_up()

    def weigh(self, form: Form, samples: Samples) -> None:
        """Weigh a supervisor that has waited, and whose child sleeps."""
        with fresh_graveyard() as graveyard, Run(form, "main", {**self._variables, "KUBEXIT_GRAVEYARD": str(graveyard)}) as run:
            run.next_time()
            run.settle(graveyard / "client")
            samples.add(RSS_WAITED, form, resident(run.pid))


@contextlib.contextmanager
def ready_pod() -> Iterator[ReadyPod]:
    """Have the pod, its API server, and the service account's files in a mount namespace of this process."""
    leave_for_own_mounts()
    with contextlib.contextmanager(service_account.mounted)():
        server = ApiServer()
        account = ServiceAccount(certificates.authority(certificates.CLUSTER), secrets.token_urlsafe(600))
        server.tokens[account.token] = "system:serviceaccount:shop:default"
        pod = Pod()
        pod.statuses = {"client": RUNNING, "server": READY}
        server.put(pod)
        try:
            yield ReadyPod(server)
        finally:
            server.go_away()
