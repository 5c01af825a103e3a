"""Where and with what it was measured."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.forms import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.forms import Form

PACKAGES = ("python3.11", "tini", "dumb-init", "catatonit")


def describe(forms: Sequence[Form], rounds: int) -> str:
    """Give the machine, the day, the versions and the commit in a few lines."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    packages = _output("dpkg-query", "-W", "-f", "${Package} ${Version}, ", *PACKAGES).rstrip(", ")
    system = f"Linux {platform.release()}, {platform.freedesktop_os_release()['PRETTY_NAME']}"
    graveyards = f"graveyards on {_output('df', '--output=fstype', tempfile.gettempdir()).splitlines()[-1]}"
    kubexits = [_output(*form.prefix, "--version", variables=form.variables) for form in forms if form.is_kubexit]
    commit = _output("git", "-C", str(ROOT), "describe", "--always", "--dirty") or "unknown"
    return "\n".join(
        (
            f"- {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}, {rounds} rounds",
            f"- {_cpu_model()}, {os.cpu_count()} cores, {memory:.0f} GiB; {system}; {graveyards}",
            f"- {packages}",
            f"- {'; '.join(kubexits)}; work tree: {commit}",
        )
    )


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _output(*command: str, variables: Sequence[tuple[str, str]] = ()) -> str:
    """Give what a command prints, nothing if there is no such command."""
    try:
        done = subprocess.run(  # noqa: S603  the commands are those above
            command, env={**os.environ, **dict(variables)}, capture_output=True, text=True, timeout=60, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
