"""A pod as the API server tells it (core/v1 Pod): what is known of its containers, and in words that help at three in the morning."""

from __future__ import annotations

from kubexit.domain.dependencies import UNSEEN, Container
from kubexit.domain.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

ALWAYS, ON_FAILURE, NEVER = "Always", "OnFailure", "Never"  # restartPolicy
LARGEST_NUMBER = 2**31 - 1  # what Kubernetes' int32 holds
LONGEST_NAME = 253  # characters of any name in Kubernetes
LONGEST_MESSAGE = 160  # characters of a message of the kubelet that are shown
LONGEST_REASON = 60
OBVIOUS_REASONS = ("Completed", "Error", "")  # the exit code says it


class Pod(Record):
    """What is known of a pod at one instant."""

    name: str
    uid: str
    version: str  # resourceVersion, "" if there is none
    deleting: bool  # deletionTimestamp is set: it will not come back
    names: tuple[str, ...]  # all its containers, init containers too; empty where the object does not tell them
    containers: Mapping[str, Container]  # those that its status tells


class Node:
    """A part of a JSON document that knows where it stands. What is missing or null is empty; a wrong type is a ValueError."""

    def __init__(self, value: object, path: str) -> None:
        self.value = value
        self.path = path

    def __getitem__(self, key: str) -> Node:
        return Node(self._of_type(dict, "object", {}).get(key), f"{self.path}.{key}")

    def items(self) -> Iterator[Node]:
        """Give the items of a list."""
        for position, item in enumerate(self._of_type(list, "list", [])):
            yield Node(item, f"{self.path}[{position}]")

    def text(self) -> str:
        text: str = self._of_type(str, "text", "")
        return text

    def number(self) -> int | None:
        """Give a whole number that fits into Kubernetes' int32; None if there is none."""
        number: int | None = self._of_type(int, "whole number", None)
        if isinstance(number, bool) or abs(number or 0) > LARGEST_NUMBER:
            raise self._wrong("whole number of 32 bits")
        return number

    def boolean(self) -> bool | None:
        boolean: bool | None = self._of_type(bool, "boolean", None)
        return boolean

    def name(self) -> str:
        """Give the text of the key `name`: there must be one."""
        name = self["name"].text()
        if not 0 < len(name) <= LONGEST_NAME:
            raise ValueError(f"{self.path}.name is missing or too long")
        return name

    def _of_type(self, kind: type, words: str, default: object) -> Any:  # noqa: ANN401  of that type
        if self.value is None:
            return default
        if not isinstance(self.value, kind):
            raise self._wrong(words)
        return self.value

    def _wrong(self, words: str) -> ValueError:
        return ValueError(f"{self.path} is no {words}: {repr(self.value)[:60]}")


def read_pod(value: object) -> Pod:
    """Read the decoded JSON of a Pod. A ValueError says what is wrong with it; what is merely missing has Kubernetes' default."""
    pod = Node(value, "pod")
    if pod["kind"].text() not in ("", "Pod"):  # the items of a list do not say their kind
        raise ValueError(f"it is a {one_line(pod['kind'].text(), 40)}, not a Pod")
    metadata, status = pod["metadata"], pod["status"]
    uid = metadata["uid"].text()
    if not uid:
        raise ValueError("pod.metadata.uid is missing")
    specs = {item.name(): (item, kind == "initContainers") for kind in ("initContainers", "containers") for item in pod["spec"][kind].items()}
    policy = pod["spec"]["restartPolicy"].text() or ALWAYS
    deleting = metadata["deletionTimestamp"].value is not None
    containers = {}
    for kind in ("initContainerStatuses", "containerStatuses"):
        for item in status[kind].items():
            spec, init = specs.get(item.name(), (Node(None, ""), kind == "initContainerStatuses"))
            containers[item.name()] = _read_container(item, _Return(spec, policy, init=init, deleting=deleting))
    names = tuple(dict.fromkeys((*specs, *containers))) if any(pod["spec"]["containers"].items()) else ()
    return Pod(metadata.name(), uid, metadata["resourceVersion"].text(), deleting, names, containers)


def container_of(pod: Pod, name: str) -> Container:
    """Give what is known of a container; of one that the status does not tell yet, that."""
    return pod.containers.get(name, UNSEEN)


