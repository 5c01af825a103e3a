"""Standard error as runtimes hand it over, and lines for it."""

from __future__ import annotations

import os
import select
import signal
import socket
from pathlib import Path

from kubexit.linux import stderr
from kubexit.linux.stderr import StandardError

WAYS = ["opened anew", "of another user"]


def standard_error_is(fd: int, *, way: str = WAYS[0]) -> StandardError:
    """Let a descriptor be standard error, as a runtime hands it to us. For a process of the test's own."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os.dup2(fd, 2)
    os.close(fd)
    if way != WAYS[0]:
        before, stderr.OPEN_ANEW = stderr.OPEN_ANEW, os.O_RDONLY | os.O_DIRECTORY  # refused, whatever it is
        output = StandardError(closed=False)
        stderr.OPEN_ANEW = before
        return output
    return StandardError(closed=False)


def line(number: int, length: int = 100) -> bytes:
    """Give a line that can be told from others."""
    return (b"%06d " % number).ljust(length - 1, b"abcdefghij"[number % 10 : number % 10 + 1]) + b"\n"


def read_all(fd: int) -> bytes:
    """Read what is there now."""
    data = b""
    while select.select([fd], [], [], 0)[0] and (part := os.read(fd, 1 << 20)):
        data += part
    return data


def fill(fd: int) -> int:
    """Fill a pipe or socket to the last byte that it takes; give how many it took. Its flags are as before."""
    other = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK) if not socket_like(fd) else fd
    filled = 0
    for size in (4096, 1):
        while True:
            try:
                filled += os.write(other, b"." * size) if other != fd else socket.socket(fileno=os.dup(fd)).send(b"." * size, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
    if other != fd:
        os.close(other)
    return filled


def socket_like(fd: int) -> bool:
    return str(Path(f"/proc/self/fd/{fd}").readlink()).startswith("socket:")
