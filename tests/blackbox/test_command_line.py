"""The command line is the child's, apart from the few options before it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from kubexit import __version__
from support.forms import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.supervisors import Supervisor
    from support.world import World

WIDEST = 100
MANY = 2000  # arguments, and as long as one may be: 128 KiB (MAX_ARG_STRLEN)
LONGEST_ARGUMENT = 128 * 1024 - 1


def said(supervisor: Supervisor) -> str:
    """Wait for its end, which has to be good and without a word on standard error, and give what it wrote on standard output."""
    assert supervisor.end() == 0
    assert supervisor.err is not None
    assert supervisor.err.all() == ""
    assert supervisor.out is not None
    return supervisor.out.all()


def arguments(world: World, command: Sequence[str | bytes], *, before: Sequence[str] = (), **variables: str) -> list[str]:
    """Run `command` behind these options, and give the arguments that the probe has seen, argv[0] included."""
    given: dict[str, Any] = {"name": "main", **variables}
    main = world.run([*before, *command], **given)
    assert main.out is not None
    seen = [line.removeprefix("argument ") for line in main.out.all().splitlines() if line.startswith("argument ")]
    assert main.end() == 0
    return seen


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_a_page_on_standard_output(world: World, option: str) -> None:
    """Exit 0, nothing on standard error, and nothing has to be configured for it."""
    page = said(world.run([option]))
    assert page.startswith("kubexit")
    assert page.endswith("\n")
    assert "usage:" in page
    assert list(world.graveyard.path.iterdir()) == []


def test_help_fits_a_terminal(world: World) -> None:
    """No line is wider than 100 columns, none has a blank at its end or a tabulator in it."""
    lines = said(world.run(["--help"])).splitlines()
    assert max(map(len, lines)) <= WIDEST
    assert all(line == line.rstrip() and "\t" not in line for line in lines)


def test_help_has_every_variable_of_the_readme(world: World) -> None:
    """A person can work from the page alone: variables, conditions, causes and exit statuses are all there."""
    readme = (ROOT / "README.md").read_text()
    rows = [line.split("|")[1] for line in readme.splitlines() if line.startswith("| `KUBEXIT_")]
    variables = {name for row in rows for name in re.findall(r"KUBEXIT_[A-Z_]+", row)}
    assert len(variables) > 15
    page = said(world.run(["--help"]))
    assert variables - set(re.findall(r"KUBEXIT_[A-Z_]+", page)) == set()
    words = ("started", "ready", "exited", "succeeded", "failed", "stopped", "stopped-always", "killed")
    for word in (*words, "126", "127", "--version", "--install DIR", "cp "):
        assert word in page


def test_version_says_version_commit_and_form(world: World) -> None:
    """`kubexit VERSION (commit COMMIT, FORM)`: what to write into a report."""
    line = said(world.run(["--version"]))
    assert re.fullmatch(rf"kubexit {re.escape(__version__)} \(commit (unknown|[0-9a-f]{{7,40}}(-dirty)?), (source|tree|single file)\)\n", line)
    form = world.installation.form
    if form != "pid1":
        assert line.endswith(f", {'single file' if form == 'single' else form})\n")


def test_help_and_version_need_no_good_configuration(world: World) -> None:
    """Who has made a mistake is the one who asks for help."""
    for option in ("--help", "--version"):
        assert said(world.run([option], name="a/b", grace_period="soon", death_deps="a/b", KUBEXIT_GRAVEYARD="/dev/null"))


@pytest.mark.parametrize("option", ["--hepl", "-v", "-", "--name=main", "---"])
def test_unknown_option_is_refused_with_a_hint(world: World, option: str) -> None:
    """Exit 2; the message names it and those that there are, and where the help is. The command is not run."""
    main = world.run([option, world.installation.actor], name="main")
    assert main.end() == 2
    assert main.out is not None
    assert main.out.all() == ""
    message = main.error()
    assert f"unknown option {option}" in message
    for word in ("--help", "--version", "--install DIR", "--"):
        assert word in message
    assert world.graveyard.stone("main")["Reason"] == "ConfigError"


def test_every_unknown_option_is_told(world: World) -> None:
    """All faults at once holds for options too."""
    main = world.run(["--one", "--two", world.installation.actor], name="main")
    assert main.end() == 2
    message = main.error()
    assert "--one" in message
    assert "--two" in message


@pytest.mark.parametrize("words", [[], ["--"]])
def test_missing_command_is_refused(world: World, words: list[str]) -> None:
    """Exit 2, a hint at the usage, and a tombstone, so that peers do not wait."""
    main = world.run(words, name="main")
    assert main.end() == 2
    assert "usage: kubexit" in main.error()
    assert world.graveyard.stone("main")["ExitCode"] == 2


def test_start_without_anything_says_what_is_missing(world: World) -> None:
    """Somebody who types the bare name is told both: a name is needed, and a command."""
    main = world.run([])
    assert main.end() == 2
    message = main.error()
    assert "KUBEXIT_NAME" in message
    assert "--help" in message


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_options_after_the_command_are_the_childs(world: World) -> None:
    """Nothing behind the first word that does not begin with `-` is looked at."""
    words = ["--help", "--version", "--", "-x", "--unknown", "", "a b"]
    assert arguments(world, [world.installation.probe, *words]) == [world.installation.probe, *words]


def test_two_dashes_end_the_options(world: World) -> None:
    """What comes behind them is the command, and a second pair is an argument."""
    probe = world.installation.probe
    assert arguments(world, [probe, "--", "x"], before=["--"]) == [probe, "--", "x"]


@pytest.mark.parametrize("name", ["-actor", "--help", "--"])
def test_command_may_begin_with_a_dash(world: World, name: str) -> None:
    """Behind `--` every word is a command, looked up in the caller's PATH."""
    folder = world.root / "bin"
    folder.mkdir()
    shutil.copy(world.installation.actor, folder / name)
    main = world.run(["--", name, "exit 6"], name="main", PATH=str(folder))
    assert main.end() == 6


