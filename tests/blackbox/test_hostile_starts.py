"""However a supervisor is started, it supervises: it passes signals on, stops its child when a dependency dies, and writes Died."""

from __future__ import annotations

import subprocess
from signal import SIGTERM
from typing import TYPE_CHECKING

import pytest

from support import processes

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from support.supervisors import Supervisor
    from support.world import World

NOBODY = "65534"
ALL_SIGNALS = "ffffffffffffffff"


def assert_supervises(world: World, sidecar: Supervisor) -> None:
    """Check that signals reach the child, that it is stopped when main has died, and that this is written down."""
    sidecar.ready()
    sidecar.send(10)
    assert sidecar.says("signal").split()[1] == "10"
    world.graveyard.carve_died("main", 0)
    assert sidecar.says("signal").split()[1] == "15"
    assert sidecar.end() == 0
    assert sidecar.stone()["Reason"] == "DependencyDied"


def start(world: World, *stage: str, **variables: Any) -> Supervisor:
    """Start a sidecar of main in this state."""
    return world.run([world.installation.actor, "on 15 die"], name="sidecar", death_deps="main", stage=stage, **variables)


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "LANG": ""},
        {"LC_ALL": "xx_YY.nonsense"},
        {"LANG": "de_DE.ISO-8859-1"},
        {"PYTHONUTF8": "0", "LC_ALL": "C"},
        {"DEBUG": "true"},
        {"VIRTUAL_ENV": "/v", "CONDA_PREFIX": "/c"},
        {"TERM": "dumb", "COLUMNS": "0", "LINES": "x"},
        {"HOME": "/nonexistent", "USER": "nobody"},
        {"NOTIFY_SOCKET": "/run/systemd/notify", "LISTEN_FDS": "3", "LISTEN_PID": "1"},
        {"X": b"\xff\xfe\x00"[:2], "KUBEXIT_POD_NAME": b"\xff"},
        {"BIG": "x" * 130_000},
        {"TZ": ":/etc/passwd"},
        {"TMPDIR_OF_NOBODY": "1", "PATH": ""},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_environment_of_any_kind(world: World, variables: dict[str, str | bytes]) -> None:
    """Locale, debug switches, sizes and bytes of other people's variables mean nothing to us."""
    assert_supervises(world, start(world, **variables))


@pytest.mark.frozen_only("the interpreter of the source form obeys these; nobody can start it otherwise")
@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONHOME": "/nonexistent"},
        {"PYTHONPATH": "/nonexistent:/etc"},
        {"PYTHONSTARTUP": "/etc/passwd", "PYTHONINSPECT": "1"},
        {"PYTHONVERBOSE": "1", "PYTHONDEVMODE": "1", "PYTHONTRACEMALLOC": "9"},
        {"PYTHONMALLOC": "nonsense"},
        {"PYTHONHASHSEED": "nonsense"},
        {"PYTHONUTF8": "nonsense"},
        {"PYTHONWARNINGS": "error", "PYTHONIOENCODING": "nonsense"},
        {"PYTHONOPTIMIZE": "2", "PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": ""},
        {"LD_LIBRARY_PATH": "/nonexistent"},
        {"LD_BIND_NOW": "1", "LD_DEBUG": "all", "LD_DEBUG_OUTPUT": "/nonexistent/x"},
        {"LD_PRELOAD": "/nonexistent/a.so:/nonexistent/b.so"},
        {"GLIBC_TUNABLES": "glibc.malloc.check=3:glibc.malloc.perturb=165"},
        {"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "1"},
        {"_PYI_ARCHIVE_FILE": "/nonexistent", "_PYI_PARENT_PROCESS_LEVEL": "1", "_MEIPASS2": "/nonexistent"},
        {"PYINSTALLER_RESET_ENVIRONMENT": "1", "PYINSTALLER_STRICT_UNPACK_MODE": "1"},
        {"STATICX_BUNDLE_DIR": "/etc", "STATICX_PROG_PATH": "/bin/sh"},
        {"_KUBEXIT_MASK": "ffff", "_KUBEXIT_IGNORED": "x", "_KUBEXIT_MEMFDS": "0,1,2,", "_KUBEXIT_ARGV0": "sh"},
        {"TMPDIR": "/nonexistent"},
        {"TMPDIR": "/proc"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_environment_that_acts_on_loaders_and_interpreters(world: World, variables: dict[str, str]) -> None:
    """What is meant for the child's loader or interpreter does not reach ours."""
    assert_supervises(world, start(world, **variables))


@pytest.mark.frozen_only("the loader of the source form obeys LD_PRELOAD before our first line")
@pytest.mark.parametrize("what", ["aborts", "wants a newer C library"])
def test_preloaded_library_that_breaks_programs(world: World, what: str) -> None:
    """Tracers and allocators are preloaded into the application; one that does not fit our C library must not stop us."""
    library = world.root / "preload.so"
    source = "#include <stdlib.h>\n__attribute__((constructor)) void start(void) { abort(); }\n"
    if what != "aborts":
        source = "extern int of_no_library(void); int x(void) { return of_no_library(); } int (*y)(void) = of_no_library;\n"
    subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)], input=source.encode(), check=True)
    assert_supervises(world, start(world, LD_PRELOAD=str(library)))  # the actor is static: it is not preloaded into


