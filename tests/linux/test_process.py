"""linux/process.py against the kernel: exec and its errors, the search along PATH, what the child is given, groups, ends."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING

import pytest

from kubexit.linux import signals
from kubexit.linux.process import Child, Command, reap
from linux.forks import bits, descriptors, in_a_process, set_mask, wait_readable
from linux.starts import PYTHON, run, start

if TYPE_CHECKING:
    from pathlib import Path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="other users need root")


def script(path: Path, text: str, mode: int = 0o755) -> Path:
    """Make a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (b"/nowhere", errno.ENOENT),
        (b"nowhere-in-path", errno.ENOENT),
        (b"", errno.ENOENT),
        (b"/etc/passwd/x", errno.ENOTDIR),
        (b"/etc/passwd", errno.EACCES),
        (b"/etc", errno.EACCES),
        (b"./loop", errno.ELOOP),
        (b"/" + b"n" * 300, errno.ENAMETOOLONG),
        (b"./bad-interpreter", errno.ENOENT),
        (b"./elf", errno.ENOEXEC),
        (b"./secret", errno.ENOEXEC if os.geteuid() else None),
    ],
)
def test_a_program_that_cannot_be_executed(tmp_path: Path, command: bytes, error: int | None) -> None:
    """The errno of the exec comes back, and the child's exit code is 127 whatever it is. A program for another machine is not given to a shell."""
    (tmp_path / "loop").symlink_to("loop")
    script(tmp_path / "bad-interpreter", "#!/no/such/interpreter\n")
    script(tmp_path / "elf", "\x7fELF\x02\x01\x01" + "\0" * 100 + "\necho it was taken for a script\n")
    script(tmp_path / "secret", "exit 0", 0o111)  # what may not be read is no script, but root may read anything
    assert run([command], start(), tmp_path) == ((error, 127, b"") if error else (0, 0, b""))


def test_a_script_without_an_interpreter_line_is_run_by_the_shell(tmp_path: Path) -> None:
    """As execvp does, with its arguments."""
    script(tmp_path / "bin" / "tool", 'echo "$0" "$@"')
    environment = [f"PATH={tmp_path}/bin".encode()]
    assert run([b"tool", b"a b", b"c"], start(environment)) == (0, 0, f"{tmp_path}/bin/tool a b c\n".encode())
    assert run([f"{tmp_path}/bin/tool".encode(), b"x"], start([])) == (0, 0, f"{tmp_path}/bin/tool x\n".encode())


def test_the_first_folder_of_path_that_has_it_wins(tmp_path: Path) -> None:
    """Folders that are not there, are no folders or have only something that cannot be executed are passed over."""
    script(tmp_path / "denied" / "tool", "echo denied", 0o644)
    script(tmp_path / "first" / "tool", "#!/bin/sh\necho first")
    script(tmp_path / "second" / "tool", "#!/bin/sh\necho second")
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "tool").mkdir(parents=True)
    path = ":".join(str(tmp_path / name) for name in ("missing", "file", "folder", "denied", "first", "second"))
    assert run([b"tool"], start([f"PATH={path}".encode()])) == (0, 0, b"first\n")


def test_what_was_found_but_could_not_be_executed_is_the_error(tmp_path: Path) -> None:
    """Permission denied says more than "not found" of a later folder: 126, not 127."""
    script(tmp_path / "denied" / "tool", "echo denied", 0o644)
    for path in (f"{tmp_path}/denied:/nowhere", f"/nowhere:{tmp_path}/denied"):
        assert run([b"tool"], start([f"PATH={path}".encode()]))[0] == errno.EACCES


@pytest.mark.parametrize("path", ["", ":/nowhere", "/nowhere:", "/nowhere::/usr", "."])
def test_an_empty_entry_of_path_is_the_working_directory(tmp_path: Path, path: str) -> None:
    """As POSIX has it."""
    script(tmp_path / "tool", "#!/bin/sh\necho here")
    assert run([b"tool"], start([f"PATH={path}".encode()]), tmp_path) == (0, 0, b"here\n")


def test_without_path_the_system_s_folders_are_searched(tmp_path: Path) -> None:
    """And not the working directory."""
    assert run([b"true"], start([])) == (0, 0, b"")
    script(tmp_path / "tool-of-ours", "#!/bin/sh\necho here")
    assert run([b"tool-of-ours"], start([]), tmp_path)[0] == errno.ENOENT


