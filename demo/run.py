"""Run a client-server job under kubexit twice and show what happened: `run.py KUBEXIT`, the program to use."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import timeline
from container import Container

HERE = Path(__file__).resolve().parent


def start(kubexit: str, folder: Path, name: str, command: list[str], **settings: str) -> Container:
    """Start one container: its command under kubexit, with an environment of its own."""
    graveyard = folder / "graveyard"
    variables = {
        "KUBEXIT_NAME": name,
        "KUBEXIT_GRAVEYARD": str(graveyard),
        "KUBEXIT_INSTANT_LOGGING": "true",
        "KUBEXIT_READINESS": "graveyard",
        **settings,
    }
    print("  $", " ".join(f"{key}={value}" for key, value in {"KUBEXIT_NAME": name, **settings}.items()), "kubexit", *command[1:], flush=True)
    log = folder / f"{name}.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen([kubexit, *command], env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=stderr)
    return Container(name, process, log)


def run(kubexit: str, title: str, *, kill_after: int = 0) -> bool:
    """Run one job; with `kill_after`, kill the client and its supervisor after so many requests. Tell whether all went right."""
    print(f"\n\033[1m{title}\033[0m\n")
    folder = Path(tempfile.mkdtemp(prefix="kubexit-demo-"))
    (folder / "graveyard").mkdir()
    containers = []
    try:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        # the client first: it waits for the server, whichever is started first
        client = start(
            kubexit, folder, "client", [sys.executable, str(HERE / "client.py"), port, "0" if kill_after else "5"], KUBEXIT_BIRTH_DEPS="server"
        )
        containers.append(client)
        server = start(kubexit, folder, "server", [sys.executable, str(HERE / "server.py"), port], KUBEXIT_DEATH_DEPS="client")
        containers.append(server)
        print()
        killed = follow(client, kill_after)
        client.wait()
        server.wait()  # nobody stopped it but kubexit
        timeline.show([client, server], folder / "graveyard", killed)
        return verdict(client, server, killed=killed is not None)
    finally:
        for container in containers:
            if container.process.poll() is None:
                container.process.kill()
                container.process.wait()
        shutil.rmtree(folder)


def follow(client: Container, kill_after: int) -> float | None:
    """Print what the client prints; after `kill_after` lines kill it with its supervisor and give the time of that."""
    stdout = client.process.stdout
    assert stdout is not None  # noqa: S101  it was asked for as a pipe
    for number, line in enumerate(stdout, 1):
        print("  client |", line.decode().rstrip(), flush=True)
        if number == kill_after:
            supervisor = client.process.pid
            child = int(Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()[0])
            now = time.time()
            os.kill(supervisor, signal.SIGKILL)
            os.kill(child, signal.SIGKILL)
            print("  \033[31mSIGKILL to the client and to its kubexit, as the OOM killer does\033[0m", flush=True)
            return now
    return None


def verdict(client: Container, server: Container, *, killed: bool) -> bool:
    """Say what the exit codes mean, and whether they are the right ones."""
    wanted = (-signal.SIGKILL, 128 + signal.SIGTERM) if killed else (0, 0)
    meaning = (
        "the client failed, so the server's 143 is not hidden: a Job with restartPolicy OnFailure restarts both"
        if killed
        else "the client succeeded and the server did what it was told (SIGTERM): it counts as a success, and the Job is complete"
    )
    right = (client.code, server.code) == wanted
    codes = f"client {timeline.exit_text(client.code)}, server {timeline.exit_text(server.code)}"
    print(f"\n  exit codes: {codes}: {meaning if right else f'WRONG, expected {wanted}'}")
    return right


def main() -> int:
    """Run both jobs; the exit status tells whether both went right."""
    kubexit = sys.argv[1]
    good = run(kubexit, "1. A job whose client ends well: the server is stopped after it")
    good &= run(
        kubexit, "2. The same, but client and supervisor are SIGKILLed: nothing was written, the server is stopped all the same", kill_after=3
    )
    print("\nBoth jobs ended as they should: no container was left hanging.\n" if good else "\nSomething is wrong, see above.\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