def one_line(text: str, longest: int) -> str:
    """Make text of somebody else fit for a message: printable, without newlines, cut."""
    cut = text[: longest + 1]
    line = " ".join("".join(character if character.isprintable() else " " for character in cut).split())
    return line if len(cut) <= longest else line[: longest - 1] + "…"


# ── one container ────────────────────────────────────────────────────────────────────────────────────────────────


class _Return:
    """What is known of a container's coming back."""

    def __init__(self, spec: Node, policy: str, *, init: bool, deleting: bool) -> None:
        self.own = spec["restartPolicy"].text()  # Kubernetes 1.28: Always for native sidecars; 1.34: any, for any container
        self.policy = self.own or policy
        self.rules = list(spec["restartPolicyRules"].items())
        self.init = init and self.own != ALWAYS
        self.deleting = deleting

    def after(self, code: int | None) -> bool:
        """Tell whether the kubelet starts it again after its end with `code`; None: after the end that it may have one day."""
        if self.deleting:
            return False
        if code is not None and any(_matches(rule, code) for rule in self.rules):
            return True
        if self.init:
            return code != 0 and self.policy != NEVER
        if self.policy == ON_FAILURE:
            return code != 0
        return self.policy != NEVER


def _read_container(status: Node, come: _Return) -> Container:
    """Read a ContainerStatus. `lastState` is an end before a restart, and tells nothing but the words."""
    restarts = max(0, status["restartCount"].number() or 0)
    terminated = status["state"]["terminated"]
    if terminated.value is not None:
        code = terminated["exitCode"].number()
        if code is None:
            raise ValueError(f"{terminated.path}.exitCode is missing")
        back = come.after(code)
        return Container(ended=True, exit_code=code, comes_back=back, restarts=restarts, state=_end_in_words(terminated, code, back=back))
    ready = status["ready"].boolean() or False
    started = status["started"].boolean()
    if started is None:
        started = status["state"]["running"].value is not None
    words = _life_in_words(status, ready=ready, started=started) + _past_in_words(status, restarts)
    return Container(started=started or ready, ready=ready, comes_back=come.after(None), restarts=restarts, state=words)


def _matches(rule: Node, code: int) -> bool:
    """Tell whether a rule of Kubernetes 1.34 has a container restarted after this exit code."""
    if not rule["action"].text().startswith("Restart"):
        return False
    values = [value.number() for value in rule["exitCodes"]["values"].items()]
    operator = rule["exitCodes"]["operator"].text()
    return (operator == "In" and code in values) or (operator == "NotIn" and code not in values)


def _end_in_words(terminated: Node, code: int, *, back: bool) -> str:
    """Say "exited 3 (OOMKilled)"."""
    return f"exited {code}{_why(terminated)}" + (", to be started again" if back else "")


def _life_in_words(status: Node, *, ready: bool, started: bool) -> str:
    """Say "ready", or what it still lacks."""
    if ready:
        return "ready"
    if status["state"]["running"].value is not None:
        return "running, not ready" if started else "running, but its startup probe has not succeeded yet"
    waiting = status["state"]["waiting"]
    reason = one_line(waiting["reason"].text(), LONGEST_REASON)
    message = one_line(waiting["message"].text(), LONGEST_MESSAGE)
    words = "not ready, waiting" + (f": {reason}" if reason else "")
    return words + (f" ({message})" if message else "")


def _past_in_words(status: Node, restarts: int) -> str:
    if not restarts:
        return ""
    last = status["lastState"]["terminated"]
    code = last["exitCode"].number()
    words = f", {restarts} restart{'s' if restarts > 1 else ''}"
    return words if code is None else f"{words}, exited {code}{_why(last)} before"


def _why(terminated: Node) -> str:
    """Give reason and message of an end in brackets, without what says no more than the exit code does."""
    reason = one_line(terminated["reason"].text(), LONGEST_REASON)
    message = one_line(terminated["message"].text(), LONGEST_MESSAGE)
    parts = [part for part in ("" if reason in OBVIOUS_REASONS else reason, message) if part]
    return f" ({': '.join(parts)})" if parts else ""
