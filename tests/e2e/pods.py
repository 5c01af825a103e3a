"""One pod of a test's namespace, and its containers as the kubelet tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from e2e.logs import Log
from support.lines import Lines

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from e2e.kubectl import Kubectl
    from e2e.watches import Event, Object, Watch


@dataclass(frozen=True)
class End:
    """How a container ended. Kubernetes' times are whole seconds."""

    code: int
    reason: str
    seconds: float  # of its life


class Pod:
    """A pod by its name. All waiting is for events of the watch, and what has happened already counts."""

    def __init__(self, name: str, kubectl: Kubectl, watch: Watch) -> None:
        self.name = name
        self._kubectl, self._watch = kubectl, watch

    def until(self, wanted: Callable[[Object], bool], what: str) -> Event:
        """Give the first state of this pod that is wanted."""
        return self._watch.until(lambda event: event.name == self.name and wanted(event.object), f"{self.name}: {what}")

    def running(self, container: str, *, restarts: int = 0) -> Event:
        """Wait until a container runs, in its first life or in that after so many restarts."""
        return self._in_life(container, restarts, lambda status: "running" in status["state"], "running")

    def ready(self, container: str, *, restarts: int = 0) -> Event:
        """Wait until a container is ready, in its first life or in that after so many restarts."""
        return self._in_life(container, restarts, lambda status: status["ready"], "ready")

    def waits(self, container: str, reason: str) -> Event:
        """Wait until the kubelet says that a container is waiting for this reason."""
        return self.until(lambda pod: state(pod, container).get("waiting", {}).get("reason") == reason, f"{container} waiting: {reason}")

    def end(self, container: str, *, restarts: int = 0) -> End:
        """Wait for the end of a container's first life, or of that after so many restarts."""
        event = self._in_life(container, restarts, lambda status: "terminated" in status["state"], "ended")
        end = state(event.object, container)["terminated"]
        begun, over = (datetime.fromisoformat(end[key]) for key in ("startedAt", "finishedAt"))
        return End(end["exitCode"], end["reason"], (over - begun).total_seconds())

    def _in_life(self, container: str, restarts: int, wanted: Callable[[Object], bool], what: str) -> Event:
        def fits(pod: Object) -> bool:
            told = status(pod, container)
            return told.get("restartCount") == restarts and wanted(told)

        return self.until(fits, f"{container} {what} after {restarts} restarts")

    def succeeds(self) -> None:
        """Wait until all its containers have ended with success."""
        self.until(lambda pod: pod["status"].get("phase") == "Succeeded", "its success")

    def run(self, container: str, *command: str) -> str:
        """Run a command in a container to its end and give what it says."""
        return self._kubectl.run("exec", self.name, f"--container={container}", "--", *command)

    def delete(self) -> Event:
        """Ask for its deletion, and give the state in which that begins."""
        self._kubectl.run("delete", "pod", self.name, "--wait=false")
        return self.until(lambda pod: "deletionTimestamp" in pod["metadata"], "being deleted")

    def gone(self) -> Event:
        """Wait until there is no such pod any more; the event has its last state."""
        return self._watch.until(lambda event: event.name == self.name and event.kind == "DELETED", f"{self.name}: gone")

    def log(self, container: str, *, previous: bool = False) -> Log:
        """Give all that a container has said up to now; `previous`: in the life before this one."""
        return Log(self._kubectl.run("logs", self.name, f"--container={container}", "--timestamps", f"--previous={str(previous).lower()}"))

    def follow(self, container: str) -> Followed:
        """Read the log of a running container as it grows, until its end."""
        return Followed(self._kubectl.start("logs", self.name, f"--container={container}", "--timestamps", "--follow"), f"{container} of {self.name}")

    def heard(self, container: str, text: str) -> None:
        """Wait until a running container has said a line with this in it."""
        self.follow(container).says(text)

    def tell(self, port: int, command: str) -> str:
        """Send a request to a program in the pod, such as `open` or `exit/0` to a puppet."""
        return self._kubectl.get(f"pods/{self.name}:{port}/proxy/{command}")


class Followed:
    """The log of a container that still runs."""

    def __init__(self, process: subprocess.Popen[bytes], whose: str) -> None:
        assert process.stdout is not None
        self._lines = Lines(process.stdout.fileno(), whose)

    def says(self, text: str) -> None:
        """Wait until a line has this in it."""
        self._lines.until(lambda line: text in line, text)

    def whole(self) -> Log:
        """Wait for the container's end and give all it has said."""
        return Log(self._lines.all())


def status(pod: Object, container: str) -> Object:
    """Give the ContainerStatus; empty if there is none yet."""
    told = pod["status"].get("containerStatuses", []) + pod["status"].get("initContainerStatuses", [])
    return next((each for each in told if each["name"] == container), {})


def state(pod: Object, container: str) -> Object:
    """Give its state: one of waiting, running, terminated, with what is known of that."""
    found: Object = status(pod, container).get("state", {})
    return found


def describe(pod: Object) -> str:
    """Say the states of all its containers, for a message."""
    told = pod["status"].get("initContainerStatuses", []) + pod["status"].get("containerStatuses", [])
    states = [f"{each['name']} {each['state']} ready={each['ready']} restarts={each['restartCount']}" for each in told]
    deleting = " being deleted" if "deletionTimestamp" in pod["metadata"] else ""
    return f"{pod['metadata']['name']} {pod['status'].get('phase')}{deleting}: " + "; ".join(states)
