"""Pods as an API server of version 1.34 tells them, for the tests of what reads them."""

from __future__ import annotations

from typing import Any

POD, UID = "web-0", "0f6a1c5e-3c4e-4c8e-9d6f-0d9b8c1f2a3b"
RUNNING = {"running": {"startedAt": "2026-11-20T03:12:18Z"}}


def status_of(name: str, state: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Give the status of a container. Without a state it is one that has not been looked at."""
    return {"name": name, "image": "i", "imageID": "", "lastState": {}, "ready": False, "restartCount": 0, "state": state or {}, **more}


def ended(code: int, reason: str = "Error", **more: Any) -> dict[str, Any]:
    """Give the state of a container that has ended."""
    return {"terminated": {"exitCode": code, "reason": reason, "startedAt": "2026-11-20T03:12:18Z", **more}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    """Give the state of a container that does not run yet, or not again."""
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


def spec_of(name: str, **more: Any) -> dict[str, Any]:
    """Give the specification of a container."""
    return {"name": name, "image": "i", **more}


def pod_of(*statuses: dict[str, Any], init: tuple[dict[str, Any], ...] = (), version: str = "7", **spec: Any) -> dict[str, Any]:
    """Give a pod with these statuses of containers; its specification names them all unless `spec` says otherwise."""
    spec.setdefault("containers", [spec_of(status["name"]) for status in statuses])
    if init:
        spec.setdefault("initContainers", [spec_of(status["name"]) for status in init])
    status = {"phase": "Running", "containerStatuses": list(statuses)} | ({"initContainerStatuses": list(init)} if init else {})
    metadata = {"name": POD, "namespace": "shop", "uid": UID, "resourceVersion": version}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}
