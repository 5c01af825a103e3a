"""What the single file has unpacked: removed while it is in use, so that nothing of it is left in any folder, however the process ends."""

from __future__ import annotations

import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping

MASK = "_KUBEXIT_MASK"  # set by build/start.c in every frozen form
MEMFDS = "_KUBEXIT_MEMFDS"  # descriptors that hold an unpacked bundle which could not stay in a directory, a comma after each
BUNDLE = "STATICX_BUNDLE_DIR"  # where the single file unpacked itself
PRIVATE = ("_KUBEXIT_", "_PYI_", "STATICX_")  # beginnings of the names of all variables of ours and of what we are frozen with


def forget(directory: bytes, memfds: bytes) -> None:
    """Remove the unpacked bundle of this very process. From here on nothing can be imported but built-in modules and embedded ones."""
    # without it, a module that was not collected is an ordinary ImportError, and no search in a folder that is gone
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "PathFinder"]
    remove(directory)
    for fd in memfds.split(b",")[:-1]:
        posix.close(int(fd))


def forget_own_bundle(environment: MutableMapping[str, str]) -> None:
    """Do that for the helper program, which is given `os.environ`; in other forms than the single file there is nothing to remove.

    Our variables are taken off the environment. Must come when all is imported that lies in a file of its own.
    """
    directory, memfds = environment.get(BUNDLE, ""), environment.get(MEMFDS, "")
    frozen = MASK in environment
    for name in [name for name in environment if name.startswith(PRIVATE)]:
        del environment[name]
    if frozen and directory:
        forget(directory.encode("utf-8", "surrogateescape"), memfds.encode())


def remove(directory: bytes) -> None:
    """Remove a bundle's folder with the files in it, and nothing else: somebody may have put a link in its place."""
    fd = posix.open(directory, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_NOFOLLOW | posix.O_CLOEXEC)
    try:
        for name in posix.listdir(fd):
            posix.unlink(name, dir_fd=fd)
    finally:
        posix.close(fd)
    posix.rmdir(directory)
