"""The container's memory cgroup: whether the kernel's OOM killer was at work."""

from __future__ import annotations

import posix

V2 = b"/sys/fs/cgroup%s/memory.events"
V1 = b"/sys/fs/cgroup/memory%s/memory.oom_control"


def oom_kills() -> int:
    """Give how many processes of our memory cgroup the OOM killer has killed; 0 where that cannot be known."""
    for line in _read(b"/proc/self/cgroup").splitlines():  # "0::/path" (v2), "4:memory:/path" (v1)
        _, _, rest = line.partition(b":")
        controllers, _, path = rest.partition(b":")
        if b"memory" in controllers.split(b","):
            return _counter(V1, path)
    return _counter(V2, _unified_path())


def _unified_path() -> bytes:
    lines = _read(b"/proc/self/cgroup").splitlines()
    return next((line[3:] for line in lines if line.startswith(b"0::")), b"")


def _counter(pattern: bytes, path: bytes) -> int:
    """Read the line `oom_kill N` of the file; a container without a cgroup namespace sees its own cgroup at the mount's top."""
    for place in (path.rstrip(b"/"), b""):
        for line in _read(pattern % place).splitlines():
            name, _, number = line.partition(b" ")
            if name == b"oom_kill":
                return int(number)
    return 0


def _read(path: bytes) -> bytes:
    try:
        fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return posix.read(fd, 65_536)
    except OSError:
        return b""
    finally:
        posix.close(fd)
