"""Standard error is the child's as much as ours: whatever becomes of it, it stops nothing, and nothing of it is changed."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from signal import SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support.streams import KINDS, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.supervisors import Supervisor
    from support.world import World

OTHER_USER = "65534"
# What a user of another uid may write to and not open anew. (A socket can never be opened anew.)
OWNERS = [(kind, user) for kind in KINDS for user in ("0", OTHER_USER)]
LARGE = 1 << 30  # bytes: more than what a single file unpacks; the log has a hole of that size
MANY = 300  # lines of 150 bytes and more: over what any of these takes


@pytest.fixture
def streams(world: World) -> Iterator[Callable[[str], Stream]]:
    """Make streams, and close them at the end."""
    made: list[Stream] = []

    def make(kind: str) -> Stream:
        made.append(Stream(kind, world.root))
        return made[-1]

    yield make
    for stream in made:
        stream.close()


def start(world: World, stderr: Stream | int, *commands: str, user: str = "0", stage: tuple[str, ...] = (), **variables: str) -> Supervisor:
    """Start a sidecar of main whose log goes to `stderr`, every event as a line of its own."""
    variables = {"name": "sidecar", "death_deps": "main", "instant_logging": "1", "verbose_level": "1", **variables}
    return run(world, [world.installation.actor, *commands], stderr, user=user, stage=stage, **variables)


def run(world: World, command: list[str], stderr: Stream | int, *, user: str = "0", stage: tuple[str, ...] = (), **variables: str) -> Supervisor:
    """Start a supervisor whose log goes to `stderr`, as a user who may be another than the one that made that."""
    fd = stderr if isinstance(stderr, int) else stderr.writer
    given: dict[str, Any] = {**variables}
    if isinstance(stderr, Stream) and stderr.kind == "console":
        return world.run(command, stdin=fd, stderr=fd, stage=["--terminal", *stage, "--user", user], **given)
    return world.run(command, stderr=fd, stage=[*stage, "--user", user], **given)


def assert_works(world: World, sidecar: Supervisor) -> None:
    """Check that it passes a signal on, stops its child when main has died, writes that down, and ends."""
    sidecar.send(SIGUSR1)
    assert sidecar.says("signal").split()[1] == str(int(SIGUSR1))
    world.graveyard.carve_died("main", 0)
    assert sidecar.says("signal").split()[1] == str(int(SIGTERM))
    assert sidecar.end() == 0
    assert sidecar.stone()["Reason"] == "DependencyDied"


@pytest.mark.parametrize(("kind", "user"), OWNERS)
def test_full_standard_error_that_nobody_reads_stops_nothing(world: World, streams: Callable[[str], Stream], kind: str, user: str) -> None:
    """A supervisor that cannot write a single line passes signals on, stops its child, writes Died and ends."""
    stream = streams(kind)
    stream.fill()
    sidecar = start(world, stream, "on 15 die", user=user)
    sidecar.ready()
    assert_works(world, sidecar)


@pytest.mark.parametrize(("kind", "user"), OWNERS)
def test_standard_error_that_our_own_lines_fill_stops_nothing(world: World, streams: Callable[[str], Stream], kind: str, user: str) -> None:
    """At some line there is room for a part of it only: that one must not block either."""
    stream = streams(kind)
    sidecar = start(world, stream, "on 15 die", user=user, name="sidecar")
    sidecar.ready()
    for _ in range(MANY):
        sidecar.send(SIGUSR2)
        sidecar.says(f"signal {int(SIGUSR2)}")
    assert_works(world, sidecar)


@pytest.mark.parametrize(("kind", "user"), OWNERS)
def test_long_line_that_finds_room_for_a_part_of_it_stops_nothing(world: World, streams: Callable[[str], Stream], kind: str, user: str) -> None:
    """The line with all traces is longer than what a pipe or terminal takes as a whole: its rest must not block."""
    stream = streams(kind)
    sidecar = start(world, stream, "on 15 die", user=user, instant_logging="0")
    sidecar.ready()
    for _ in range(MANY):
        sidecar.send(SIGUSR2)
        sidecar.says(f"signal {int(SIGUSR2)}")
    stream.fill()
    stream.take(6000)
    assert_works(world, sidecar)


@pytest.mark.parametrize(("kind", "user"), OWNERS)
def test_child_that_is_stuck_in_its_own_write_can_be_stopped(world: World, streams: Callable[[str], Stream], kind: str, user: str) -> None:
    """A child that floods a standard error which nobody reads blocks; its supervisor does not."""
    stream = streams(kind)
    stream.fill()
    sidecar = start(world, stream, "obey 15", "say begun", "flood 2 100000 200", user=user)
    sidecar.says("begun")
    sidecar.send(SIGUSR1)
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    assert sidecar.stone()["Signal"] == "SIGTERM"


@pytest.mark.parametrize(("kind", "user"), OWNERS)
def test_reader_that_stops_reading_at_any_moment_stops_nothing(world: World, streams: Callable[[str], Stream], kind: str, user: str) -> None:
    """The room that we see may be taken by the child before we write: to look first and to write then is not enough."""
    stream = streams(kind)
    sidecar = start(world, stream, "obey 15", "say begun", "flood 2 1000000 200", user=user)
    sidecar.says("begun")
    for _ in range(MANY):
        sidecar.send(SIGUSR2)
        stream.take(4096)
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    assert sidecar.stone()["Reason"] == "DependencyDied"


@pytest.mark.parametrize("kind", KINDS)
def test_wait_with_a_full_standard_error_can_be_ended(world: World, streams: Callable[[str], Stream], kind: str) -> None:
    """The wait for birth dependencies blocks on nothing but them."""
    stream = streams(kind)
    stream.fill()
    waiting = start(world, stream, birth_deps="server", readiness="graveyard", birth_timeout="0")
    world.graveyard.wait_for_file(".sidecar.lock")
    waiting.send(SIGTERM)
    assert waiting.end() == 143
    assert waiting.stone()["Reason"] == "Terminated"


@pytest.mark.parametrize("kind", KINDS)
def test_failure_with_a_full_standard_error_ends_all_the_same(world: World, streams: Callable[[str], Stream], kind: str) -> None:
    """What cannot be told is not told: configuration errors, an unusable graveyard, a command that is not there."""
    stream = streams(kind)
    stream.fill()
    assert start(world, stream, grace_period="soon").end() == 2
    assert world.graveyard.stone("sidecar")["Reason"] == "ConfigError"
    assert start(world, stream, KUBEXIT_GRAVEYARD="/dev/null").end() == 1
    assert run(world, ["/no/such/command"], stream, name="sidecar").end() == 127
    assert run(world, ["/no/such/command"], stream, disabled="true").end() == 127


@pytest.mark.parametrize("kind", KINDS)
def test_lines_that_were_dropped_are_counted(world: World, streams: Callable[[str], Stream], kind: str) -> None:
    """Once somebody reads again, the next line says how many are missing, and it is whole."""
    stream = streams(kind)
    stream.fill()
    sidecar = start(world, stream, "on 15 exit 0", instant_logging="0")
    sidecar.ready()
    sidecar.send(SIGUSR1)
    sidecar.says("signal 10")
    stream.drain()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    stream.release()
    last = json.loads(stream.lines.all().strip("x").strip().splitlines()[-1])
    assert last["message"] == "supervising proceed successfully"
    assert last["dropped-lines"] == 1


@pytest.mark.parametrize("others", [(), ("0",), ("1",), ("0", "1")])
def test_closed_standard_error_is_closed_for_the_child_too(world: World, others: tuple[str, ...]) -> None:
    """What was closed is closed, and not a file of ours."""
    closing = [word for fd in ("2", *others) for word in ("--close", fd)]
    facts = world.root / "facts"
    start = world.run([world.installation.probe, "--to", str(facts)], name="main", stage=closing, verbose_level="1")
    assert start.end() == 0
    seen = {int(line.split()[1]) for line in facts.read_text().splitlines() if line.startswith("descriptor ")}
    assert seen.isdisjoint({2, *map(int, others)})


def test_nothing_is_written_into_files_when_standard_error_is_closed(world: World) -> None:
    """The first file that we open gets the free number 2: no log line may land in a lock, a tombstone or a watch."""
    sidecar = world.run(
        [world.installation.actor, "on 15 exit 0"],
        stage=["--close", "2"],
        name="sidecar",
        death_deps="main",
        instant_logging="1",
        verbose_level="1",
    )
    sidecar.ready()
    world.graveyard.carve("main", "no: [tombstone")  # a warning
    for _ in range(20):
        sidecar.send(SIGUSR1)
        sidecar.says("signal 10")
    files = {entry.name: entry.read_bytes() for entry in world.graveyard.path.iterdir()}
    assert files[".sidecar.lock"] == b""
    assert set(yaml.safe_load(files["sidecar"])) == {"Born", "ReadyAt"}
    assert set(files) == {".sidecar.lock", "sidecar", "main"}
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    assert (world.graveyard.path / ".sidecar.lock").read_bytes() == b""
    assert sidecar.stone()["Reason"] == "DependencyDied"


@pytest.mark.parametrize("kind", ["pipe", "fifo", "socket", "terminal"])  # a console's end is a hang-up, and that is passed on
@pytest.mark.parametrize("when", ["before", "during"])
def test_reader_that_is_gone_stops_nothing(world: World, streams: Callable[[str], Stream], kind: str, when: str) -> None:
    """Our own SIGPIPE is not passed on: the child hears of nothing but what others send."""
    stream = streams(kind)
    if when == "before":
        stream.hang_up()
    sidecar = start(world, stream, "on 15 die")
    sidecar.ready()
    stream.hang_up()
    for _ in range(3):
        sidecar.send(SIGUSR2)
        assert sidecar.says("signal").split()[1] == str(int(SIGUSR2))
    assert_works(world, sidecar)


def test_sigpipe_from_outside_is_passed_on(world: World, streams: Callable[[str], Stream]) -> None:
    """Only the one that our own log causes is ours."""
    stream = streams("pipe")
    stream.hang_up()
    main = start(world, stream, "on 13 exit 5")
    main.ready()
    main.send(SIGPIPE)
    assert main.end() == 5


def test_sigxfsz_of_our_own_lines_is_not_passed_on(world: World) -> None:
    """A log file that has reached the limit of its size takes no more lines; the child is not told of ours."""
    with (world.root / "log").open("wb") as log:
        log.seek(LARGE)
        sidecar = start(world, log.fileno(), "on 15 die", stage=("--limit", "fsize", str(LARGE)))
        sidecar.ready()
        sidecar.send(SIGXFSZ)
        assert sidecar.says("signal").split()[1] == str(int(SIGXFSZ))
        assert_works(world, sidecar)


@pytest.mark.parametrize("path", ["/dev/full", "/dev/null"])
def test_device_as_standard_error_stops_nothing(world: World, path: str) -> None:
    """A full disk takes no lines; neither the child nor its end are concerned."""
    with open(path, "wb") as device:  # noqa: PTH123  a device
        sidecar = start(world, device.fileno(), "on 15 die")
        sidecar.ready()
        assert_works(world, sidecar)


@pytest.mark.parametrize("flags", [0, os.O_APPEND])
def test_file_as_standard_error_is_shared_with_the_child(world: World, flags: int) -> None:
    """One offset for all: what was there stays, our lines and the child's stand one after the other, and so does what comes later."""
    path = world.root / "log"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, 0o644)
    os.write(fd, b"before\n")
    sidecar = start(world, fd, "complain one", "on 15 die")
    sidecar.ready()
    os.write(fd, b"two\n")
    assert_works(world, sidecar)
    os.write(fd, b"after\n")
    os.close(fd)
    lines = path.read_text().splitlines()
    assert lines[0] == "before"
    assert lines[-1] == "after"
    assert [line for line in lines if not line.startswith("{")] == ["before", "one", "two", "after"]
    logged = [json.loads(line) for line in lines if line.startswith("{")]
    assert logged[0]["message"] == "kubexit initialized"
    assert logged[-1]["message"] == "supervising proceed successfully"


