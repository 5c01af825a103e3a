"""Nothing that a peer or a volume puts into the graveyard can crash, block or grow a supervisor."""

from __future__ import annotations

import os
import socket
from signal import SIGTERM
from typing import TYPE_CHECKING

import pytest

from support import processes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.supervisors import Supervisor
    from support.world import World


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_link_out(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def make_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def make_link_to_a_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("fifo"))
    path.symlink_to("fifo")


def make_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def make_directory(path: Path) -> None:
    path.mkdir()


def make_zero_device(path: Path) -> None:
    os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))  # reads without end


def make_tty_device(path: Path) -> None:
    os.mknod(path, 0o666 | 0o020000, os.makedev(4, 64))  # ttyS0: opening it may wait for a carrier


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))


def make_sparse_terabyte(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def make_too_large(path: Path) -> None:
    path.write_text('Died: "2026-11-20T03:12:19Z"\nExitCode: 1\n' + "# more than 64 KiB\n" * 4000)


def make_unreadable(path: Path) -> None:
    path.write_text('Died: "2026-11-20T03:12:19Z"\n')
    path.chmod(0)


def make_garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 100)


def make_zeros(path: Path) -> None:
    path.write_bytes(bytes(4096))


def make_half(path: Path) -> None:
    path.write_text('Born: "2026-11-20T03:12:18.2337934')


def make_other_yaml(path: Path) -> None:
    path.write_text("- a\n- {b: c}\n- &x [*x]\n")


def make_yaml_bomb(path: Path) -> None:
    path.write_text("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a,*a,*a,*a,*a,*a,*a]\n" for n in range(300)))


def make_deep_nesting(path: Path) -> None:
    path.write_text("Died: " + "[" * 60_000)


def make_long_line(path: Path) -> None:
    path.write_text("Died: " + "x" * 60_000)


def make_huge_number(path: Path) -> None:
    path.write_text('Died: "2026-11-20T03:12:19Z"\nExitCode: ' + "9" * 60_000 + "\n")


def make_wrong_types(path: Path) -> None:
    path.write_text("Died: {a: b}\nExitCode: yes\nBorn: 12\n")


def make_bad_time(path: Path) -> None:
    path.write_text('Died: "soon"\nExitCode: 0\n')


STRANGE: list[Callable[[Path], None]] = [
    make_fifo, make_link_out, make_link_to_itself, make_link_to_a_fifo, make_dangling_link, make_directory, make_zero_device, make_tty_device,
    make_socket, make_sparse_terabyte, make_too_large, make_garbage, make_zeros, make_half, make_other_yaml, make_yaml_bomb, make_deep_nesting,
    make_long_line, make_huge_number, make_wrong_types, make_bad_time,
]  # fmt: skip


def name_of(make: Callable[[Path], None]) -> str:
    """Give the name of a case."""
    return make.__name__.removeprefix("make_")


def start_sidecar(world: World, *commands: str) -> Supervisor:
    """Start a sidecar of main that tells all that it sees."""
    sidecar = world.start("sidecar", *(commands or ("on 15 die",)), death_deps="main", instant_logging="1")
    sidecar.ready()
    return sidecar


def assert_sound(world: World, sidecar: Supervisor, path: Path) -> None:
    """Check that it has not grown, and still sees main's end once that can be read."""
    assert processes.resident_kilobytes(sidecar.pid) < 40_000
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0


@pytest.mark.parametrize("make", STRANGE, ids=name_of)
def test_strange_tombstone_of_a_peer_is_ignored_until_it_changes(world: World, make: Callable[[Path], None]) -> None:
    """There when we start: ignored, told once at most, and the next whole one counts."""
    path = world.graveyard.path / "main"
    make(path)
    sidecar = start_sidecar(world)
    sidecar.settle()
    assert_sound(world, sidecar, path)
    assert len([warning for warning in sidecar.warnings() if "main" in warning]) <= 1


@pytest.mark.parametrize("make", STRANGE, ids=name_of)
def test_strange_tombstone_that_appears_later_is_ignored_until_it_changes(world: World, make: Callable[[Path], None]) -> None:
    """Renamed into place while we watch, after a good one."""
    world.graveyard.carve_born("main")
    sidecar = start_sidecar(world)
    path, made = world.graveyard.path / "main", world.graveyard.path / "made"
    make(made)
    path.unlink()
    made.rename(path)
    sidecar.settle()
    assert_sound(world, sidecar, path)
    assert len([warning for warning in sidecar.warnings() if "main" in warning]) <= 1


@pytest.mark.parametrize("make", [make_fifo, make_link_out, make_directory, make_zero_device, make_socket, make_dangling_link], ids=name_of)
def test_strange_lock_file_of_a_peer_means_no_lock(world: World, make: Callable[[Path], None]) -> None:
    """Peers without a lock file are judged by their tombstone alone; a lock that is no file is none."""
    make(world.graveyard.path / ".main.lock")
    world.graveyard.carve_born("main")
    sidecar = start_sidecar(world)
    sidecar.settle()
    assert not sidecar.ended
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0


