"""Pods as a kube-apiserver tells them. The shapes were taken from one (v1.34) with a kubelet at work."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
TIME = "2026-11-21T04:09:38Z"
OURS = "client server"  # the containers of most tests
IMAGE = "docker.io/library/busybox:1"


@dataclass(frozen=True)
class Status:
    """A container at one instant, as a ContainerStatus has it."""

    state: Object
    ready: bool = False
    started: bool = False
    restarts: int = 0
    last: Object = field(default_factory=dict)

    def again(self, restarts: int = 1, code: int = 1) -> Status:
        """Give the same after restarts, the last of which followed an end with this code."""
        return Status(self.state, self.ready, self.started, restarts, _end(code))


def _end(code: int) -> Object:
    reason = "Completed" if code == 0 else "Error"
    return {"terminated": {"exitCode": code, "reason": reason, "startedAt": TIME, "finishedAt": TIME, "containerID": f"containerd://{'3a' * 32}"}}


def waiting(reason: str = "ContainerCreating", message: str = "") -> Status:
    """Give the status of one that does not run yet, or not again."""
    return Status({"waiting": {"reason": reason} | ({"message": message} if message else {})})


def ended(code: int = 0) -> Status:
    """Give the status of one that has ended, and does not run again yet."""
    return Status(_end(code))


RUNNING = Status({"running": {"startedAt": TIME}}, started=True)  # its readiness probe has not succeeded
STARTING = Status({"running": {"startedAt": TIME}})  # its startup probe has not succeeded
READY = Status({"running": {"startedAt": TIME}}, started=True, ready=True)
CREATING = waiting()


class Pod:
    """A pod of our own making: what is set here is what the next `json` tells. Lists of containers are words."""

    def __init__(self, name: str = "shop-0", containers: str = OURS, *, sidecars: str = "", inits: str = "", policy: str = "Always") -> None:
        self.name, self.namespace, self.uid = name, "shop", str(uuid.uuid4())
        self.containers, self.sidecars, self.inits = containers.split(), sidecars.split(), inits.split()
        self.policy = policy
        self.statuses: dict[str, Status] = {}  # by name of container; none: as the API server has it before the kubelet has said anything
        self.being_deleted = False
        self.annotations: dict[str, str] = {}

    def json(self, version: int) -> Object:
        """Give the object of this resourceVersion."""
        metadata = {
            "name": self.name,
            "namespace": self.namespace,
            "uid": self.uid,
            "resourceVersion": str(version),
            "generation": 2 if self.being_deleted else 1,
            "creationTimestamp": TIME,
            **({"deletionTimestamp": TIME, "deletionGracePeriodSeconds": 30} if self.being_deleted else {}),
            "labels": {"app": "shop"},
            **({"annotations": self.annotations} if self.annotations else {}),
            "managedFields": [{"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": TIME, "subresource": "status"}],
        }
        return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": self._spec(), "status": self._status()}

    def _spec(self) -> Object:
        first = [_container(name) for name in self.inits] + [{**_container(name), "restartPolicy": "Always"} for name in self.sidecars]
        return {
            **({"initContainers": first} if first else {}),
            "containers": [_container(name) for name in self.containers],
            "restartPolicy": self.policy,
            "terminationGracePeriodSeconds": 30,
            "serviceAccountName": "default",
            "nodeName": "node",
        }

    def _status(self) -> Object:
        if not self.statuses:
            return {"phase": "Pending", "qosClass": "BestEffort"}
        status: Object = {"observedGeneration": 1, "phase": self._phase(), "startTime": TIME, "podIP": "10.244.0.3", "qosClass": "BestEffort"}
        first = [name for name in [*self.inits, *self.sidecars] if name in self.statuses]
        if first:
            status["initContainerStatuses"] = [self._container_status(name) for name in first]
        status["containerStatuses"] = [self._container_status(name) for name in sorted(self.containers) if name in self.statuses]
        return status

    def _phase(self) -> str:
        states = [self.statuses.get(name, CREATING) for name in self.containers]
        if any("waiting" in status.state and not status.last for status in states):
            return "Pending"
        codes = [status.state.get("terminated", {}).get("exitCode") for status in states]
        if self.policy == "Always" or None in codes or (self.policy == "OnFailure" and any(codes)):
            return "Running"
        return "Failed" if any(codes) else "Succeeded"

    def _container_status(self, name: str) -> Object:
        status = self.statuses[name]
        # the kubelet calls an init container ready once it has succeeded
        succeeded = name in self.inits and status.state.get("terminated", {}).get("exitCode") == 0
        return {
            "name": name,
            "state": status.state,
            "lastState": status.last,
            "ready": status.ready or succeeded,
            "restartCount": status.restarts,
            "image": IMAGE,
            "imageID": f"sha256:{'37' * 32}",
            "started": status.started,
            "resources": {},
        }


def _container(name: str) -> Object:
    return {
        "name": name,
        "image": "busybox:1",
        "resources": {},
        "volumeMounts": [{"name": "kube-api-access-dr6rk", "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }
