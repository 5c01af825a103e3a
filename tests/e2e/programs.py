"""The C program of these tests, made once like those of tests/support."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from support.programs import CACHE, COMPILE, SUPPORT

SOURCE = Path(__file__).resolve().parent / "puppet.c"


def puppet() -> Path:
    """Give the static program made from puppet.c."""
    command = [*COMPILE, "-I", str(SUPPORT)]
    parts = [" ".join(COMPILE).encode(), SOURCE.read_bytes(), (SUPPORT / "signals.h").read_bytes()]
    made = CACHE / f"puppet-{hashlib.sha256(b''.join(parts)).hexdigest()[:16]}"
    if not made.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:  # renamed into place: two test runs may find it missing at the same time
            subprocess.run([*command, str(SOURCE), "-o", f"{folder}/program"], check=True)
            os.replace(f"{folder}/program", made)  # noqa: PTH105  a rename is what is meant
    return made