def _flags_in_child(facts: str) -> int:
    (line,) = [line for line in facts.splitlines() if line.startswith("descriptor 2 ")]
    return int(line.split()[5], 8)


@pytest.mark.parametrize("flags", [0, os.O_NONBLOCK, os.O_APPEND, os.O_NONBLOCK | os.O_APPEND])
@pytest.mark.parametrize(("kind", "user"), OWNERS)
def test_flags_of_standard_error_are_left_alone(world: World, streams: Callable[[str], Stream], kind: str, user: str, flags: int) -> None:
    """They belong to the open file, which the child and whoever gave it to us share: as the child starts, and afterwards."""
    stream = streams(kind)
    before = fcntl.fcntl(stream.writer, fcntl.F_GETFL) & ~(os.O_NONBLOCK | os.O_APPEND) | flags
    fcntl.fcntl(stream.writer, fcntl.F_SETFL, before)
    main = run(world, [world.installation.probe], stream, user=user, name="main", verbose_level="1")
    assert main.out is not None
    assert _flags_in_child(main.out.all()) == before
    assert main.end() == 0
    assert fcntl.fcntl(stream.writer, fcntl.F_GETFL) == before


@pytest.mark.parametrize(("kind", "user"), OWNERS)
def test_flags_of_a_stalled_standard_error_are_left_alone(world: World, streams: Callable[[str], Stream], kind: str, user: str) -> None:
    """Not even for the moment of a write that would block: the child could see it, and fail with EAGAIN."""
    stream = streams(kind)
    stream.fill()
    before = fcntl.fcntl(stream.writer, fcntl.F_GETFL)
    sidecar = start(world, stream, "on 15 die", user=user)
    sidecar.ready()
    for _ in range(MANY):
        sidecar.send(SIGUSR2)
        assert fcntl.fcntl(stream.writer, fcntl.F_GETFL) == before
        sidecar.says(f"signal {int(SIGUSR2)}")
    assert_works(world, sidecar)


