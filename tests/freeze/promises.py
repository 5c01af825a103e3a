"""What both forms owe, wherever they are started. Each docstring is the promise that its function checks."""
# ruff: noqa: D400, D401  a promise is a sentence about the program, and may have another behind it
# ruff: noqa: PTH123, PTH208  os takes paths of bytes, and its calls are what is meant

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from freeze.root import DISABLED, PROBE, SINGLE, SUPERVISED, TREE, Case, expect, make_far, refused, running, same

if TYPE_CHECKING:
    from collections.abc import Callable

    from freeze.root import Root

PROMISES: list[Callable[[Root], None]] = []
FORMS = (TREE, SINGLE)
NOEXEC = "noexec,nosuid,nodev,mode=1777"
ANYBODY = ("--user", "65534")


def promise(check: Callable[[Root], None]) -> Callable[[Root], None]:
    """Put a check on the list."""
    PROMISES.append(check)
    return check


@promise
def both_forms_run_in_an_empty_root(root: Root) -> None:
    """Both forms run in a root that holds nothing else, read-only but for the graveyard and /tmp, and the child gets what was given."""
    for form in FORMS:
        same(root, Case(stage=("--mask", "4000000b80000800", "--ignore", "4000000201001001", "--umask", "027")), form, "a", "b c", "")


@promise
def any_user(root: Root) -> None:
    """Both forms run as a user that nobody has heard of, under any umask."""
    for form in FORMS:
        same(root, Case(stage=ANYBODY), form)
        same(root, Case(stage=("--umask", "777", *ANYBODY)), form)


@promise
def first_process(root: Root) -> None:
    """Both forms run as the first process of a pid namespace, and their child is its second: nothing else was ever started."""
    with open(os.devnull, "wb") as null:
        for form in FORMS:
            told = same(root, Case(stage=("--first", str(null.fileno())), keep=(null.fileno(),), proc=False), form)
            expect(b"parent 1" in told and b"process 2" in told, form, *told)


@promise
def nothing_writable(root: Root) -> None:
    """The tree needs nothing that is writable; the single file is content with a /dev/shm mounted noexec, as every container has it."""
    same(root, Case(mounts={}, entries=DISABLED, stage=ANYBODY), TREE)
    same(root, Case(mounts={"dev/shm": NOEXEC}, entries=DISABLED, stage=ANYBODY), SINGLE)
    same(root, Case(mounts={"gy": NOEXEC}, stage=ANYBODY), SINGLE)


@promise
def without_proc(root: Root) -> None:
    """Without /proc the tree runs, and the single file says that it needs it. (Odd entries of the environment need /proc to be kept.)"""
    done = root.run(Case(proc=False), TREE, PROBE, "a")
    expect(done.returncode == 0 and b"argument a" in done.stdout, done)
    refused(root, Case(proc=False), "/proc", "mount", "kubexit-tree")


@promise
def next_place(root: Root) -> None:
    """A place to unpack to that is full, too small or not to be had is passed over for the next one."""
    for unfit in ("size=1m,mode=1777", "mode=0700", "nr_inodes=3,mode=1777"):
        same(root, Case(mounts={"gy": NOEXEC, "tmp": unfit, "var/tmp": ""}, stage=ANYBODY), SINGLE)
    for name in ("a:b", "$LIB"):
        (root.outside / name).mkdir()
    for unfit_path in (b"relative", b"/bin/probe", b"", b"/run/a:b", b"/run/$LIB", b"/" + b"x" * 5000):
        same(root, Case(entries=(b"TMPDIR=" + unfit_path, *SUPERVISED), bind=((root.outside, "run"),)), SINGLE)


@promise
def no_place(root: Root) -> None:
    """Without a place to unpack to, the single file names those that it tried and what was wrong with each."""
    case = Case(mounts={"tmp": "size=1m"}, entries=DISABLED)
    refused(root, case, "/nonexistent: No such file", "/tmp: not enough room", "/run: Read-only", "TMPDIR", "kubexit-tree")


