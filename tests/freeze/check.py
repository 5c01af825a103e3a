"""check.py DIST: does what ci/freeze made in DIST keep its promises? Needs root, for the namespaces.

Each start happens in an empty root: both forms, a test program, and the mounts that the case names; nothing else is there to lean on.
The test program (support/probe.c) tells what it was given, and that must be what it is given without us. Status 1: a promise is broken.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from freeze import helper_promises, install_promises
from freeze.promises import PROMISES
from freeze.root import BrokenPromiseError, Root

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def empty_root(dist: Path) -> Iterator[Root]:
    """Give a root with both forms in it, in a folder that every user may enter."""
    with tempfile.TemporaryDirectory(prefix="kubexit-freeze-") as folder:
        yield Root(Path(folder), dist)


def main() -> int:
    """Check all promises, in a mount namespace that takes the mounts away with it."""
    if len(sys.argv) == 2:
        if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
            sys.stderr.write("check.py: this needs root with CAP_SYS_ADMIN, for mounts; in a container that is --privileged\n")
            return 1
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-B", __file__, sys.argv[1], "inside"])  # noqa: S606
    broken = 0
    helper_promises.add()
    install_promises.add()
    with empty_root(Path(sys.argv[1]).resolve()) as root:
        for promise in PROMISES:
            try:
                promise(root)
            except (BrokenPromiseError, subprocess.TimeoutExpired) as error:
                broken += 1
                sys.stdout.write(f"        BROKEN  {promise.__doc__}\n{error}\n")
            else:
                sys.stdout.write(f"        ok      {promise.__doc__}\n")
            sys.stdout.flush()
    return 1 if broken else 0


sys.exit(main())
