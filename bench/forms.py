"""What is measured: kubexit in its three forms, the interpreter's floor, and Debian's small inits."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".cache" / "bench"
CHILD = WORK / "child"
PYTHON = "/usr/bin/python3.11"

# What any Python program that starts a child and waits for it has to pay, with nothing of kubexit in it.
FLOOR_SCRIPT = """\
import os, sys
os.waitpid(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
"""


@dataclasses.dataclass(frozen=True)
class Form:
    """One program that starts a child and waits for it: `prefix` is what stands before the child's command line."""

    name: str
    prefix: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()
    file: Path | None = None  # what has to be shipped: a file, or a folder
    is_kubexit: bool = False  # knows the graveyard: tells and is told

    @property
    def is_shipped(self) -> bool:
        """Tell whether it is a kubexit with all that it needs, the helper program too."""
        return self.is_kubexit and self.file is not None

    def command(self, role: str) -> list[str]:
        """Give the command line that runs bench/child.c in this role."""
        return [*self.prefix, str(CHILD), role]


FLOOR = Form("floor (python3.11 -I -S)", (PYTHON, "-I", "-S", "-c", FLOOR_SCRIPT))
TREE = Form("tree", (str(ROOT / "dist/kubexit-tree/kubexit"),), file=ROOT / "dist/kubexit-tree", is_kubexit=True)
SINGLE_FILE = Form("single file", (str(ROOT / "dist/kubexit"),), file=ROOT / "dist/kubexit", is_kubexit=True)
SOURCE = Form(
    "source",
    (PYTHON, "-m", "kubexit"),
    # compiled modules have to be there, as they are where a package is installed, but not in the work tree
    (("PYTHONPATH", str(ROOT / "app")), ("PYTHONPYCACHEPREFIX", str(WORK / "pycache"))),
    is_kubexit=True,
)
INITS = (
    Form("tini", ("/usr/bin/tini", "-s", "--"), file=Path("/usr/bin/tini")),  # -s: reaps orphans, as kubexit does
    Form("dumb-init", ("/usr/bin/dumb-init",), file=Path("/usr/bin/dumb-init")),
    Form("catatonit", ("/usr/bin/catatonit", "--"), file=Path("/usr/bin/catatonit")),
)


def present_forms() -> list[Form]:
    """Give all that can be measured here, the floor first."""
    return [form for form in (FLOOR, TREE, SINGLE_FILE, SOURCE, *INITS) if os.access(form.prefix[0], os.X_OK)]


def size_in_bytes(path: Path) -> int:
    """Give the size of a file, or of all files under a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(found.lstat().st_size for found in path.rglob("*") if not found.is_dir())
