"""The child sees what its supervisor was given, byte for byte, and nothing of Python, PyInstaller, staticx or us."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.facts import given_to

if TYPE_CHECKING:
    from support.world import World

HARMLESS_ENVIRONMENT = [
    b"PATH=/usr/bin:/bin",
    b"EMPTY=",
    b"TWICE=one",
    b"TWICE=two",
    b"no equals sign",
    b"",
    b"=nameless",
    b"X=\xff\xfe\x80 \xc3\xa4",
    b"MULTI=line one\nline two\t\x01",
    b"LC_ALL=C",
    b"LANG=de_DE.ISO-8859-1",
    b"DEBUG=true",
    b"TERM=",
    b"_=x",
    b"VIRTUAL_ENV=/v",
    b"NOTIFY_SOCKET=/run/x",
    b"LISTEN_PID=1",
    b"LISTEN_FDS=3",
    b"KUBEXIT_SERVICE_HOST=10.0.0.1",
    b"kubexit_lower=case",
]
LOADERS_ENVIRONMENT = [
    b"LD_LIBRARY_PATH=/nonexistent:/lib",
    b"LD_LIBRARY_PATH_ORIG=/orig",
    b"LD_PRELOAD=/nonexistent/preload.so",
    b"LD_AUDIT=/nonexistent/audit.so",
    b"LD_BIND_NOW=1",
    b"LD_DEBUG=",
    b"GLIBC_TUNABLES=glibc.malloc.check=3",
    b"MALLOC_ARENA_MAX=1",
    b"MALLOC_CHECK_=3",
    b"PYTHONHOME=/nonexistent",
    b"PYTHONPATH=/nonexistent",
    b"PYTHONSTARTUP=/nonexistent",
    b"PYTHONINSPECT=1",
    b"PYTHONMALLOC=debug",
    b"PYTHONVERBOSE=1",
    b"PYTHONDEVMODE=1",
    b"PYTHONCOERCECLOCALE=warn",
    b"PYTHONWARNINGS=error",
    b"PYINSTALLER_RESET_ENVIRONMENT=1",
    b"PYINSTALLER_STRICT_UNPACK_MODE=1",
    b"_PYI_ARCHIVE_FILE=/nonexistent",
    b"_PYI_PARENT_PROCESS_LEVEL=1",
    b"_PYI_APPLICATION_HOME_DIR=/nonexistent",
    b"_MEIPASS2=/nonexistent",
    b"STATICX_BUNDLE_DIR=/bin",
    b"STATICX_PROG_PATH=/bin/sh",
    b"STATICX_BOOTLOADER_IDENTIFY=1",
    b"_KUBEXIT_MASK=ff",
    b"_KUBEXIT_ARGV0=other",
    b"_KUBEXIT_IGNORED=ff",
    b"_KUBEXIT_MEMFDS=0,1,2,",
    b"_KUBEXIT_HID._KUBEXIT_MASK=1",
    b"_KUBEXIT_HID.LD_PRELOAD=/x",
]


def test_environment_is_what_we_were_given(world: World) -> None:
    """Order, repeated names, entries without "=", empty ones and bytes of any kind stay as they are."""
    plain, supervised = given_to(world, HARMLESS_ENVIRONMENT)
    assert supervised.environment == plain.environment


@pytest.mark.frozen_only("in the source form these act on the interpreter and its loader before any line of ours")
def test_environment_of_loaders_and_interpreters_is_the_childs(world: World) -> None:
    """What would act on the program that carries us acts on the child alone, and reaches it unchanged and in its place."""
    plain, supervised = given_to(world, [*LOADERS_ENVIRONMENT, *HARMLESS_ENVIRONMENT, *LOADERS_ENVIRONMENT])
    assert supervised.environment == plain.environment


def test_nothing_else_differs(world: World) -> None:
    """Arguments, descriptors and their flags, directory, umask, limits, nice value, users, mask and dispositions: as given."""
    plain, supervised = given_to(world, HARMLESS_ENVIRONMENT, stage=["--umask", "027", "--chdir", "/usr", "--limit", "nofile", "77"])
    assert supervised.rest == plain.rest


def test_descriptors_that_we_were_given_are_the_childs(world: World) -> None:
    """Pipes, files and sockets at any number, up to the limit, are passed on with their flags. None of ours is."""
    reader, writer = os.pipe()
    stage = ["--open", "/dev/null", "3", "--open", "/etc/passwd", "9", "--open", "/dev/zero", "500"]
    try:
        plain, supervised = given_to(world, [], stage=stage, pass_fds=[reader, writer])
        assert supervised.rest == plain.rest
        assert {"3", "9", "500", str(reader), str(writer)} <= {line.split()[1] for line in supervised.rest if line.startswith("descriptor")}
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), (0, 1, 2), (1, 2)])
def test_closed_descriptors_stay_closed(world: World, closed: tuple[int, ...]) -> None:
    """Who closed 0 to 2 finds them closed: no file of ours ever lands there."""
    stage = [word for fd in closed for word in ("--close", str(fd))]
    plain, supervised = given_to(world, [], stage=stage)
    assert supervised.rest == plain.rest


@pytest.mark.parametrize(
    ("mask", "ignored"),
    [
        ("0", "0"),
        ("ffffffffffffffff", "0"),
        ("0", "ffffffffffffffff"),
        ("800", "1000"),  # USR2 blocked, PIPE ignored
        ("200000000", "100000000"),  # 34 blocked, 33 ignored
        ("10000", "10000"),  # CHLD, both
        ("4002", "1"),  # INT and TERM blocked, HUP ignored as by nohup
    ],
)
@pytest.mark.frozen_only("the interpreter ignores PIPE and XFSZ for itself before any line of ours can see what they were")
def test_mask_and_dispositions_are_what_we_were_given(world: World, mask: str, ignored: str) -> None:
    """All 64 signals, CHLD, PIPE and XFSZ included, which the supervisor itself has to have otherwise."""
    plain, supervised = given_to(world, [], stage=["--mask", mask, "--ignore", ignored])
    assert supervised.rest == plain.rest


@pytest.mark.parametrize(("mask", "ignored"), [("800", "0"), ("4002", "1"), ("200000000", "10000"), ("10000", "10001")])
def test_mask_and_ordinary_dispositions_are_what_we_were_given(world: World, mask: str, ignored: str) -> None:
    """The same for those that the interpreter does not touch; CHLD is ignored again if it was."""
    plain, supervised = given_to(world, [], stage=["--mask", mask, "--ignore", ignored])
    assert supervised.rest == plain.rest


def test_arguments_are_any_bytes(world: World) -> None:
    """Empty ones, such with blanks, newlines and bytes that are no text in any encoding, and options of the child's."""
    arguments = [b"", b" ", b"a b", b"\xff\xfe", b"\xc3\xa4\xc3", b"line\nline", b"--help", b"--", b"-x", b"KUBEXIT_NAME=y", b"$HOME *"]
    plain, supervised = given_to(world, [], arguments=arguments)
    assert supervised.arguments == plain.arguments
    assert len(supervised.arguments) == len(arguments) + 3


