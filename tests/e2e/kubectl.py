"""The cluster, by way of kubectl: KUBECTL names another one than that of PATH."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEADLINE = float(os.environ.get("KUBEXIT_TEST_DEADLINE") or 90)  # seconds: far more than a cluster takes for anything that is waited for here


class KubectlError(AssertionError):
    """kubectl did not do what it was asked for."""


class Kubectl:
    """Starts kubectl in a namespace."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._started: list[subprocess.Popen[bytes]] = []
        self._command = [os.environ.get("KUBECTL") or "kubectl", "--namespace", namespace]

    def run(self, *words: str, given: str = "") -> str:
        """Run a command to its end and give what it says. A KubectlError if it fails, or takes longer than DEADLINE."""
        try:
            done = subprocess.run([*self._command, *words], input=given, capture_output=True, text=True, timeout=DEADLINE, check=False)
        except subprocess.TimeoutExpired as error:
            raise KubectlError(f"kubectl {' '.join(words)}: not done within {DEADLINE:g} s") from error
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(words)}: exited {done.returncode}: {done.stderr}")
        return done.stdout

    def get(self, path: str, **query: str) -> str:
        """Ask the API server for a path below the namespace's part of the core API."""
        return self.run("get", "--raw", self._url("/api/v1", path, query))

    def watch(self, group: str, resource: str) -> subprocess.Popen[bytes]:
        """Start to read all events of a resource, one JSON object a line; what is there already comes first."""
        return self.start("get", "--raw", self._url(group, resource, {"watch": "true"}))

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command whose output is read as it comes. What it complains of comes with it."""
        process = subprocess.Popen([*self._command, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._started.append(process)
        return process

    def close(self) -> None:
        """End all that was started and still runs."""
        for process in self._started:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def _url(self, group: str, path: str, query: Mapping[str, str]) -> str:
        words = "&".join(f"{name}={value}" for name, value in query.items())
        return f"{group}/namespaces/{self.namespace}/{path}" + (f"?{words}" if words else "")
