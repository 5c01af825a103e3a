"""linux/helper.py against the kernel: what the helper program is given in each form, what becomes of it, and what is removed after it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kubexit.linux import signals
from kubexit.linux.handover import SINGLE_FILE, SOURCE, TREE, Start
from kubexit.linux.helper import HelperProgram
from kubexit.linux.signals import ALL
from linux.forks import Process, bits, in_a_process, wait_readable
from support.programs import program

if TYPE_CHECKING:
    from linux.forks import Talk

APP = Path(signals.__file__).parents[2]
CLUSTER = [b"KUBERNETES_SERVICE_HOST=10.0.0.1", b"KUBERNETES_SERVICE_PORT=443"]
OF_APPLICATION = [b"PATH=/bin", b"LD_PRELOAD=/x.so", b"HTTPS_PROXY=http://x", b"SSL_CERT_FILE=/x", b"OPENSSL_CONF=/x", b"TMPDIR=/x", b"\xff"]
BLOCKED = f"{ALL & ~bits(signal.SIGKILL, signal.SIGSTOP):016x}"


def helper(form: str, path: bytes, place: bytes = b"", entries: list[bytes] | None = None) -> HelperProgram:
    """Give the helper program of a kubexit that was started like this."""
    return HelperProgram(Start(b"kubexit", [*OF_APPLICATION, *CLUSTER, *(entries or [])], 0, 0, form, path, place))


@in_a_process
def facts(of: HelperProgram) -> list[str]:
    """Give what the test program tells that takes the helper's place."""
    os.set_inheritable(os.dup(2), True)  # as the child's descriptors are, which are none of the helper's
    signals.block_all()
    reader, writer = os.pipe()
    pid = of.start([b"pod", b"x"], writer)
    os.close(writer)
    output = b""
    while part := os.read(reader, 65536):
        output += part
    assert os.waitpid(pid, 0)[1] == 0, output
    return [*output.decode().splitlines(), f"started {pid}"]


def test_from_source_it_is_a_module_of_the_same_interpreter() -> None:
    """The working directory of the application is no place for its modules; those of the start's PYTHONPATH may be needed."""
    arguments, environment = helper(SOURCE, b"/x/python", entries=[b"PYTHONPATH=/site"]).command([b"pod", b"a b", b"\xff"])
    assert arguments == [b"/x/python", b"-P", b"-m", b"kubexit.helpers", b"pod", b"a b", b"\xff"]
    assert environment == [*CLUSTER, b"OPENSSL_CONF=", f"PYTHONPATH={APP}:/site".encode()]


def test_in_the_tree_it_is_run_by_the_loader_beside_it(tmp_path: Path) -> None:
    """As the launcher runs the supervisor: PyInstaller's variables say where the program lies, and that it need not start itself again."""
    (tmp_path / "ld-linux-any.so.2").touch()
    lib = os.fsencode(tmp_path)
    arguments, environment = helper(TREE, lib + b"/kubexit").command([b"pod"])
    assert arguments == [lib + b"/ld-linux-any.so.2", lib + b"/kubexit-helper", b"pod"]
    private = [b"_PYI_ARCHIVE_FILE=" + lib + b"/kubexit-helper", b"_PYI_PARENT_PROCESS_LEVEL=-1", b"_PYI_LINUX_PROCESS_NAME=kubexit-helper"]
    assert environment == [*CLUSTER, b"OPENSSL_CONF=", *private]


def test_of_the_single_file_it_is_the_same_file_again() -> None:
    """It is told who wants a helper, and the name of the folder to unpack to, which is another one each time."""
    of = helper(SINGLE_FILE, b"/bin/kubexit", b"/place", [b"KUBEXIT_GRAVEYARD=/gy", b"KUBEXIT_GRAVEYARD=/other"])
    wanted = set()
    for _ in range(2):
        arguments, environment = of.command([b"pod"])
        assert arguments == [b"/bin/kubexit", b"pod"]
        assert environment[:-1] == [*CLUSTER, b"OPENSSL_CONF=", b"KUBEXIT_GRAVEYARD=/gy", b"TMPDIR=/place"]
        assert environment[-1].startswith(f"_KUBEXIT_HELPER={os.getpid()}..kubexit-".encode())
        wanted.add(environment[-1])
    assert len(wanted) == 2


def test_a_single_file_whose_path_was_gone_says_so() -> None:
    """Staticx could not find it at the start. What else lies there would be another program."""
    with pytest.raises(FileNotFoundError, match="gone from its path"):
        helper(SINGLE_FILE, b"/proc/self/exe", b"/tmp").command([])


