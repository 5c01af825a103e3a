"""Starts of children, as a supervisor starts its own."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kubexit.linux import signals
from kubexit.linux.handover import SOURCE, Start
from kubexit.linux.process import Child, Command
from linux.forks import in_a_process, wait_readable

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = [b"PATH=/usr/bin:/bin"]
PYTHON = f"{sys.base_prefix}/bin/python3.11".encode()


def start(environment: list[bytes] | None = None, mask: int = 0, ignored: int = 0) -> Start:
    """Give a start like this."""
    return Start(b"kubexit", ENVIRONMENT if environment is None else environment, mask, ignored, SOURCE)


@in_a_process
def run(arguments: list[bytes], start: Start, folder: Path | None = None) -> tuple[int, int, bytes]:
    """Give the errno of the start (0: it started), the exit code and what was written to standard output."""
    if folder:
        os.chdir(folder)
    signals.block_all()
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(writer)
    child = Child(Command(arguments, start.environment), start, lead_group=False)
    os.dup2(2, 1)
    wait_readable(child.started.fd, "the start")
    error = child.start_error()
    child.started.close()
    output = b""
    while part := os.read(reader, 65536):
        output += part
    assert error is not None
    return error, os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1]), output
