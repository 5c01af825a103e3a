"""The controlling terminal's foreground process group: whom Ctrl-C and Ctrl-Z reach (tcgetpgrp(3))."""

from __future__ import annotations

import posix


def controlling_descriptor() -> int | None:
    """Give a standard descriptor that is our controlling terminal; None if there is none."""
    return next((fd for fd in (0, 1, 2) if foreground_group(fd)), None)


def leads_session() -> bool:
    """Tell whether no shell in our session can be above us, as under `docker run -it`."""
    return posix.getsid(0) == posix.getpid()


def is_there() -> bool:
    """Tell whether we have a controlling terminal, on a standard descriptor or not."""
    if controlling_descriptor() is not None:
        return True
    try:
        posix.close(posix.open("/dev/tty", posix.O_RDWR | posix.O_NOCTTY | posix.O_CLOEXEC))
    except OSError:
        return False
    return True


def foreground_group(fd: int) -> int:
    """Give the foreground process group of our controlling terminal; 0 if `fd` is none."""
    try:
        return posix.tcgetpgrp(fd)
    except OSError:
        return 0


def is_foreground(fd: int) -> bool:
    """Tell whether our own process group is in the foreground."""
    return foreground_group(fd) == posix.getpgrp()


def set_foreground(fd: int, group: int) -> None:
    """Put a process group into the foreground. SIGTTOU must be blocked: it would stop a background process that tries."""
    try:
        posix.tcsetpgrp(fd, group)
    except OSError:  # the group has ended, or the terminal has hung up: nobody to serve
        pass
