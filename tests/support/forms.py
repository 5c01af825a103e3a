"""The forms that a kubexit can have: KUBEXIT_FORM chooses one, and every black-box test runs on it as it is.

KUBEXIT_BIN names another program than the one that ci/freeze made (for the source form: another import root than app/).
"""

from __future__ import annotations

import compileall
import os
import shutil
import sysconfig
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.programs import SUPPORT, program

if TYPE_CHECKING:
    from pathlib import Path

ROOT = SUPPORT.parent.parent
PYTHON = "/usr/bin/python3.11"  # Debian's, which is the one that gets frozen
FORMS = ("source", "tree", "single", "pid1")


@dataclass(frozen=True)
class Installation:
    """A kubexit and the test programs in a folder that every user may enter, as a container's image has them."""

    folder: Path
    form: str
    command: tuple[str, ...]  # how a kubexit is started
    variables: dict[str, str]  # what that needs in the environment

    @property
    def first(self) -> bool:
        """Tell whether it is to run as the first process of a pid namespace."""
        return self.form == "pid1"

    @property
    def frozen(self) -> bool:
        """Tell whether no interpreter of the system is used."""
        return self.form != "source"

    @property
    def actor(self) -> str:
        """The child of most tests (actor.c)."""
        return str(self.folder / "actor")

    @property
    def stage(self) -> str:
        """What starts a program in a chosen state (stage.c)."""
        return str(self.folder / "stage")

    @property
    def probe(self) -> str:
        """The child that says what it was given (probe.c)."""
        return str(self.folder / "probe")


def chosen_form() -> str:
    """Give the form that KUBEXIT_FORM asks for."""
    form = os.environ.get("KUBEXIT_FORM") or "source"
    if form not in FORMS:
        raise ValueError(f"KUBEXIT_FORM={form} is not known; there are {', '.join(FORMS)}")
    return form


def install(form: str, folder: Path) -> Installation:
    """Copy the chosen form and the test programs into `folder`."""
    folder.chmod(0o755)
    for source in SUPPORT.glob("*.c"):
        shutil.copy(program(source.stem), folder / source.stem)
    chosen = os.environ.get("KUBEXIT_BIN") or None
    if form == "source":
        shutil.copytree(chosen or ROOT / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        compileall.compile_dir(folder / "app", quiet=1)  # other users could not write it: each start would compile anew
        # the helper program's libraries are those that the tests have
        libraries = f"{folder / 'app'}:{sysconfig.get_paths()['purelib']}"
        return Installation(folder, form, (PYTHON, "-m", "kubexit"), {"PYTHONPATH": libraries})
    default = ROOT / "dist" / ("kubexit-tree/kubexit" if form == "tree" else "kubexit")
    made = default if chosen is None else ROOT / chosen
    if (made.parent / "lib").is_dir():
        shutil.copytree(made.parent, folder / "tree", symlinks=True)
        return Installation(folder, form, (str(folder / "tree" / made.name),), {})
    shutil.copy(made, folder / "kubexit")
    return Installation(folder, form, (str(folder / "kubexit"),), {})
