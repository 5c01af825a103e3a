"""What can be installed: a tree, and a single file with the same tree in it, both small. What build/pack.py makes is looked at by tests/freeze."""

from __future__ import annotations

import io
import os
import stat
import struct
import tarfile
from typing import TYPE_CHECKING

import pytest

from kubexit.commands.install import NotInstalledError, install
from kubexit.linux.handover import SINGLE_FILE, TREE, Start

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = {
    "kubexit": b"light" * 3000,
    "ld-linux-test.so.2": b"loader" * 100,
    "libc.so.6": b"C" * 5000,
    "kubexit-helper": b"heavy" * 9000,
    "empty": b"",
}
TREES_FILES = {"kubexit": b"launcher" * 50} | {f"lib/{name}": content for name, content in LIBRARY.items()}
SIZE = sum(len(content) for content in TREES_FILES.values())
FOLDER = ".kubexit-0.1.0-unknown"  # that of the version: conftest.py says which one it is
MEMBERS = {"ld-linux-test.so.2": "both/.staticx.interp", "libc.so.6": "both/libc.so.6", "kubexit-helper": "helper/kubexit-helper"}


def tree(folder: Path) -> Start:
    """Make the tree, and give the start of a kubexit that runs there."""
    for name, content in TREES_FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return Start(b"/usr/bin/kubexit", [], 0, 0, TREE, os.fsencode(folder / "lib" / "kubexit"))


def single(path: Path) -> Start:
    """Make the single file, and give its start."""
    path.write_bytes(_elf(_archive()))
    return Start(b"/usr/bin/kubexit", [], 0, 0, SINGLE_FILE, os.fsencode(path))


def _archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in [*((MEMBERS.get(name, name), content) for name, content in LIBRARY.items()), ("tree/kubexit", TREES_FILES["kubexit"])]:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("tree/ld-linux-test.so.2")
        link.type, link.linkname = tarfile.LNKTYPE, "both/.staticx.interp"
        archive.addfile(link)
    return file.getvalue()


def _elf(archive: bytes) -> bytes:
    """Give an ELF file with the sections that matter: names, something else, and the archive."""
    names = b"\0.shstrtab\0.text\0.staticx.archive\0"
    contents = [(0, b""), (names.index(b".shstrtab"), names), (names.index(b".text"), b"code"), (names.index(b".staticx"), archive)]
    body, headers = bytearray(64), b""
    for name, content in contents:
        headers += struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, len(body), len(content), 0, 0, 1, 0)
        body += content
    body[:64] = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, 0, 0, len(body), 0, 64, 0, 0, 64, len(contents), 1)
    return bytes(body) + headers


def run(start: Start, folder: Path) -> str:
    """Install; give what is printed."""
    return os.fsdecode(install(start, os.fsencode(folder)))


def installed(link: Path) -> dict[str, bytes]:
    """Give the files of the tree that a link leads to; each may be read and run by all."""
    folder = link.resolve().parent
    assert link.resolve().name == "kubexit"
    for path in (folder, folder / "lib", *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o755, path
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(start: Start, folder: Path) -> str:
    """Give the words of a refusal."""
    with pytest.raises(NotInstalledError) as error:
        run(start, folder)
    return str(error.value)


def facts(folder: Path) -> dict[str, tuple[int, int]]:
    """Give number and time of change of every file below."""
    return {str(path): (path.lstat().st_ino, path.lstat().st_ctime_ns) for path in [folder, *folder.rglob("*")]}