@promise
def any_path(root: Root) -> None:
    """Both forms run at any path: blanks, colons, dollars, percents, line ends, bytes that are no text, 3800 bytes in all, and by links."""
    strange = b"a b:c;d $HOME %s\n\xff"
    for far in (strange, b"/".join([b"x" * 240] * 15 + [b"y" * 120])):
        at = b"/far/" + far
        place = os.fsencode(root.folder) + at
        make_far(place, root)
        try:
            tree, single = (os.fsdecode(at + end) for end in (b"/tree/kubexit", b"/kubexit"))
            for form in (tree, single):
                same(root, Case(), form)
        finally:
            shutil.rmtree(root.folder / "far")
            (root.folder / "far").mkdir()
    (root.folder / "far" / "symbolic").symlink_to("../tree/kubexit")
    (root.folder / "far" / "symbolic-single").symlink_to("/bin/kubexit")
    os.link(root.folder / "bin" / "kubexit", root.folder / "far" / "hard")
    for name in ("symbolic", "symbolic-single", "hard"):
        same(root, Case(), f"/far/{name}")
        done = root.run(Case(stage=("--argv0", "another name")), f"/far/{name}", PROBE)
        expect(done.returncode == 0 and b"argument /bin/probe" in done.stdout, name, done)


@promise
def path_too_long(root: Root) -> None:
    """The tree says so when its path is too long for what it has to append to it."""
    place = os.fsencode(root.folder) + b"/far/" + b"/".join([b"x" * 240] * 16 + [b"y" * (4090 - 16 * 241 - len(b"/far//tree/kubexit"))])
    make_far(place, root)
    inside = os.fsdecode(place.removeprefix(os.fsencode(root.folder)) + b"/tree/kubexit")
    done = root.run(Case(), inside, PROBE)
    shutil.rmtree(root.folder / "far")
    (root.folder / "far").mkdir()
    expect(done.returncode == 127 and b"too long" in done.stderr, done)


@promise
def descriptors(root: Root) -> None:
    """Descriptors that are closed at the start are closed for the child, and strange ones are the same for it."""
    answer = root.outside / "answer"
    for fd, place in zip(os.pipe(), (7, 200), strict=True):
        os.dup2(fd, place)
    for form in FORMS:
        for mounts in ({"gy": "", "tmp": ""}, {"gy": NOEXEC}):
            told = []
            for before in ((), (form,)):
                case = Case(mounts=mounts, stage=("--close", "0", "--close", "1", "--close", "2"), keep=(7, 200), bind=((root.outside, "run"),))
                done = root.run(case, *before, PROBE, "--to", "/run/answer")
                expect(done.returncode == 0, form, done)
                told.append([line for line in answer.read_bytes().splitlines() if line.startswith(b"descriptor ")])
                answer.unlink()
            expect(told[0] == told[1] and len(told[0]) == 2, form, mounts, told)


@promise
def low_limits(root: Root) -> None:
    """16 descriptors and 32 MB of addresses are enough, in memory too."""
    for form in FORMS:
        for mounts in ({"gy": "", "tmp": ""}, {"gy": NOEXEC}):
            same(root, Case(mounts=mounts, stage=("--limit", "nofile", "16", "--limit", "as", str(32 << 20))), form)


@promise
def file_size_limit(root: Root) -> None:
    """Where no file of the size may be written, the single file says so, and leaves nothing behind."""
    place = root.outside / "small-files"
    place.mkdir()
    refused(root, Case(mounts={}, bind=((place, "tmp"),), stage=("--limit", "fsize", "100000")), "/tmp: File too large")
    left = os.listdir(place)
    expect(not left, left)


@promise
def unreadable(root: Root) -> None:
    """A single file that may be executed but not read says that it must be."""
    file = root.folder / "bin" / "kubexit"
    file.chmod(0o711)
    try:
        refused(root, Case(stage=ANYBODY), "chmod")
    finally:
        file.chmod(0o755)


