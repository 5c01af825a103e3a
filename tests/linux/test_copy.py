"""The role `cp` against the kernel: whole files or none, over programs that run, and nothing but files."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from kubexit.commands.copy import copy
from linux.forks import Process, become, call, in_a_process
from linux.graves import names

CONTENT = bytes(range(256)) * 5000
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="devices, mounts and other users need root")


def cp(*words: Path | str) -> str:
    """Copy; give the complaint, which goes with status 1."""
    said: list[bytes] = []
    status = copy([os.fsencode(word) for word in words], said.append)
    text = b"".join(said).decode()
    assert status == (1 if text else 0)
    assert text.count("\n") == (1 if text else 0)
    assert text.startswith("cp: ") or not text
    return text


def file(path: Path, content: bytes = CONTENT, mode: int = 0o755) -> Path:
    """Make a file."""
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
@pytest.mark.parametrize("mode", [0o755, 0o555, 0o644, 0o4711])
def test_copy_has_content_and_permissions_whatever_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    """Other containers run as other users. Setuid is for whoever owns the source: it is not copied."""
    source = file(tmp_path / "source", mode=mode)

    @in_a_process
    def run() -> None:
        os.umask(umask)
        assert cp(source, tmp_path / "target") == ""

    run()
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert stat.S_IMODE((tmp_path / "target").stat().st_mode) == mode & 0o777
    assert names(tmp_path) == ["source", "target"]


@pytest.mark.parametrize("size", [0, 1, 4095, 4097, 3_000_001])
def test_files_of_any_size_are_copied(tmp_path: Path, size: int) -> None:
    """Empty ones too."""
    source = file(tmp_path / "source", os.urandom(size))
    assert cp(source, tmp_path / "target") == ""
    assert (tmp_path / "target").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("source", ["/proc/version", "/proc/self/cmdline"])
def test_a_file_of_the_kernel_that_has_no_size_is_copied(tmp_path: Path, source: str) -> None:
    """It is read to its end; the second cannot be spliced (EINVAL)."""
    assert cp(source, tmp_path / "target") == ""
    assert (tmp_path / "target").read_bytes() == Path(source).read_bytes() != b""


def test_several_files_go_into_a_folder_by_their_names(tmp_path: Path) -> None:
    """One goes there as well; a link to a folder is a folder."""
    sources = [file(tmp_path / name, name.encode()) for name in ("a", "b", "c")]
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    assert cp(*sources[:2], f"{tmp_path}/folder/") == ""
    assert cp(sources[2], tmp_path / "link") == ""
    assert {path.name: path.read_text() for path in (tmp_path / "folder").iterdir()} == {"a": "a", "b": "b", "c": "c"}


@in_a_process
def test_relative_paths_are_meant_from_where_we_are(tmp_path: Path) -> None:
    """Without a slash, too."""
    os.chdir(tmp_path)
    file(Path("source"))
    assert cp("source", "target") == ""
    assert cp("source", "sub/target").startswith("cp: cannot copy source to sub/target: No such file")
    assert names(tmp_path) == ["source", "target"]


def test_times_and_owner_are_kept_if_asked_for(tmp_path: Path) -> None:
    """With -p and -a; else the copy is of now."""
    source = file(tmp_path / "source", mode=0o4755)
    os.utime(source, ns=(1_000_000_001, 2_000_000_002))
    if os.geteuid() == 0:
        os.chown(source, 4711, 4712)
        source.chmod(0o4755)
    before = source.stat()
    for option in ("-p", "-a"):
        assert cp(option, source, tmp_path / "kept") == ""
        kept = (tmp_path / "kept").stat()
        assert (kept.st_mtime_ns, kept.st_uid, kept.st_gid, kept.st_mode) == (before.st_mtime_ns, before.st_uid, before.st_gid, before.st_mode)
    assert cp(source, tmp_path / "new") == ""
    new = (tmp_path / "new").stat()
    assert new.st_mtime_ns > before.st_mtime_ns
    assert new.st_uid == os.geteuid()


@needs_root
@in_a_process
def test_another_user_copies_and_keeps_what_is_permitted(tmp_path: Path) -> None:
    """An owner that may not be given away is no error, and takes setuid with it."""
    source = file(tmp_path / "source", mode=0o4755)
    tmp_path.chmod(0o777)
    become(4711, tmp_path / "source")
    assert cp("-a", source, tmp_path / "target") == ""
    made = (tmp_path / "target").stat()
    assert made.st_uid == 4711
    assert stat.S_IMODE(made.st_mode) == 0o755
    assert made.st_mtime_ns == source.stat().st_mtime_ns


def test_a_link_that_is_a_source_is_followed(tmp_path: Path) -> None:
    """With -a as well: our image's names are links, and somebody wants the file."""
    file(tmp_path / "source")
    (tmp_path / "link").symlink_to("source")
    for option in ("-f", "-a"):
        assert cp(option, tmp_path / "link", tmp_path / "target") == ""
        assert not (tmp_path / "target").is_symlink()
        assert (tmp_path / "target").read_bytes() == CONTENT


def test_a_link_that_is_the_target_is_replaced(tmp_path: Path) -> None:
    """What it led to stays as it is: `kubexit --install` leaves such links."""
    source, victim = file(tmp_path / "source"), file(tmp_path / "victim", b"untouched")
    for target in ("victim", "nowhere"):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(target)
        assert cp(source, tmp_path / "link") == ""
        assert not (tmp_path / "link").is_symlink()
    assert victim.read_bytes() == b"untouched"


