"""Processes of the tests' own: what changes a whole process (mask, dispositions, descriptors 0 to 2, locks) happens in one that ends."""

from __future__ import annotations

import ctypes
import fcntl
import functools
import os
import pickle
import select
import signal
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

DEADLINE = 30.0  # seconds: far more than anything here takes
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
SYS_RT_SIGPROCMASK = {"x86_64": 14}.get(os.uname().machine, 135)
SIG_SETMASK = 2


def descriptors() -> dict[int, str]:
    """Give what is open in this process."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found[int(entry.name)] = str(entry.readlink())
        except FileNotFoundError:  # the one that lists this very folder
            continue
    return found


def in_a_process(body: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Run a function (a whole test, as a decorator) in a forked process; what it gives or raises comes back."""

    @functools.wraps(body)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        result: Result = Process(functools.partial(body, *args, **kwargs)).result()
        return result

    return run


class Process:
    """A forked process that runs a function. It talks to us through `say` and `hear` of its Talk, and dies with us."""

    def __init__(self, body: Callable[..., Any], *, talks: bool = False) -> None:
        ours, theirs = Talk.pair()
        parent = os.getpid()
        self.talk = ours
        self._status: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _live(body, ours, theirs, parent, talks=talks)
        theirs.close()

    def result(self) -> Any:
        """Wait for its end; give what its function gave, or fail as it failed."""
        try:
            good, value = self.talk.hear()
        finally:
            self.end()
        assert good, f"in a process of its own:\n{value}"
        return value

    def kill(self) -> None:
        """SIGKILL, and wait."""
        self.end(signal.SIGKILL)

    def end(self, number: int = 0) -> int:
        """Send a signal, if any, wait for the end, and give the wait status."""
        if self._status is None:
            if number:
                os.kill(self.pid, number)
            wait_for_end_of(self.pid)
            _, self._status = os.waitpid(self.pid, 0)
            self.talk.close()
        return self._status


def _live(body: Callable[..., Any], ours: Talk, theirs: Talk, parent: int, *, talks: bool) -> None:
    code = 1
    try:
        ours.close()
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:
            value = body(theirs) if talks else body()
            theirs.say((True, value))
            code = 0
    except BaseException:  # noqa: BLE001  pytest's own failures, too
        theirs.say((False, traceback.format_exc()))
    finally:
        os._exit(code)


class Talk:
    """One end of a line between two processes."""

    def __init__(self, reader: int, writer: int) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    def pair(cls) -> tuple[Talk, Talk]:
        """Give both ends, high up, so that the numbers 0 to 9 are free for what is tested."""
        ends = [_high(fd) for fd in (*os.pipe(), *os.pipe())]
        return cls(ends[0], ends[3]), cls(ends[2], ends[1])

    def say(self, value: object = None) -> None:
        """Send a value."""
        data = pickle.dumps(value)
        os.write(self.writer, len(data).to_bytes(8, "big") + data)

    def hear(self) -> Any:
        """Wait for a value."""
        length = int.from_bytes(self._read(8), "big")
        return pickle.loads(self._read(length))  # noqa: S301  our own process wrote it

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            wait_readable(self.reader, "an answer")
            part = os.read(self.reader, length - len(data))
            assert part, "the other process ended without an answer"
            data += part
        return data

    def close(self) -> None:
        """Close this end."""
        os.close(self.reader)
        os.close(self.writer)


def wait_for_end_of(pid: int) -> None:
    """Wait for the end of a process that need not be our child. It must be alive, or a zombie, now."""
    fd = os.pidfd_open(pid)
    try:
        wait_readable(fd, f"the end of process {pid}")
    finally:
        os.close(fd)


def wait_readable(fd: int, what: str) -> None:
    """Wait until there is something to read; fail after the deadline."""
    assert select.select([fd], [], [], DEADLINE)[0], f"waited in vain for {what}"


def _high(fd: int) -> int:
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100)
    os.close(fd)
    return high


def set_mask(mask: int) -> None:
    """Set the signal mask by the kernel's own call: bit n-1 is signal n."""
    new = ctypes.c_uint64(mask)
    assert LIBC.syscall(SYS_RT_SIGPROCMASK, SIG_SETMASK, ctypes.byref(new), None, 8) == 0


def status(pid: int | str = "self") -> dict[str, str]:
    """Give the fields of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def mask_of(pid: int | str = "self") -> int:
    """Give the blocked signals."""
    return int(status(pid)["SigBlk"], 16)


def bits(*numbers: int) -> int:
    """Give the set of these signals."""
    return sum(1 << number - 1 for number in numbers)


def call(name: str, *arguments: Any) -> int:
    """Call the C library; fail if it does."""
    result: int = getattr(LIBC, name)(*arguments)
    assert result >= 0, f"{name}: {os.strerror(ctypes.get_errno())}"
    return result


def become(user: int, path: Path) -> None:
    """Be another user from now on, who may come as far as `path`'s folder. For a process of the test's own."""
    for parent in path.parents[:-1]:
        if not parent.stat().st_mode & 1:
            parent.chmod(parent.stat().st_mode | 0o5)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