@promise
def foreign_libraries(root: Root) -> None:
    """No library, cache, locale or list of preloads of the root is looked at: here all of them are broken."""
    names = ("libc.so.6", "libm.so.6", "libffi.so.8", "libpython3.11.so.1.0", "ld-linux-x86-64.so.2", "libz.so.1")
    folders = ("lib", "lib64", "usr/lib", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")
    made = [root.folder / folder / name for folder in folders for name in names]
    made += [root.folder / name for name in ("etc/ld.so.cache", "etc/ld.so.preload", "usr/lib/locale/locale-archive", "etc/localtime")]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("/lib/libc.so.6\n")
    for form in FORMS:
        done = root.run(Case(entries=(b"LC_ALL=de_DE.ISO-8859-1", *SUPERVISED)), form, PROBE, "ä")
        expect(done.returncode == 0 and b"argument \\xc3\\xa4" in done.stdout and b"ld.so" not in done.stderr, form, done)
    for path in made:
        path.unlink()


@promise
def file_is_gone(root: Root) -> None:
    """A single file whose path is gone since the start runs all the same."""
    copy = os.memfd_create("gone", 0)
    with (root.dist / "kubexit").open("rb") as file:
        shutil.copyfileobj(file, os.fdopen(os.dup(copy), "wb"))
    graveyard = root.outside / "graveyard"
    done = subprocess.run(
        [f"/proc/self/fd/{copy}", "true"], env={"PATH": os.defpath, "KUBEXIT_NAME": "gone", "KUBEXIT_GRAVEYARD": str(graveyard)},
        pass_fds=(copy,), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(copy)
    expect(done.returncode == 0, done)


@promise
def nothing_is_left(root: Root) -> None:
    """Once the child runs, nothing is left of the bundle in any folder, and the supervisor has mapped nothing but what it brought."""
    for name, form in (("tree", root.dist / "kubexit-tree" / "kubexit"), ("single", root.dist / "kubexit")):
        place = root.outside / f"tmp-{name}"
        place.mkdir()
        with running(form, TMPDIR=str(place), KUBEXIT_GRAVEYARD=str(root.outside / "graveyard")) as child:
            left = os.listdir(place)
            expect(not left, form, left)
            with open(f"/proc/{child.pid}/maps") as maps:
                foreign = [line for line in maps if "/" in line and "(deleted)" not in line and "kubexit-tree/lib/" not in line]
            expect(not foreign, form, *foreign)
            expect(os.listdir(f"/proc/{child.pid}/task") == [str(child.pid)], form, "more than one thread")


@promise
def names(root: Root) -> None:
    """The process is called kubexit in lists of processes, and its argv[0] is no concern of the child's."""
    for form in (root.dist / "kubexit-tree" / "kubexit", root.dist / "kubexit"):
        with running(form, KUBEXIT_GRAVEYARD=str(root.outside / "graveyard")) as child, open(f"/proc/{child.pid}/comm") as comm:
            expect(comm.read() == "kubexit\n", form)


@promise
def environment_of_every_size(root: Root) -> None:
    """Arguments and an environment of 1.5 megabytes reach the child."""
    entries = (*(b"LD_%d=" % number + b"x" * 100000 for number in range(7)), *SUPERVISED)
    for form in FORMS:
        same(root, Case(entries=entries), form, *["y" * 100000] * 8)


@promise
def imports(root: Root) -> None:
    """The modules of a program are imported in the order in which they need each other; one that only a function imports, when it runs."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "build"))
    embed = importlib.import_module("embed")
    sources = {
        "p": "",
        "p.entry": "from p import low\nfrom p.middle import N\nimport p.side\ndef late() -> int:\n    import p.lazy\n    return p.lazy.N\n",
        "p.low": "import sys\nORDER = [__name__]\n",
        "p.middle": "import p.low\nimport p.side\np.low.ORDER.append(__name__)\nN = p.side.N + 1\n",
        "p.side": "from p.low import ORDER\nORDER.append(__name__)\nN = 1\n",
        "p.lazy": "from p.middle import N\n",
    }
    folder = root.outside / "imports"
    folder.mkdir()
    paths = {name: folder / f"{name}.py" for name in sources} | {"p": folder / "__init__.py"}
    for name, text in sources.items():
        paths[name].write_text(text)
    embed.embed(paths, "p.entry", {}, folder / "made.pyc")
    program = (
        "import marshal, sys\nwith open(sys.argv[1], 'rb') as file: exec(marshal.loads(file.read()[16:]))\n"
        "import p.entry as entry\nprint(entry.low.ORDER, 'p.lazy' in sys.modules, entry.late(), 'p.lazy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program, folder / "made.pyc"], capture_output=True, text=True, timeout=60, check=False)
    expect(done.stdout == "['p.low', 'p.side', 'p.middle'] False 2 True\n", done)
