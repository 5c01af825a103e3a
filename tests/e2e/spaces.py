"""A test's own namespace, with all that it does there."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import string
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.images import FORMS, references
from e2e.kubectl import Kubectl, KubectlError
from e2e.pods import Pod, describe
from e2e.watches import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.watches import Event, Object

MANIFESTS = Path(__file__).resolve().parent / "manifests"
RUN = f"{os.getpid()}-{secrets.token_hex(2)}"
NUMBERS = itertools.count(1)


class Space:
    """A namespace. It goes with everything in it when the test is over; nobody waits for that."""

    def __init__(self) -> None:
        self.name = f"kubexit-e2e-{RUN}-{next(NUMBERS)}"
        self._kubectl = Kubectl(self.name)
        self.kubectl = self._kubectl.run
        self.kubectl("create", "namespace", self.name)
        # a pod that comes before them is refused, or has to wait for its volume
        self.kubectl("wait", "--for=create", "serviceaccount/default", "configmap/kube-root-ca.crt", "--timeout=60s")
        self._pods = Watch(self._kubectl.watch("/api/v1", "pods"))
        self._jobs: Watch | None = None

    def apply(self, manifest: str, form: str = "single", **values: str) -> None:
        """Apply manifests/MANIFEST.yaml. In it, $program is kubexit in that form; image names and the values given here are filled in, too."""
        text = (MANIFESTS / f"{manifest}.yaml").read_text()
        self.apply_text(string.Template(text).substitute({"program": FORMS[form], "namespace": self.name, **references(), **values}))

    def apply_text(self, text: str, *options: str) -> None:
        """Apply the text of a manifest."""
        self.kubectl("apply", "--filename=-", *options, given=text)

    def permit(self, *verbs: str) -> None:
        """Let the pods list and watch pods, as the README's Role does, or only so much of that."""
        self.apply("role", verbs=json.dumps(verbs or ("list", "watch")))

    def pod(self, name: str) -> Pod:
        """Give the pod of that name."""
        return Pod(name, self._kubectl, self._pods)

    def pod_of_job(self, job: str) -> Pod:
        """Wait for the first pod of a job."""
        return self.pods_of_job(job, 1)[0]

    def end_of_job(self, name: str) -> str:
        """Wait until a job is over and say how: Complete or Failed."""
        self._jobs = self._jobs or Watch(self._kubectl.watch("/apis/batch/v1", "jobs"))
        return _verdict(self._jobs.until(lambda event: event.name == name and bool(_verdict(event.object)), f"the end of job {name}").object)

    def pods_of_job(self, job: str, count: int) -> list[Pod]:
        """Wait until a job has had so many pods. A watch may be behind what other watches have told already."""
        names: dict[str, None] = {}

        def complete(event: Event) -> bool:
            if _job_of(event.object) == job:
                names[event.name] = None
            return len(names) == count

        self._pods.until(complete, f"{count} pods of job {job}")
        return [self.pod(name) for name in names]

    def tell(self) -> None:
        """Print what everybody did and said; pytest shows it if the test fails."""
        print("\n".join(self._story()))  # noqa: T201

    def _story(self) -> Iterator[str]:
        events = self._pods.catch_up()
        for name in dict.fromkeys(event.name for event in events):
            states = [event for event in events if event.name == name]
            for event in states:
                yield f"{event.at - states[0].at:7.2f} s  {event.kind} {describe(event.object)}"
            spec = states[-1].object["spec"]
            for container in [*spec.get("initContainers", []), *spec["containers"]]:
                with contextlib.suppress(KubectlError):
                    yield f"--- {container['name']} of {name}\n{self.pod(name).log(container['name'])}"
        with contextlib.suppress(KubectlError):
            yield self.kubectl("get", "events", "--sort-by=.metadata.creationTimestamp")

    def close(self) -> None:
        """Give it up."""
        self._kubectl.close()
        self.kubectl("delete", "namespace", self.name, "--wait=false")


def _job_of(pod: Object) -> str:
    return str(pod["metadata"].get("labels", {}).get("job-name", ""))


def _verdict(job: Object) -> str:
    conditions = job.get("status", {}).get("conditions", [])
    return next((each["type"] for each in conditions if each["type"] in ("Complete", "Failed") and each["status"] == "True"), "")