def _read_all(stream: Stream) -> tuple[threading.Thread, list[str]]:
    """Read in a thread of its own, so that nobody has to wait for the test."""
    lines: list[str] = []
    thread = threading.Thread(target=lambda: lines.extend(stream.lines.rest()), daemon=True)
    thread.start()
    return thread, lines


def assert_whole(lines: list[str], flooded: int) -> list[dict[str, object]]:
    """Check that each line is all the child's or all ours, and that none of the child's is missing; give ours."""
    theirs = [line for line in lines if line.startswith("x")]
    assert set(theirs) == {"x" * (len(theirs[0]))}
    assert len(theirs) == flooded
    return [json.loads(line) for line in lines if not line.startswith("x")]


@pytest.mark.parametrize(("kind", "user"), [("pipe", "0"), ("pipe", OTHER_USER), ("fifo", "0"), ("fifo", OTHER_USER), ("socket", "0")])
@pytest.mark.parametrize("length", [80, 1000, 4096])
def test_lines_of_ours_and_of_the_child_are_never_mixed(world: World, streams: Callable[[str], Stream], kind: str, user: str, length: int) -> None:
    """A child that writes lines at full speed to the same pipe: each line is whole, its and ours."""
    stream = streams(kind)
    name = "n" * 200  # makes our lines longer
    sidecar = start(world, stream, "say begun", f"flood 2 2000 {length}", "say done", user=user, name=name, death_deps="a" * 200)
    stream.release()
    thread, lines = _read_all(stream)
    sidecar.says("begun")
    number = 34
    assert sidecar.out is not None
    while "done" not in sidecar.out.catch_up():
        sidecar.send(number)
        number = 34 + (number - 33) % 31
    sidecar.kill()
    thread.join()
    ours = assert_whole(lines, 2000)
    assert ours[0]["message"] == "kubexit initialized"