def test_what_the_process_is_given() -> None:
    """An empty standard input, the pipe twice, and nothing else: a session of its own, all signals blocked, and death with its parent."""
    told = facts(helper(SOURCE, os.fsencode(program("probe"))))
    assert [line for line in told if line.startswith("environment")] == [
        "environment KUBERNETES_SERVICE_HOST=10.0.0.1",
        "environment KUBERNETES_SERVICE_PORT=443",
        "environment OPENSSL_CONF=",
        f"environment PYTHONPATH={APP}",
    ]
    descriptors = [line.split() for line in told if line.startswith("descriptor")]
    assert [words[1] for words in descriptors] == ["0", "1", "2"]
    assert descriptors[1][2:] == descriptors[2][2:] != descriptors[0][2:]
    pid = told[-1].split()[1]
    assert {f"blocked {BLOCKED}", f"process {pid}", f"session {pid}", "parent-death-signal 9"} <= set(told)


def test_its_standard_input_is_at_its_end(tmp_path: Path) -> None:
    """Where there is no /dev/null, too: an image may hold nothing but one file."""
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\n/bin/cat\necho that was all\n")
    script.chmod(0o755)
    assert facts(helper(SOURCE, os.fsencode(script)))[0] == "that was all"


def test_without_close_range_what_is_open_is_closed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a kernel before 5.9."""

    def missing(*_: object) -> int:
        raise OSError

    monkeypatch.setattr("kubexit.linux.fd.call", missing)
    told = facts(helper(SOURCE, os.fsencode(program("probe"))))
    assert [line.split()[1] for line in told if line.startswith("descriptor")] == ["0", "1", "2"]


@in_a_process
def test_a_program_that_cannot_be_executed_is_told_in_words() -> None:
    """As the last words of a helper that dies are."""
    reader, writer = os.pipe()
    pid = helper(SINGLE_FILE, b"/nowhere/kubexit", b"/tmp").start([], writer)
    os.close(writer)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 127
    assert os.read(reader, 1000) == b"cannot execute /nowhere/kubexit: No such file or directory\n"


def test_it_dies_with_its_supervisor(tmp_path: Path) -> None:
    """However that dies: nobody would end it."""
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho runs\nexec /usr/bin/tail -f /dev/null\n")
    script.chmod(0o755)

    def supervisor(talk: Talk) -> None:
        reader, writer = os.pipe()
        pid = helper(SOURCE, os.fsencode(script)).start([], writer)
        wait_readable(reader, "the helper")
        talk.say(pid)
        signal.pause()

    process = Process(supervisor, talks=True)
    pid = process.talk.hear()
    gone = os.pidfd_open(pid)
    process.kill()
    wait_readable(gone, "the end of the helper")
    os.close(gone)


@pytest.mark.parametrize("place", ["tmpdir", "graveyard", "home"])
def test_what_a_killed_one_has_left_is_removed(tmp_path: Path, place: str) -> None:
    """Wherever there was room for it, and nothing else of that folder."""
    for name in ("tmpdir", "graveyard", "home"):
        (tmp_path / name).mkdir()
    graveyard = b"KUBEXIT_GRAVEYARD=" + os.fsencode(tmp_path / "graveyard")
    of = helper(SINGLE_FILE, os.fsencode(tmp_path / "home" / "kubexit"), os.fsencode(tmp_path / "tmpdir"), [graveyard])
    _, environment = of.command([])
    bundle = tmp_path / place / os.fsdecode(environment[-1].partition(b".")[2])
    bundle.mkdir()
    (bundle / "libc.so.6").touch()
    (bundle / "link").symlink_to(tmp_path)
    (tmp_path / place / ".kubexit-another").mkdir()
    of.clean_up()
    assert [entry.name for entry in (tmp_path / place).iterdir()] == [".kubexit-another"]
    bundle.mkdir()
    of.clean_up()
    assert bundle.exists(), "it is removed once: the next helper has another folder"


def test_a_link_in_the_place_of_its_folder_is_left_alone(tmp_path: Path) -> None:
    """Others may write to the folder, too."""
    of = helper(SINGLE_FILE, b"/bin/kubexit", os.fsencode(tmp_path))
    _, environment = of.command([])
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (tmp_path / os.fsdecode(environment[-1].partition(b".")[2])).symlink_to("precious")
    of.clean_up()
    assert (tmp_path / "precious" / "file").exists()
