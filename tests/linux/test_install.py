"""`--install` against the kernel: a whole tree or none, whoever else is at it, and nothing of what runs there is touched."""

from __future__ import annotations

import os
import posix
import shutil
import signal
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest

from kubexit.commands import install as installing
from kubexit.commands.install import NotInstalledError, install
from kubexit.linux.handover import SOURCE, Start
from linux.forks import Process, become, call, in_a_process
from linux.graves import names
from linux.trees import SIZE, TREES_FILES, single, tree

if TYPE_CHECKING:
    from pathlib import Path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts and other users need root")
FOLDER = ".kubexit-0.1.0-unknown"


@pytest.fixture(params=["tree", "single"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Give the start of either form."""
    return tree(tmp_path / "from") if request.param == "tree" else single(tmp_path / "single")


@pytest.fixture(autouse=True)
def known_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the folder's name be known."""
    monkeypatch.setattr(installing, "__version__", "0.1.0")
    monkeypatch.setattr(installing, "COMMIT", "")


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


@needs_root
@pytest.mark.parametrize("user", [0, 4711])
@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_tree_is_installed_whole_whatever_the_umask(tmp_path: Path, start: Start, umask: int, user: int) -> None:
    """Every file byte for byte, from the tree and from the single file; nothing else is left in the folder, which is made if need be."""
    tmp_path.chmod(0o777)

    @in_a_process
    def do() -> str:
        if user:
            become(user, tmp_path / "a")
        os.umask(umask)
        printed = run(start, tmp_path / "a" / "volume")
        assert os.umask(0) == umask
        return printed

    assert do() == str(tmp_path / "a" / "volume" / "kubexit")
    assert installed(tmp_path / "a" / "volume" / "kubexit") == TREES_FILES
    assert names(tmp_path / "a" / "volume") == [FOLDER, "kubexit"]
    assert [stat.S_IMODE((tmp_path / path).stat().st_mode) for path in ("a", "a/volume")] == [0o755, 0o755]


@pytest.mark.parametrize(
    ("argv0", "name"),
    [(b"koordinator", "koordinator"), (b"/a/b c", "b c"), (b"caf\xe9", "caf\udce9"), (b"", "kubexit"), (b"/bin/", "kubexit"), (b"..", "kubexit")],
)
def test_it_has_the_name_that_it_was_called_by(tmp_path: Path, start: Start, argv0: bytes, name: str) -> None:
    """Manifests count on a name; where there is none, it is kubexit."""
    called = Start(argv0, [], 0, 0, start.form, start.program)
    assert run(called, tmp_path / "volume") == f"{tmp_path}/volume/{name}"
    assert names(tmp_path / "volume") == sorted([FOLDER, name])
    assert installed(tmp_path / "volume" / name) == TREES_FILES


def test_a_tree_whose_program_has_another_name_is_installed(tmp_path: Path) -> None:
    """It is the one that was called."""
    start = tree(tmp_path / "from")
    (tmp_path / "from" / "kubexit").rename(tmp_path / "from" / "koordinator")
    run(Start(b"koordinator", [], 0, 0, start.form, start.program), tmp_path / "volume")
    assert installed(tmp_path / "volume" / "koordinator") == TREES_FILES


def test_folder_may_be_mounted_anywhere_afterwards(tmp_path: Path, start: Start) -> None:
    """The link is relative."""
    run(start, tmp_path / "volume")
    (tmp_path / "volume").rename(tmp_path / "elsewhere")
    assert installed(tmp_path / "elsewhere" / "kubexit") == TREES_FILES
    assert os.readlink(tmp_path / "elsewhere" / "kubexit") == f"{FOLDER}/kubexit"  # noqa: PTH115  the text is what matters


def facts(folder: Path) -> dict[str, tuple[int, int]]:
    """Give number and time of change of every file below."""
    return {str(path): (path.lstat().st_ino, path.lstat().st_ctime_ns) for path in [folder, *folder.rglob("*")]}


@needs_root
def test_what_is_there_and_whole_is_left_as_it_is(tmp_path: Path, start: Start) -> None:
    """Also where nothing may be written any more, by a user who may not."""
    (tmp_path / "volume").mkdir()

    @in_a_process
    def do() -> None:
        call("unshare", 0x20000)
        call("mount", b"none", b"/", None, 0x44000, None)
        call("mount", b"none", os.fsencode(tmp_path / "volume"), b"tmpfs", 0, b"mode=755")
        run(start, tmp_path / "volume")
        before = facts(tmp_path / "volume")
        run(start, tmp_path / "volume")
        call("mount", b"none", os.fsencode(tmp_path / "volume"), b"tmpfs", 0x21, b"mode=755")  # MS_REMOUNT, MS_RDONLY
        become(4711, tmp_path / "volume")
        assert run(start, tmp_path / "volume") == str(tmp_path / "volume" / "kubexit")
        assert facts(tmp_path / "volume") == before

    do()


@pytest.mark.parametrize("damage", ["cut", "changed", "missing", "mode", "folder", "link", "closed"])
def test_what_is_damaged_is_not_taken_for_whole(tmp_path: Path, start: Start, damage: str) -> None:
    """A node's crash may have cut files. Somebody may run it all the same, so it stays, and the tree is made anew beside it."""
    run(start, tmp_path / "volume")
    victim = tmp_path / "volume" / FOLDER / "lib" / "libc.so.6"
    content = victim.read_bytes()
    if damage == "closed":
        victim.parent.chmod(0o700)
    elif damage == "mode":
        victim.chmod(0o600)
    else:
        victim.unlink()
    if damage in ("cut", "changed"):
        victim.write_bytes(content[:-1] + (b"" if damage == "cut" else b"!"))
        victim.chmod(0o755)
    elif damage == "folder":
        victim.mkdir()
    elif damage == "link":
        victim.symlink_to("/dev/null")
    before = facts(tmp_path / "volume" / FOLDER)
    for _ in range(2):
        run(start, tmp_path / "volume")
        assert installed(tmp_path / "volume" / "kubexit") == TREES_FILES
        assert names(tmp_path / "volume") == [FOLDER, f"{FOLDER}.2", "kubexit"]
    assert facts(tmp_path / "volume" / FOLDER) == before


def test_an_older_version_stays_whole_beside_the_new_one(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be running, and about to start its helper. What the name led to changes by a rename: somebody always finds a program there."""
    link = tmp_path / "volume" / "kubexit"
    run(start, tmp_path / "volume")
    old = link.resolve()
    over = threading.Event()
    missed: list[OSError] = []

    def look() -> None:
        while not over.is_set():
            try:
                link.read_bytes()
            except OSError as error:  # pragma: no cover
                missed.append(error)

    looker = threading.Thread(target=look)
    looker.start()
    for number in range(20):
        monkeypatch.setattr(installing, "COMMIT", f"new{number}")
        run(start, tmp_path / "volume")
    over.set()
    looker.join()
    assert missed == []
    assert link.resolve().parent.name == ".kubexit-0.1.0-new19"
    assert old.read_bytes() == TREES_FILES["kubexit"]
    assert (old.parent / "lib" / "kubexit-helper").read_bytes() == TREES_FILES["lib/kubexit-helper"]


@pytest.mark.parametrize("old", ["file", "link", "dangling"])
def test_a_file_or_link_of_the_name_is_replaced(tmp_path: Path, start: Start, old: str) -> None:
    """A single file that `cp` has left there, or whatever; what a link led to stays."""
    (tmp_path / "volume").mkdir()
    (tmp_path / "victim").write_text("untouched")
    link = tmp_path / "volume" / "kubexit"
    if old == "file":
        link.write_text("an older kubexit")
    else:
        link.symlink_to("../victim" if old == "link" else "nowhere")
    run(start, tmp_path / "volume")
    assert installed(link) == TREES_FILES
    assert (tmp_path / "victim").read_text() == "untouched"


@needs_root
def test_a_dozen_of_several_users_at_once_need_the_room_of_one(tmp_path: Path, start: Start) -> None:
    """In a volume as emptyDir has it, open to all: each is content, and there is one tree."""
    (tmp_path / "volume").mkdir()
    for path in (tmp_path, tmp_path / "from"):
        if path.exists():
            path.chmod(0o755)

    @in_a_process
    def do() -> None:
        call("unshare", 0x20000)
        call("mount", b"none", b"/", None, 0x44000, None)
        call("mount", b"none", os.fsencode(tmp_path / "volume"), b"tmpfs", 0, b"mode=777,size=%d" % (SIZE * 3 // 2 + 65536))

        def one(user: int) -> str:
            become(user, tmp_path / "volume")
            return run(start, tmp_path / "volume")

        racers = [Process(lambda user=user: one(user)) for user in (4711, 4712, 4713) * 4]
        assert {racer.result() for racer in racers} == {str(tmp_path / "volume" / "kubexit")}
        assert installed(tmp_path / "volume" / "kubexit") == TREES_FILES
        assert names(tmp_path / "volume") == [FOLDER, "kubexit"]

    do()


def test_where_there_are_no_locks_a_dozen_at_once_are_safe(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network volumes have none: they meet when they rename what they made."""

    def no_locks(*_: Any) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(installing, "flock", no_locks)
    for number in range(5):
        folder = tmp_path / f"volume{number}"
        racers = [Process(lambda folder=folder: run(start, folder)) for _ in range(12)]
        assert {racer.result() for racer in racers} == {str(folder / "kubexit")}
        assert installed(folder / "kubexit") == TREES_FILES
        assert names(folder) == [FOLDER, "kubexit"]


@needs_root
@in_a_process
def test_a_folder_that_may_not_be_listed_is_no_hindrance(tmp_path: Path, start: Start) -> None:
    """Then there is no lock to be had, but names can be made."""
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume").chmod(0o733)
    become(4711, tmp_path / "volume")
    run(start, tmp_path / "volume")
    assert installed(tmp_path / "volume" / "kubexit") == TREES_FILES


def test_what_a_killed_one_has_left_is_removed(tmp_path: Path, start: Start) -> None:
    """Or a restarted container would fill the volume. No link is followed, and nothing of another name is touched."""
    volume, victim = tmp_path / "volume", tmp_path / "victim"
    victim.mkdir()
    (victim / "file").touch()
    (volume / ".kubexit-0123.new" / "lib").mkdir(parents=True)
    (volume / ".kubexit-0123.new" / "lib" / "libc.so.6").write_text("half")
    (volume / ".kubexit-0123.new" / "link").symlink_to(victim)
    (volume / ".kubexit-4567.new").symlink_to(victim)
    for name in ("kubexit.new", ".kubexit-old"):
        (volume / name).mkdir()
    run(start, volume)
    assert names(volume) == sorted([FOLDER, ".kubexit-old", "kubexit", "kubexit.new"])
    assert names(victim) == ["file"]


class Mortal:
    """The module posix, with which a process lives for so many calls."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(posix, name)
        if not callable(found):
            return found
        self.calls -= 1
        if not self.calls:
            posix.kill(posix.getpid(), signal.SIGKILL)
        return found


def test_killed_at_any_instant_it_leaves_what_was_there(tmp_path: Path, start: Start) -> None:
    """Before each of its calls: the name leads to the old version or to the new one; and the next one succeeds."""
    killed = 0
    while True:
        volume = tmp_path / f"volume{killed}"
        volume.mkdir()
        (volume / "kubexit").write_text("old")

        def live(calls: int = killed + 1, volume: Path = volume) -> None:
            vars(installing)["posix"] = Mortal(calls)
            run(start, volume)

        status = Process(live).end()
        assert (volume / "kubexit").read_bytes() in (b"old", TREES_FILES["kubexit"])
        run(start, volume)
        assert installed(volume / "kubexit") == TREES_FILES
        assert names(volume) == [FOLDER, "kubexit"]
        if not os.WIFSIGNALED(status):
            break
        killed += 1
    assert killed > 40


@needs_root
@in_a_process
def test_a_volume_without_room_is_left_as_it_was(tmp_path: Path, start: Start) -> None:
    """The message says how much it takes."""
    call("unshare", 0x20000)
    call("mount", b"none", b"/", None, 0x44000, None)
    volume = tmp_path / "volume"
    volume.mkdir()
    call("mount", b"none", os.fsencode(volume), b"tmpfs", 0, b"size=40k,mode=755")
    (volume / "kubexit").write_text("old")
    assert f"cannot install into {volume}: No space left on device; make room there, or give the volume more; I take 1 MB" in refused(start, volume)
    assert names(volume) == ["kubexit"]
    assert (volume / "kubexit").read_text() == "old"


@needs_root
@in_a_process
def test_a_user_without_the_right_is_told_so(tmp_path: Path, start: Start) -> None:
    """With the number, since a container's manifest has that."""
    (tmp_path / "volume").mkdir()
    become(4711, tmp_path / "volume")
    assert "Permission denied; user 4711 needs the right" in refused(start, tmp_path / "volume")
    assert "Permission denied; user 4711 needs the right" in refused(start, tmp_path / "new")


def test_a_folder_that_cannot_be_one_is_named(tmp_path: Path, start: Start) -> None:
    """A file in its place, a folder in the program's, a place where nothing can be made."""
    (tmp_path / "file").touch()
    (tmp_path / "volume" / "kubexit").mkdir(parents=True)
    for place, words in (("file", "Not a directory"), ("file/folder", "Not a directory"), ("volume", "Is a directory")):
        assert f"cannot install into {tmp_path / place}: {words}" in refused(start, tmp_path / place)
    assert names(tmp_path / "volume") == [FOLDER, "kubexit"]
    assert "cannot install into /proc/kubexit" in refused(start, type(tmp_path)("/proc/kubexit"))


def test_a_damaged_single_file_installs_nothing(tmp_path: Path) -> None:
    """Wherever it was cut, and whatever stands in its headers: a refusal, and no folder."""
    whole = single(tmp_path / "single")
    content = (tmp_path / "single").read_bytes()
    damaged = [content[:length] for length in range(0, len(content), 997)]
    damaged += [content[:at] + b"\xff" * 8 + content[at + 8 :] for at in (0, 40, 58, 60, 62, len(content) - 40, len(content) - 32)]
    begin = content.index(b"both/.staticx.interp")
    damaged += [content[: begin + at] + b"zzzzzzz" + content[begin + at + 7 :] for at in (100, 124, 156)]
    for each in damaged:
        (tmp_path / "single").write_bytes(each)
        assert f"cannot read myself at {tmp_path}/single" in refused(whole, tmp_path / "volume")
    assert not (tmp_path / "volume").exists()


def test_files_of_ours_that_are_gone_are_named(tmp_path: Path) -> None:
    """The path of the start may be no more."""
    for start, gone in ((tree(tmp_path / "from"), tmp_path / "from"), (single(tmp_path / "single"), tmp_path / "single")):
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
        assert "cannot read myself at" in refused(start, tmp_path / "volume")


def test_the_source_form_is_refused(tmp_path: Path) -> None:
    """There is nothing frozen to be copied."""
    assert "from source" in refused(Start(b"kubexit", [], 0, 0, SOURCE, b"/usr/bin/python3"), tmp_path / "volume")