def test_a_program_that_runs_is_replaced_and_runs_on(tmp_path: Path) -> None:
    """Writing into it would fail (ETXTBSY), or pull the ground from under it."""
    source, target = file(tmp_path / "source"), tmp_path / "target"
    shutil.copy("/bin/cat", target)
    with subprocess.Popen([target], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert cp(source, target) == ""
        assert running.communicate(b"still here")[0] == b"still here"
    assert target.read_bytes() == CONTENT


def test_a_dozen_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    """And whoever looks meanwhile sees a whole one, old or new."""
    sources = [file(tmp_path / f"source{number}", bytes([number]) * 500_000) for number in range(12)]
    (tmp_path / "folder").mkdir()
    target = file(tmp_path / "folder" / "target", bytes([0]) * 500_000)
    copiers = [Process(lambda source=source: [cp(source, target) for _ in range(10)]) for source in sources]
    for _ in range(100):
        content = target.read_bytes()
        assert content == content[:1] * 500_000
    assert {word for copier in copiers for word in copier.result()} == {""}
    assert names(tmp_path / "folder") == ["target"]


@pytest.mark.parametrize("kind", ["folder", "fifo", "socket"])
def test_nothing_but_files_is_copied_or_replaced(tmp_path: Path, kind: str) -> None:
    """A FIFO would block; the message names it."""
    odd = tmp_path / kind
    if kind == "folder":
        odd.mkdir()
    elif kind == "fifo":
        os.mkfifo(odd)
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(odd))
    source = file(tmp_path / "source")
    assert f"{odd} is a" in cp(odd, tmp_path / "target")
    if kind != "folder":
        assert f"{odd} is a" in cp(source, odd)
    assert names(tmp_path) == sorted([kind, "source"])


@needs_root
def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    """Root could replace /dev/null for everybody; a link to it neither."""
    source, device, link = file(tmp_path / "source"), tmp_path / "device", tmp_path / "link"
    os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    link.symlink_to(device)
    for target in (device, link):
        assert f"{target} is a FIFO, device or socket" in cp(source, target)
    assert stat.S_ISCHR(link.stat().st_mode)


def test_a_folder_in_the_folder_is_not_replaced(tmp_path: Path) -> None:
    """There is one of the file's name."""
    source = file(tmp_path / "source")
    (tmp_path / "folder" / "source").mkdir(parents=True)
    assert f"{tmp_path}/folder/source is a folder" in cp(source, tmp_path / "folder")


def test_a_file_is_not_copied_to_itself(tmp_path: Path) -> None:
    """By whatever name."""
    source = file(tmp_path / "source")
    os.link(source, tmp_path / "hard")
    (tmp_path / "symbolic").symlink_to("source")
    for target in (source, tmp_path / "hard", tmp_path / "symbolic", tmp_path):
        assert "are the same file" in cp(source, target)
    assert (tmp_path / "symbolic").is_symlink()


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    """Several files to one name, a folder that is not there, a file that is not there."""
    source, other = file(tmp_path / "source"), file(tmp_path / "other")
    (tmp_path / "sub").mkdir()
    again = file(tmp_path / "sub" / "source")
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "missing", tmp_path / "target"):
        assert f"{target} is no folder" in cp(source, other, target)
    assert "is no folder" in cp(source, f"{tmp_path}/missing/")
    assert "several of the files would become" in cp(source, again, tmp_path / "folder")
    assert cp(tmp_path / "missing", tmp_path / "target") == f"cp: cannot read {tmp_path}/missing: No such file or directory\n"
    assert names(tmp_path / "folder") == []


@needs_root
@in_a_process
def test_where_nothing_may_be_written_the_reason_and_a_remedy_are_given(tmp_path: Path) -> None:
    """A full volume, a read-only one, no right: the old file stays, and nothing half."""
    call("unshare", 0x20000)
    call("mount", b"none", b"/", None, 0x44000, None)
    source, volume = file(tmp_path / "source"), tmp_path / "volume"
    volume.mkdir()
    call("mount", b"none", os.fsencode(volume), b"tmpfs", 0, b"size=100k,mode=755")
    file(volume / "target", b"old")
    assert f"cannot copy {source} to {volume}/target: No space left on device; make room" in cp(source, volume / "target")
    assert names(volume) == ["target"]
    call("mount", b"none", os.fsencode(volume), b"tmpfs", 0x21, b"size=100k,mode=755")  # MS_REMOUNT, MS_RDONLY
    assert "Read-only file system; mount a volume" in cp(source, volume / "target")
    assert (volume / "target").read_bytes() == b"old"
    secret = file(tmp_path / "secret", mode=0o600)
    become(4711, source)
    assert "Permission denied; user 4711 needs the right" in cp(source, tmp_path / "target")
    assert f"cannot read {secret}: Permission denied" in cp(secret, tmp_path / "target")


@in_a_process
def test_a_limit_of_the_size_of_files_is_an_error(tmp_path: Path) -> None:
    """And nothing stays of the beginning."""
    source = file(tmp_path / "source")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    assert "File too large" in cp(source, tmp_path / "target")
    assert names(tmp_path) == ["source"]
