"""The single file's archive, which also holds a whole tree: a tar file in a section of the ELF file (build/pack.py, build/archive.c).

kubexit, NAME            what an ordinary start unpacks; the tree has it in lib/
both/NAME, helper/NAME   the same, for both programs or the helper alone
tree/kubexit             the tree's launcher, which lies beside lib/
tree/NAME                a link: the name in lib/ of a file that staticx wants under another one
"""

from __future__ import annotations

import posix
from _struct import Struct

from kubexit.linux.copying import Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

ELF_HEADER = Struct("<4s36xQ10xHHH")  # of Elf64_Ehdr: magic; e_shoff; e_shentsize, e_shnum, e_shstrndx
SECTION_HEADER = Struct("<I20xQQ24x")  # of Elf64_Shdr: sh_name; sh_offset, sh_size
MAGIC, SECTION = b"\x7fELF", b".staticx.archive\0"
SECTION_NAME = Struct(f"{len(SECTION)}s")
TAR_HEADER = Struct("100s8s16x12s20x1s100s255x")  # name, mode; size; type, target of a link
BLOCK = 512
LARGEST = 2**40  # what a damaged header may point to is no place in a file
REGULAR, LINK = b"0", b"1"
TREE, LIBRARY = b"tree", b"lib/"


def tree_in(source: bytes) -> list[Part]:
    """Give the files of the tree in the single file `source`. ValueError: there is no archive in it, or one that is damaged."""
    fd = posix.open(source, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        found = list(_members(fd, source, *_archive(fd)))
    finally:
        posix.close(fd)
    names = {target: path.rpartition(b"/")[2] for path, target, _ in found if target}
    return [part.replace(path=_path_in_tree(path, names.get(path))) for path, _, part in found if part.source]


def _path_in_tree(path: bytes, other_name: bytes | None) -> bytes:
    owner, _, name = path.rpartition(b"/")
    return name if owner == TREE else LIBRARY + (other_name or name)


def _archive(fd: int) -> tuple[int, int]:
    """Give where the archive begins and ends."""
    magic, sections, size, count, names = _read(fd, ELF_HEADER, 0)
    if magic != MAGIC or size != SECTION_HEADER.size or names >= count:
        raise ValueError("it is no ELF file")
    _, names_at, _ = _read(fd, SECTION_HEADER, sections + names * size)
    for number in range(count):
        name, begin, length = _read(fd, SECTION_HEADER, sections + number * size)
        (called,) = _read(fd, SECTION_NAME, names_at + name) if name else (b"",)
        if called == SECTION and begin + length <= posix.fstat(fd).st_size:
            return begin, begin + length
    raise ValueError("there is no archive in it")


def _members(fd: int, source: bytes, at: int, end: int) -> Iterator[tuple[bytes, bytes, Part]]:
    """Give path, target if it is a link, and content of each member."""
    while at + BLOCK <= end:
        name, mode, size, kind, target = _read(fd, TAR_HEADER, at)
        if not name.rstrip(b"\0"):
            return
        at += BLOCK
        part = Part(b"", int(mode.rstrip(b" \0"), 8), b"" if kind == LINK else source, at, int(size.rstrip(b" \0"), 8))
        if kind not in (REGULAR, LINK) or at + part.size > end:
            raise ValueError("its archive is damaged")
        yield name.rstrip(b"\0"), target.rstrip(b"\0") if kind == LINK else b"", part
        at += (part.size + BLOCK - 1) // BLOCK * BLOCK


def _read(fd: int, form: Struct, at: int) -> tuple[Any, ...]:
    content = b"" if at >= LARGEST else posix.pread(fd, form.size, at)
    if len(content) < form.size:
        raise ValueError("it is cut off")
    return form.unpack(content)
