"""pack.py LIB HELPER SINGLE: complete the collected folders LIB and HELPER with the C library and its loader, and make one file of them.

The helper's files are moved to LIB; SINGLE is made by staticx. Beside LIB lies the tree's launcher, which SINGLE has to hold as well, for
`--install`: that makes a tree of the very same bytes.
"""

import shutil
import stat
import sys
import tarfile
from pathlib import Path

from elftools.elf.elffile import ELFFile
from staticx import api
from staticx.constants import INTERP_FILENAME, MAX_INTERP_LEN, MAX_RPATH_LEN
from staticx.elf import get_prog_interp, get_shobj_deps, is_dynamic_elf, patch_elf

PROGRAM = "kubexit"
HELPER = "kubexit-helper"
BOTH, HELPERS, TREES = "both/", "helper/", "tree/"  # before the names of members of the archive: see build/archive.c
PYTHON = "/usr/bin/python3.11"
# Files of the container that the C library would obey, though they are made for the container's own C library and its programs: the list
# of preloads, and the list of name services, which are libraries. Without it names of hosts are looked up in /etc/hosts and by DNS.
IGNORED = (("loader", b"/etc/ld.so.preload\0"), ("libc.so.6", b"/etc/nsswitch.conf\0"))


def files(folder: Path) -> list[Path]:
    """Give the files of a folder, in an order that does not depend on the file system."""
    return sorted(path for path in folder.iterdir() if path.is_file())


def needed(file: Path) -> set[str]:
    """Give the names of the libraries that a file asks for."""
    with file.open("rb") as stream:
        return {tag.needed for segment in ELFFile(stream).iter_segments("PT_DYNAMIC") for tag in segment.iter_tags("DT_NEEDED")}


def complete(library: Path, program: str) -> None:
    """Add what the collected files need of the system: the C library and its loader. PyInstaller takes those for granted."""
    loader = Path(get_prog_interp(str(library / program)))
    system = {Path(path).name: Path(path) for path in get_shobj_deps(PYTHON)}
    shutil.copyfile(loader, library / loader.name)
    while missing := {name for file in files(library) if is_dynamic_elf(str(file)) for name in needed(file)} - {file.name for file in files(library)}:
        for name in missing:
            if name not in system:
                raise SystemExit(f"pack.py: something collected needs {name}, which is no part of {PYTHON}: kubexit.spec has to collect it")
            shutil.copyfile(system[name], library / name)
    for file in files(library):
        file.chmod(0o755 if is_dynamic_elf(str(file)) else 0o644)
    for name, path in IGNORED:
        forget(library / (loader.name if name == "loader" else name), path)
    make_ready(library / program, str(loader))


def make_ready(program: Path, loader: str) -> None:
    """Make the places that staticx's bootloader writes its folder into: they have to be as long as the longest text there.

    It makes them itself, with words that mean nothing. Slashes before the loader's path and behind $ORIGIN mean nothing to the kernel
    and the loader either, so the same file serves in the tree, where nobody writes into it.
    """
    interpreter, rpath = loader.rjust(MAX_INTERP_LEN, "/"), "$ORIGIN".ljust(MAX_RPATH_LEN, "/")
    patch_elf(str(program), interpreter=interpreter, rpath=rpath, force_rpath=True, no_default_lib=True)


def forget(file: Path, path: bytes) -> None:
    """Take a path from a file of the C library: zero bytes stand there instead."""
    content = file.read_bytes()
    if content.count(path) != 1:
        raise SystemExit(f"pack.py: {file} does not name {path.decode()} once: it is another glibc, look again")
    file.write_bytes(content.replace(path, bytes(len(path))))


def rewrite(file: Path) -> None:
    """Write a file anew in one go: pieces, as objcopy writes them, stay pieces in the page cache, and each start has more to do with them."""
    content, mode = file.read_bytes(), file.stat().st_mode
    file.unlink()
    file.write_bytes(content)
    file.chmod(mode)


# staticx would make the program depend on libnssfix and eight NSS libraries; glibc 2.34 and later have files and dns built in
api.run_hooks = lambda _generator: None


class Generator(api.StaticxGenerator):
    """staticx's generator, with two folders in the place of one program: their files are in the archive in the order of `parts`."""

    def __init__(self, library: Path, helper: Path) -> None:
        # compressed, each start would take 200 ms more; whoever ships the file compresses it
        super().__init__(prog=str(library / PROGRAM), compress=False)
        self.library = library
        light, heavy = ({path.name: path for path in files(folder)} for folder in (library, helper))
        self.parts = (
            ("", [light[name] for name in light if name not in heavy and name != PROGRAM]),
            (BOTH, [light[name] for name in light if name in heavy]),
            (HELPERS, [heavy[name] for name in heavy if name not in light]),
        )
        self._fixup_prog = lambda: None  # make_ready has done it
        self.sxar.add_program = self.add_program
        self.sxar.add_interp_symlink = self.add_loader

    def add_library(self, libpath: str, exist_ok: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Be told by staticx what the program needs: it has to be there already."""
        if not (self.library / Path(libpath).name).is_file():
            raise SystemExit(f"pack.py: the program needs {libpath}, which is not in {self.library}")

    def add_program(self, program: str, name: str) -> None:
        """Add `program`, staticx's copy of it, as `name`.

        Without staticx's link to it, as build/inplace.c knows the name: each file more takes 0.1 ms to make and to remove.
        """
        self.add(Path(program), name)

    def add_loader(self, loader: str) -> None:
        """Add the loader, by the name that the program asks for in the bundle, all other files, and what an installed tree has besides.

        That is the launcher, and the loader's name there, as a link.
        """
        name = Path(loader).name
        for part, paths in self.parts:
            for path in paths:
                self.add(path, part + (INTERP_FILENAME if path.name == name else path.name))
        self.add(self.library.parent / PROGRAM, TREES + PROGRAM)
        link = tarfile.TarInfo(TREES + name)
        link.type, link.linkname = tarfile.LNKTYPE, BOTH + INTERP_FILENAME
        self.sxar.tar.addfile(link)

    def add(self, path: Path, name: str) -> None:
        """Add one file, without anything of this machine and this hour."""
        if len(name.encode()) > 99 or name.count("/") > 1:  # noqa: PLR2004
            raise SystemExit(f"pack.py: build/archive.c cannot unpack a file of this name: {name}")
        entry = self.sxar.tar.gettarinfo(path, arcname=name)
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        entry.mode = 0o755 if entry.mode & stat.S_IXUSR else 0o644
        with path.open("rb") as content:
            self.sxar.tar.addfile(entry, content)


def main() -> None:
    """Complete the folder and make the file."""
    library, helper, single = (Path(argument) for argument in sys.argv[1:])
    complete(library, PROGRAM)
    complete(helper, HELPER)
    with Generator(library, helper) as generator:
        generator.generate(str(single))
    single.chmod(0o755)
    for file in files(helper):
        shutil.copy2(file, library)
    for file in (single, *files(library)):
        rewrite(file)


main()