@pytest.mark.parametrize("name", ["--version", "-"])
def test_command_with_a_dash_that_is_not_there_is_not_found(world: World, name: str) -> None:
    """127, as for any other."""
    main = world.run(["--", name], name="main")
    assert main.end() == 127


def test_empty_command_is_not_found(world: World) -> None:
    """As execvp has it: there is no file without a name."""
    main = world.run([""], name="main")
    assert main.end() == 127


@pytest.mark.parametrize(
    "argument",
    [bytes(range(1, 256)), b"caf\xe9", "café".encode(), b"\xed\xb2\x80", b"\xff\xfe", "\U0010ffff".encode(), b"line\nfeed"],
    ids=["all bytes", "latin-1", "utf-8", "surrogate", "no text", "last character", "line feed"],
)
@pytest.mark.parametrize("locale", [None, "C", "C.UTF-8", "POSIX", "nonsense"])
def test_arguments_reach_the_child_byte_for_byte(world: World, argument: bytes, locale: str | None) -> None:
    """They are bytes, in whatever locale: no text of any encoding."""
    variables = {} if locale is None else {"LC_ALL": locale}
    seen = arguments(world, [world.installation.probe, argument], **variables)
    expected = "".join(chr(byte) if 32 <= byte < 127 and byte != ord("\\") else f"\\x{byte:02x}" for byte in argument)
    assert seen == [world.installation.probe, expected]


def test_name_of_the_command_may_be_any_bytes(world: World) -> None:
    """It is a file's name; what the log shows of it is still JSON."""
    path = os.fsencode(world.root) + b"/caf\xe9"
    shutil.copy(os.fsencode(world.installation.actor), path)
    main = world.run([path, "exit 4"], name="main", verbose_level="1")
    assert main.end() == 4
    assert "caf\ufffd" in main.log()[-1]["event-traces"][0]["events"][0]["message"]


def test_many_and_long_arguments_reach_the_child(world: World) -> None:
    """As many and as long as the kernel takes."""
    words = [str(number) for number in range(MANY)] + ["x" * LONGEST_ARGUMENT]
    assert arguments(world, [world.installation.probe, *words])[1:] == words


def test_help_into_a_closed_pipe_ends_quietly(world: World) -> None:
    """`kubexit --help | head -0`: ended by SIGPIPE as any other program, without a trace of Python."""
    reader, writer = os.pipe()
    os.close(reader)
    helped = world.run(["--help"], stdout=writer)
    os.close(writer)
    assert helped.end() in ({1} if world.installation.first else {-13, 128 + 13})  # SIGPIPE ends no pid 1
    assert helped.logged_so_far() == ""


def test_help_with_closed_standard_output_does_not_crash(world: World) -> None:
    """There is nobody to read it; no traceback of ours either."""
    helped = world.run(["--help"], stage=["--close", "1"])
    assert helped.end() in {0, 1}
    assert "internal error" not in helped.logged_so_far()


def test_readme_example_of_the_plain_machine_works(world: World) -> None:
    """`kubexit` is found by a shell and its exit status is the shell's $?."""
    script = f"{' '.join(world.installation.command)} {world.installation.actor} 'exit 9'; echo status $?"
    environment = world.environment({"name": "main"})
    done = subprocess.run(["/bin/sh", "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "status 9\n"