def test_first_lines_of_many_supervisors_on_one_pipe_are_whole(world: World, streams: Callable[[str], Stream]) -> None:
    """Lines of up to 4 KiB of several writers are never mixed: a pipe takes each as one."""
    stream = streams("pipe")
    names = [f"main-{number}" for number in range(20)]
    dependencies = ",".join(f"dependency-{number:04}" for number in range(170))
    mains = [
        world.run([world.installation.actor, "flood 2 200 100", "exit 0"], stderr=stream.writer, name=name, death_deps=dependencies) for name in names
    ]
    stream.release()
    thread, lines = _read_all(stream)
    assert [main.end() for main in mains] == [0] * len(mains)
    thread.join()
    ours = assert_whole(lines, 200 * len(mains))
    configurations = [line["config"] for line in ours if line["message"] == "kubexit initialized"]
    told = [config["name"] for config in configurations if isinstance(config, dict)]
    # one that finds the pipe full for too long is dropped: nobody waits for a reader, but nobody is cut in two either
    assert told
    assert len(told) == len(set(told))
    assert set(told) <= set(names)
    assert max(len(line) for line in lines if "initialized" in line) > 3500


def test_lines_in_a_file_are_never_mixed(world: World) -> None:
    """A file that the child writes to at full speed loses none of its lines and none of ours."""
    path = world.root / "log"
    with path.open("wb") as log:
        sidecar = start(world, log.fileno(), "say begun", "flood 2 20000 100", "on 15 die")
        sidecar.says("begun")
        for _ in range(MANY):
            sidecar.send(SIGUSR2)
        sidecar.ready()
        world.graveyard.carve_died("main", 0)
        assert sidecar.end() == 0
    ours = assert_whole(path.read_text().splitlines(), 20000)
    assert ours[0]["message"] == "kubexit initialized"
    assert ours[-1]["message"] == "supervising proceed successfully"


@pytest.mark.parametrize(("kind", "user"), [("terminal", "0"), ("console", "0"), ("console", OTHER_USER)])
def test_lines_on_a_terminal_are_whole(world: World, streams: Callable[[str], Stream], kind: str, user: str) -> None:
    """A terminal that is read gets every line, in order; of another user's that is so if it is the controlling one."""
    stream = streams(kind)
    sidecar = start(world, stream, "complain something", "on 15 die", user=user)
    sidecar.ready()
    assert_works(world, sidecar)
    stream.release()
    lines = stream.lines.all().splitlines()
    assert lines.count("something") == 1
    logged = [json.loads(line) for line in lines if line != "something"]
    assert logged[0]["message"] == "kubexit initialized"
    assert logged[-1]["message"] == "supervising proceed successfully"


def test_terminal_that_could_block_us_is_left_to_the_child(world: World, streams: Callable[[str], Stream]) -> None:
    """One of another user that is not our controlling one cannot be written to without the risk to block: it gets no line of ours."""
    stream = streams("terminal")
    sidecar = start(world, stream, "complain something", "on 15 die", user=OTHER_USER)
    sidecar.ready()
    assert_works(world, sidecar)
    stream.release()
    assert stream.lines.all().splitlines() == ["something"]