@pytest.mark.parametrize("closed", ["0", "1", "2", "01", "012", "12"])
def test_closed_standard_descriptors(world: World, closed: str) -> None:
    """Whatever lands at 0 to 2 otherwise, none of our files does; a child without them is supervised all the same."""
    stage = [word for fd in closed for word in ("--close", fd)]
    sidecar = world.run([world.installation.actor, "on 15 exit 6"], name="sidecar", death_deps="main", stage=stage)
    stone = world.graveyard.wait_for_stone("sidecar")
    assert "Born" in stone
    child = processes.children(sidecar.pid)[0]
    processes.wait_until(lambda: processes.waits_for_signals(child), "the child to wait for signals")
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 6
    assert sidecar.stone()["Reason"] == "DependencyDied"


def test_stray_descriptors(world: World) -> None:
    """Files that somebody left open, up to high numbers, are no concern of ours."""
    stage = [word for fd in (3, 4, 5, 6, 7, 8, 20, 63, 100, 101, 255, 900) for word in ("--open", "/dev/null", str(fd))]
    assert_supervises(world, start(world, *stage))


@pytest.mark.parametrize("blocked", [ALL_SIGNALS, "0", "10000", "4002"])
@pytest.mark.parametrize("ignored", [ALL_SIGNALS, "0", "10000", "1000"])
def test_blocked_and_ignored_signals(world: World, blocked: str, ignored: str) -> None:
    """CHLD ignored, PIPE ignored, everything blocked: we hear of the child's end, and pass on what is sent to us."""
    assert_supervises(world, start(world, "--mask", blocked, "--ignore", ignored))


def test_ignored_term_still_ends_a_wait(world: World) -> None:
    """A supervisor that cannot be told to stop would hang for ever; nohup's HUP, though, stays ignored."""
    client = world.run(
        [world.installation.actor], name="client", birth_deps="nobody", birth_timeout="0", instant_logging="1", stage=["--ignore", "4001"]
    )
    client.settle()
    client.send(1)
    client.settle()
    assert not client.ended
    client.send(SIGTERM)
    assert client.end() == 143


@pytest.mark.parametrize("umask", ["000", "022", "077", "777"])
def test_umask_of_any_kind(world: World, umask: str) -> None:
    """Tombstone and lock have the modes that peers of other users need."""
    sidecar = start(world, "--umask", umask)
    sidecar.ready()
    world.graveyard.wait_for_stone("sidecar")
    assert (world.graveyard.path / "sidecar").stat().st_mode & 0o7777 == 0o644
    assert (world.graveyard.path / ".sidecar.lock").stat().st_mode & 0o7777 == 0o666
    assert_supervises(world, sidecar)