def test_huge_arguments_and_environment_fit(world: World) -> None:
    """What the kernel lets through us it lets through to the child: 1.5 MB of both, 120 kB in one piece."""
    entries = [b"BIG%d=" % number + b"x" * 120_000 for number in range(6)]
    arguments = [b"y" * 120_000] * 6
    plain, supervised = given_to(world, entries, arguments=arguments)
    assert supervised.environment == plain.environment
    assert supervised.arguments == plain.arguments


def test_name_of_the_command_is_the_callers_word(world: World) -> None:
    """argv[0] of the child is the word on our command line, not the path that it was found at."""
    folder = world.root / "bin"
    folder.mkdir()
    (folder / "my-probe").symlink_to(world.installation.probe)
    main = world.run(["my-probe", "x"], name="main", PATH=f"/nonexistent:{folder}")
    assert main.says("argument") == "argument my-probe"
    assert main.end() == 0


def test_command_is_looked_up_in_the_callers_path(world: World) -> None:
    """In its order, folders and files that cannot be executed left out; an empty part is the working directory."""
    first, second = world.root / "first", world.root / "second"
    for folder in (first, second, world.root / "first" / "tool"):
        folder.mkdir()
    (second / "tool").symlink_to(world.installation.actor)
    assert world.run(["tool", "exit 3"], name="main", PATH=f"{first}:{second}").end() == 3
    (world.root / "here").symlink_to(world.installation.actor)
    assert world.run(["here", "exit 4"], name="main", PATH="/nonexistent::/bin").end() == 4


def test_without_path_the_usual_folders_are_searched(world: World) -> None:
    """As execvp has it."""
    plain, supervised = given_to(world, [], path=None)
    assert supervised.environment == plain.environment


def test_script_without_an_interpreter_line_is_run_by_the_shell(world: World) -> None:
    """As execvp, and so env and every shell, has it."""
    script = world.root / "script"
    script.write_text("echo $1; exit 9\n")
    script.chmod(0o755)
    main = world.run([str(script), "hello"], name="main")
    assert main.says("hello")
    assert main.end() == 9


def test_standard_input_is_the_childs(world: World) -> None:
    """We never read it."""
    main = world.run(["/bin/cat"], name="main", stdin=subprocess.PIPE)
    assert main.process.stdin is not None
    main.process.stdin.write(b"through\n" * 20_000)
    main.process.stdin.close()
    main.process.stdin = None
    assert main.out is not None
    assert main.out.rest() == ["through"] * 20_000
    assert main.end() == 0


def test_standard_output_is_the_childs_alone(world: World) -> None:
    """We never write to it, whatever happens, at any level of the log."""
    world.graveyard.carve("broken", b"\x00\xff")
    main = world.start("main", "quiet", "exit 3", death_deps="broken", instant_logging="true", verbose_level="5", birth_timeout="1s")
    assert main.end() == 3
    assert main.out is not None
    assert main.out.all() == ""