def test_the_path_of_the_caller_counts_and_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frozen program's own environment may be another one; of repeated entries the first counts, as getenv has it."""
    script(tmp_path / "tool", "#!/bin/sh\necho found")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert run([b"tool"], start())[0] == errno.ENOENT
    monkeypatch.setenv("PATH", "/usr/bin")
    assert run([b"tool"], start([f"PATH={tmp_path}".encode(), b"PATH=/nowhere"])) == (0, 0, b"found\n")


def test_a_command_with_a_slash_is_not_searched_for(tmp_path: Path) -> None:
    """It is a path, relative to where we are."""
    script(tmp_path / "bin" / "tool", "#!/bin/sh\necho found")
    assert run([b"bin/tool"], start(), tmp_path) == (0, 0, b"found\n")
    assert run([b"./tool"], start([f"PATH={tmp_path}/bin".encode()]), tmp_path)[0] == errno.ENOENT


def test_argument_lines_are_any_bytes() -> None:
    """Empty ones, no UTF-8, long ones; argv[0] is the command as it was given."""
    arguments = [b"sh", b"-c", b"cat /proc/$$/cmdline; :", b"", b"\xff\xfe", b"new\nline", b"x" * 100_000]
    assert run(arguments, start())[2] == b"\0".join(arguments) + b"\0"


def test_the_environment_is_any_bytes() -> None:
    """In its order, with repeated names, entries without "=" and bytes that are no text."""
    environment = [b"B=2", b"A=1", b"A=3", b"=empty name", b"no equals sign", b"X=\xff\xfe", b"EMPTY=", b"L=" + b"x" * 100_000, b"PATH=/usr/bin:/bin"]
    assert run([b"cat", b"/proc/self/environ"], start(environment))[2] == b"\0".join(environment) + b"\0"
    assert run([b"/bin/cat", b"/proc/self/environ"], start([]))[2] == b""


@pytest.mark.parametrize("mask", [0, bits(15), bits(2, 32, 33, 34, 64), 2**64 - 1 & ~bits(9, 19)])
@pytest.mark.parametrize("ignored", [0, bits(2, 13, 17, 25)])
def test_the_child_gets_mask_and_dispositions_as_they_were_given_to_us(mask: int, ignored: int) -> None:
    """Although we block everything, and the Python interpreter ignores SIGPIPE and SIGXFSZ."""

    @in_a_process
    def check() -> dict[str, str]:
        for number in (2, 13, 17, 25):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        set_mask(0)
        output = run([b"cat", b"/proc/self/status"], start(mask=mask, ignored=ignored))[2]
        return {name: value.strip() for name, _, value in (line.partition(":") for line in output.decode().splitlines())}

    found = check()
    assert int(found["SigBlk"], 16) == mask
    assert int(found["SigIgn"], 16) & bits(2, 13, 17, 25) == ignored


def test_the_child_inherits_no_descriptor_of_ours() -> None:
    """Only 0, 1 and 2, and what was inheritable before."""
    listing = run([PYTHON, b"-I", b"-S", b"-c", b"import posix; print(*posix.listdir('/proc/self/fd'))"], start())[2]
    inherited = {fd for fd in descriptors() if os.get_inheritable(fd)}
    assert len({int(number) for number in listing.split()} - inherited - {0, 1, 2}) == 1  # that of the listing


@in_a_process
def test_a_child_has_left_its_stop_when_it_was_continued_though_it_may_have_stopped_again_or_ended() -> None:
    """Only a stop that was reaped and lasts is one that somebody has to end."""
    signals.block_all()
    given = start()
    child = Child(Command([b"sleep", b"1000"], given.environment), given, lead_group=False)
    wait_readable(child.started.fd, "the start")
    seen = [_after(child, number, change) for number, change in ((signal.SIGSTOP, os.WSTOPPED), (signal.SIGCONT, os.WCONTINUED))]
    seen.append(_after(child, signal.SIGSTOP, os.WSTOPPED))
    reap()
    seen.append(child.has_left_its_stop())
    seen.append(_after(child, signal.SIGKILL, os.WEXITED))
    assert seen == [True, True, True, False, True]


def _after(child: Child, number: int, change: int) -> bool:
    """Send a signal, wait for the change that it makes, which is left to be reaped, and ask."""
    child.send(number)
    os.waitid(os.P_PID, child.pid, change | os.WNOWAIT)
    return child.has_left_its_stop()