def wait_for_blocked(pid: int) -> None:
    """Wait until a process sleeps in the opening of a FIFO."""
    processes.wait_until(lambda: any(name in processes.waits_in(pid) for name in ("fifo", "wait_for_partner")), "a writer that waits")


def test_fifo_is_never_opened(world: World) -> None:
    """Opening it could block, and would wake whoever waits at its other end: a writer that waits goes on waiting."""
    os.mkfifo(world.graveyard.path / "main")
    os.mkfifo(world.graveyard.path / ".main.lock")
    writers = [world.other(["/bin/sh", "-c", 'exec 3>"$0"; echo opened', str(world.graveyard.path / name)]) for name in ("main", ".main.lock")]
    for writer in writers:
        wait_for_blocked(writer.pid)
    sidecar = start_sidecar(world, "on 15 exit 3")
    sidecar.settle()
    assert [writer.poll() for writer in writers] == [None, None]
    sidecar.send(SIGTERM)
    assert sidecar.end() == 3


@pytest.mark.parametrize(
    "make", [make_fifo, make_link_out, make_link_to_itself, make_dangling_link, make_directory, make_zero_device, make_socket], ids=name_of
)
@pytest.mark.parametrize("file", ["main", ".main.lock", ".main.new"])
def test_strange_file_in_the_place_of_our_own_is_refused(world: World, make: Callable[[Path], None], file: str) -> None:
    """We never write through a link nor into anything that is no file of ours: exit 1, the message names the path, no child."""
    path = world.graveyard.path / file
    make(path)
    before = path.lstat()
    main = world.start("main")
    assert main.end() == 1
    assert main.out is not None
    assert main.out.rest() == []
    assert file in main.error()
    assert path.lstat() == before


def test_symbolic_link_is_never_written_through(world: World) -> None:
    """A tombstone that is a link to something precious leaves that as it is."""
    precious = world.root / "precious"
    precious.write_text("precious")
    for name, file in (("a", "a"), ("b", ".b.lock"), ("c", ".c.new")):
        (world.graveyard.path / file).symlink_to("../precious")
        assert world.start(name).end() == 1
        assert precious.read_text() == "precious"


def test_thousands_of_foreign_files_do_not_matter(world: World) -> None:
    """Only what belongs to a dependency is ever looked at."""
    for number in range(5_000):
        (world.graveyard.path / f"foreign-{number}").touch()
    main = world.start("main", "on 15 exit 0")
    sidecar = start_sidecar(world)
    main.ready()
    assert processes.resident_kilobytes(sidecar.pid) < 40_000
    main.send(SIGTERM)
    assert (main.end(), sidecar.end()) == (0, 0)


def test_flood_of_events_is_survived(world: World) -> None:
    """More events than the kernel keeps: it says that some were lost, and everything is looked at again."""
    sidecar = start_sidecar(world)
    sidecar.send(19)
    processes.wait_until(lambda: processes.state(sidecar.pid) == "T", "the stopped supervisor")
    limit = int(processes.read("/proc/sys/fs/inotify/max_queued_events"))
    names = [world.graveyard.path / f"flood-{number}" for number in range(2)]
    for number in range(limit + 100):
        names[number % 2].write_bytes(b"")
    world.graveyard.carve_died("main", 0)
    sidecar.send(18)
    assert sidecar.end() == 0


def test_tombstone_that_changes_all_the_time_does_not_starve_signals(world: World) -> None:
    """A peer that writes without end cannot keep a TERM from being passed on."""
    writer = world.other(["/bin/sh", "-c", 'while :; do echo "Born: \\"2026-11-20T03:12:18Z\\"" >"$0"; done', str(world.graveyard.path / "main")])
    sidecar = world.start("sidecar", "on 15 exit 3", death_deps="main")
    sidecar.ready()
    for number in (10, 12, 15):
        sidecar.send(number)
        assert sidecar.says("signal").split()[1] == str(number)
    assert sidecar.end() == 3
    writer.kill()


def test_file_name_that_is_no_text_harms_nothing(world: World) -> None:
    """Names are bytes to the kernel."""
    (world.graveyard.path / os.fsdecode(b"\xff\xfe")).write_bytes(b"x")
    sidecar = start_sidecar(world)
    (world.graveyard.path / os.fsdecode(b"\xfd\n")).write_bytes(b"x")
    sidecar.settle()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0


def test_name_may_be_any_text_of_two_hundred_bytes(world: World) -> None:
    """Blanks, quotes, letters of any script: all that a file name may be, but for what our lists need."""
    for number, name in enumerate(("ä ö", "quo\"te's", "-dash", "a=b", "x" * 200, "日本語", "%s$HOME`x`", "main.lock", "UPPER")):
        main = world.start(name, "quiet", "exit 3")
        sidecar = world.start(f"sidecar-{number}", "on 15 die", death_deps=name)
        assert main.end() == 3
        assert sidecar.end() == 143
        assert main.stone()["ExitCode"] == 3
