"""Facts about processes, from /proc, and their ends, from pidfds."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from support.lines import DEADLINE, NotSeenError, wait_readable

if TYPE_CHECKING:
    from collections.abc import Callable

PROC = Path("/proc")


def status(pid: int) -> dict[str, str]:
    """Give the fields of /proc/PID/status."""
    lines = (PROC / str(pid) / "status").read_text(errors="surrogateescape").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def state(pid: int) -> str:
    """Give the letter of its state: R, S, T (stopped), Z (zombie)... and X once it is gone."""
    try:
        return status(pid)["State"][0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def pids() -> list[int]:
    """Give all processes there are."""
    return [int(entry) for entry in os.listdir(PROC) if entry.isdigit()]  # noqa: PTH208  names are what is wanted


def children(pid: int) -> list[int]:
    """Give the children of a process, zombies included."""
    return [other for other in pids() if parent(other) == pid]


def parent(pid: int) -> int:
    """Give the parent's pid; 0 if there is no such process."""
    try:
        return int(status(pid)["PPid"])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def outside_pid(inside: int, member: int) -> int:
    """Give the pid by which we know the process that is called `inside` in the pid namespace of `member`."""
    namespace = _namespace(member)
    for pid in pids():
        try:
            if status(pid)["NSpid"].split()[-1] == str(inside) and _namespace(pid) == namespace:
                return pid
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    raise NotSeenError(f"no process {inside} in the pid namespace of {member}")


def _namespace(pid: int) -> str:
    return os.readlink(PROC / str(pid) / "ns" / "pid")  # noqa: PTH115  the text of the link is what is wanted


def with_in_environment(marker: str) -> list[int]:
    """Give the processes that have `marker` in their environment, but not this one."""
    found = []
    for pid in pids():
        try:
            if pid != os.getpid() and marker.encode() in (PROC / str(pid) / "environ").read_bytes():
                found.append(pid)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def describe(pid: int) -> str:
    """Give its state and command line for a message."""
    try:
        return f"{pid} ({state(pid)}) {(PROC / str(pid) / 'cmdline').read_bytes()!r}"
    except (FileNotFoundError, ProcessLookupError):
        return f"{pid} (gone)"


def deadline() -> float:
    """Give the time of the monotonic clock at which a wait that begins now has failed."""
    return time.monotonic() + DEADLINE


def wait_gone(pid: int, until: float | None = None) -> None:
    """Wait until a process has ended (a zombie has)."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        wait_readable(fd, until or deadline(), f"the end of process {describe(pid)}")
    finally:
        os.close(fd)


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Wait for a fact that the kernel announces to nobody, such as a state in /proc, by looking at it over and over."""
    until = deadline()
    while not true():
        if time.monotonic() > until:
            raise NotSeenError(f"{what}: not seen within {DEADLINE:g} s")
        os.sched_yield()


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def kill(pid: int) -> None:
    """SIGKILL a process that may be gone already."""
    send(pid, signal.SIGKILL)


def open_files(pid: int) -> str:
    """Give the paths of all files that a process has open, one a line."""
    try:
        return "\n".join(os.readlink(entry) for entry in (PROC / str(pid) / "fd").iterdir())  # noqa: PTH115
    except (FileNotFoundError, ProcessLookupError):
        return ""


def group(pid: int) -> int:
    """Give the process group, as we number it."""
    return os.getpgid(pid)


def send_group(group: int, number: int) -> None:
    """Send a signal to all of a process group, as a terminal or a shell does."""
    os.killpg(group, number)


def resident_kilobytes(pid: int) -> int:
    """Give the memory that a process has in RAM."""
    return int(status(pid)["VmRSS"].split()[0])


def waits_in(pid: int) -> str:
    """Give the kernel function that a process sleeps in."""
    return read(f"/proc/{pid}/wchan")


def read(path: str) -> str:
    """Give the text of a file of /proc; nothing if the process is gone."""
    try:
        return Path(path).read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def own_pid() -> int:
    """Give the pid of the test run: something that no other run has."""
    return os.getpid()


def switches(pid: int) -> int:
    """Count how often a process has run, and stopped to wait or was made to."""
    facts = status(pid)
    return int(facts["voluntary_ctxt_switches"]) + int(facts["nonvoluntary_ctxt_switches"])


def waits_for_signals(pid: int) -> bool:
    """Tell whether an actor has come to the end of its commands: it sleeps, and has a signalfd."""
    return "signalfd" in open_files(pid) and state(pid) == "S"