@pytest.mark.parametrize(
    ("name", "value"), [("nofile", "16"), ("core", "0"), ("stack", "131072"), ("as", "200000000"), ("fsize", "40000000"), ("cpu", "60")]
)
def test_low_limits(world: World, name: str, value: str) -> None:
    """Few descriptors, little stack, little address space."""
    assert_supervises(world, start(world, "--limit", name, value))


def test_limit_that_leaves_no_descriptor_is_an_error_with_a_tombstone(world: World) -> None:
    """Too few to work with: exit 1 and, as far as that can be written, Died. Nobody hangs."""
    for number in range(3, 16):
        sidecar = world.run(
            [world.installation.actor, "exit 0"], name=f"sidecar-{number}", death_deps="main", stage=["--limit", "nofile", str(number)]
        )
        assert sidecar.end() in (0, 1, 126, 127)
        world.may_leave_bundle = True


def test_limit_that_leaves_no_process_is_an_error_with_a_tombstone(world: World) -> None:
    """No fork: exit 1 or 126, Died without Born."""
    sidecar = world.run([world.installation.actor], name="sidecar", stage=["--limit", "nproc", "1", "--user", "54329"])
    status = sidecar.end()
    assert status in (1, 126)
    stone = sidecar.stone()
    assert stone["ExitCode"] == status
    assert "Born" not in stone


def test_user_without_a_passwd_entry(world: World) -> None:
    """As most containers' users are."""
    assert_supervises(world, start(world, "--user", "54321"))


def test_working_directory_that_is_gone(world: World) -> None:
    """Removed while somebody stands in it."""
    gone = world.root / "gone"
    gone.mkdir()
    script = f'cd {gone} && rmdir {gone} && exec "$@"'
    command = ["/bin/sh", "-c", script, "sh", *world.installation.command, world.installation.actor, "on 15 die"]
    assert_supervises(world, world.run(command, name="sidecar", death_deps="main", kubexit=[]))


@pytest.mark.frozen_only("the source form needs Debian's Python")
def test_empty_read_only_root(world: World) -> None:
    """Nothing but the program, /proc and a writable graveyard: no /tmp, no /dev, no library, no passwd, a user of no name."""
    root = make_root(world)
    sidecar = world.run(
        ["/bin/actor", "on 15 die"],
        name="sidecar",
        death_deps="main",
        graveyard="/graveyard",
        TMPDIR="/tmp",
        kubexit=[f"/bin/{world.installation.command[0].removeprefix(str(world.installation.folder)).strip('/')}"],
        stage=[
            *("--mounts", "--bind", str(root), str(root), "--proc", f"{root}/proc"),
            *("--bind", str(world.graveyard.path), f"{root}/graveyard", "--readonly", str(root)),
            *("--chroot", str(root), "--user", NOBODY),
        ],
    )
    assert_supervises(world, sidecar)


def make_root(world: World) -> Path:
    """Make a root file system with nothing in it that is not needed."""
    root = world.root / "root"
    for folder in ("proc", "graveyard", "bin"):
        (root / folder).mkdir(parents=True)
    subprocess.run(["cp", "-r", f"{world.installation.folder}/.", str(root / "bin")], check=True)
    return root


def test_signal_that_waits_at_the_first_line_is_heard_before_a_child_is_started(world: World) -> None:
    """A TERM that is pending when we start, as one that came during exec is: no child is started after it."""
    command = ["/bin/sh", "-c", '(kill -TERM $$); exec "$@"', "sh", *world.installation.command, world.installation.actor]
    main = world.run(command, name="main", kubexit=[], stage=["--mask", "4000"])
    assert main.end() == 143
    stone = main.stone()
    assert stone["Reason"] == "Terminated"
    assert "Born" not in stone
