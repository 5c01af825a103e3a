"""The C programs of the tests: made once, kept under a name that says which source they were made of."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

SUPPORT = Path(__file__).resolve().parent
CACHE = SUPPORT.parent.parent / ".cache" / "test-programs"
COMPILE = ["musl-gcc", "-static", "-O1", "-s", "-Wall", "-Wextra", "-Werror"]


def program(name: str) -> Path:
    """Give the static program made from support/NAME.c. It needs no library, so it runs in an empty root too."""
    source = SUPPORT / f"{name}.c"
    parts = [" ".join(COMPILE).encode(), source.read_bytes(), *(header.read_bytes() for header in sorted(SUPPORT.glob("*.h")))]
    made = CACHE / f"{name}-{hashlib.sha256(b''.join(parts)).hexdigest()[:16]}"
    if not made.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        # renamed into place: two test runs may find it missing at the same time
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            subprocess.run([*COMPILE, str(source), "-o", f"{folder}/program"], check=True)
            os.replace(f"{folder}/program", made)  # noqa: PTH105  a rename is what is meant
    return made


if __name__ == "__main__":
    for each in SUPPORT.glob("*.c"):
        program(each.stem)
