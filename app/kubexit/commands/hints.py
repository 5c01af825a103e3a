"""What somebody can do about a file that cannot be written."""

from __future__ import annotations

import posix
from errno import EACCES, EDQUOT, EFBIG, ENOENT, ENOSPC, EPERM, EROFS

ROOM = "make room there, or give the volume more"
HINTS = {
    ENOSPC: ROOM,
    EDQUOT: ROOM,
    EFBIG: "raise the limit of the size of files (ulimit -f)",
    EROFS: "mount a volume there that this container may write to",
    ENOENT: "give a path whose folder is there",
}


def explain(error: OSError) -> str:
    """Give the words of the system, and what to do about it where that is known."""
    hint = HINTS.get(error.errno or 0, "")
    if error.errno in (EACCES, EPERM):
        hint = f"user {posix.geteuid()} needs the right to do it (runAsUser, fsGroup)"
    return f"{error.strerror}{hint and '; '}{hint}"


def shown(path: bytes) -> str:
    """Give a path as text for people."""
    return path.decode("utf-8", "replace")
