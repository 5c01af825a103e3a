"""The log: iSpring's format to the letter, bounded, on standard error alone, without anybody's secrets."""

from __future__ import annotations

import json
import re
import subprocess
import time
from signal import SIGTERM, SIGUSR1
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.supervisors import Record, Supervisor
    from support.world import World

TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d)"
ISPRING_CONFIG = [
    "name",
    "graveyard",
    "birth_deps",
    "death_deps",
    "birth_timeout",
    "grace_period",
    "pod_name",
    "namespace",
    "verbose_level",
    "instant_logging",
]
LONGEST_LINE = 16 * 1024


def raw_lines(supervisor: Supervisor) -> list[str]:
    """Wait for the end of the log and give its lines as they are."""
    assert supervisor.err is not None
    return supervisor.err.all().splitlines()


def first(supervisor: Supervisor) -> Record:
    """Give the first line, which has the configuration."""
    return supervisor.log()[0]


def last(supervisor: Supervisor) -> Record:
    """Give the last line, which has the traces if there are any."""
    return supervisor.log()[-1]


def messages(record: Record) -> dict[str, list[str]]:
    """Give the messages of each event trace."""
    return {trace["id"]: [event["message"] for event in trace["events"]] for trace in record["event-traces"]}


def run_sidecar(world: World, **variables: str) -> Supervisor:
    """Let a sidecar live and be stopped by a main that succeeds."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main", **variables)
    sidecar.ready()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    return sidecar


# ── the first line ───────────────────────────────────────────────────────────────────────────────────────────────


def test_first_line_is_the_configuration(world: World) -> None:
    """`kubexit initialized` with iSpring's fields in their order and types, durations in nanoseconds, and then our own."""
    client = world.start(
        "client",
        "exit 0",
        birth_deps="server-1,server-2:started",
        birth_timeout="1m",
        death_deps="proxy",
        grace_period="1.5s",
        readiness="graveyard",
        pod_name="client-pod",
        namespace="shop",
        verbose_level="1",
    )
    for server in ("server-1", "server-2"):
        world.graveyard.carve_born(server)
    assert client.end() == 0
    line = first(client)
    assert list(line) == ["@timestamp", "config", "level", "message"]
    assert (line["level"], line["message"]) == ("info", "kubexit initialized")
    assert list(line["config"])[: len(ISPRING_CONFIG)] == ISPRING_CONFIG
    assert {name: line["config"][name] for name in ISPRING_CONFIG} == {
        "name": "client",
        "graveyard": str(world.graveyard.path),
        "birth_deps": ["server-1", "server-2:started"],
        "death_deps": ["proxy"],
        "birth_timeout": 60_000_000_000,
        "grace_period": 1_500_000_000,
        "pod_name": "client-pod",
        "namespace": "shop",
        "verbose_level": 1,
        "instant_logging": False,
    }


def test_dependencies_that_are_not_there_are_null(world: World) -> None:
    """As Go writes an empty list; texts that are not set are empty, the other fields have their defaults."""
    main = world.start("main", "exit 0")
    assert main.end() == 0
    config = first(main)["config"]
    assert (config["birth_deps"], config["death_deps"]) == (None, None)
    assert (config["pod_name"], config["namespace"]) == ("", "")
    assert (config["birth_timeout"], config["grace_period"]) == (30_000_000_000, 30_000_000_000)
    assert config["verbose_level"] == 0
    assert config["instant_logging"] is False


def test_line_is_one_that_a_parser_of_ispring_lines_finds(world: World) -> None:
    """No blanks between the parts, keys in the order of the alphabet: some look for text, not for JSON."""
    main = world.start("main", "exit 0")
    assert main.end() == 0
    beginning = rf'\{{"@timestamp":"{TIMESTAMP}","config":\{{"name":"main","graveyard":"{world.graveyard.path}","birth_deps":null,"death_deps":null,'
    assert re.match(beginning, raw_lines(main)[0])
    assert raw_lines(main)[0].endswith('},"level":"info","message":"kubexit initialized"}')


# ── the last line ────────────────────────────────────────────────────────────────────────────────────────────────


def test_good_end_says_nothing(world: World) -> None:
    """KUBEXIT_VERBOSE_LEVEL is 0 by default: only the first line is written."""
    sidecar = run_sidecar(world)
    assert [line["message"] for line in sidecar.log() if line["level"] != "warning"] == ["kubexit initialized"]
    assert sidecar.warnings() == []


@pytest.mark.parametrize("level", ["1", "2", "100"])
def test_good_end_is_told_when_verbose(world: World, level: str) -> None:
    """With KUBEXIT_VERBOSE_LEVEL above 0 the last line has the event traces, in iSpring's form."""
    sidecar = run_sidecar(world, verbose_level=level)
    line = last(sidecar)
    assert list(line) == ["@timestamp", "event-traces", "level", "message"]
    assert (line["level"], line["message"]) == ("info", "supervising proceed successfully")
    for trace in line["event-traces"]:
        assert list(trace) == ["id", "events"]
        for event in trace["events"]:
            assert list(event) == ["timestamp", "message"]


def test_traces_tell_what_happened(world: World) -> None:
    """Each part of the program has a trace; the events are called as the originals call them."""
    line = last(run_sidecar(world, verbose_level="1"))
    told = messages(line)
    stone = world.graveyard.path / "sidecar"
    assert told["sidecar tombstone"] == [f"Creating tombstone: {stone}", f"Updating tombstone: {stone}"]
    assert told["supervisor"] == [f"Start: {world.installation.actor}", "Terminating child process", "Received signal: child exited"]
    assert "Reading tombstone: main" in told["death graveyard watcher"]
    assert told["death graveyard watcher"].count("New death: main") == 1
    assert set(told) == {"sidecar tombstone", "supervisor", "death graveyard watcher"}


def test_tombstones_that_do_not_matter_are_told_to_be_ignored(world: World) -> None:
    """`Ignore tombstone NAME`: that of oneself, and those of containers that are no dependencies; nobody opens them."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main", verbose_level="1")
    sidecar.ready()
    world.graveyard.carve_born("stranger")
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    told = messages(last(sidecar))["death graveyard watcher"]
    assert "Ignore tombstone sidecar" in told
    assert "Ignore tombstone stranger" in told
    assert "Reading tombstone: stranger" not in told


def test_kill_after_the_grace_period_is_told(world: World) -> None:
    """`Killing child process`, after `Terminating child process`."""
    sidecar = world.start("sidecar", "on 15 report", death_deps="main", grace_period="50ms", exit_codes="killed:0", verbose_level="1")
    sidecar.ready()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    assert messages(last(sidecar))["supervisor"][1:] == [
        "Terminating child process",
        "Killing child process",
        "Received signal: child exited",
    ]


def test_wait_for_births_has_a_trace(world: World) -> None:
    """`birth dependencies watcher` has what was learned of each of them."""
    client = world.start("client", "exit 0", birth_deps="server", verbose_level="1", instant_logging="1")
    client.next_record("kubexit initialized")
    world.graveyard.wait_for_file(".client.lock")
    world.graveyard.carve_born("server")
    assert client.end() == 0
    told = messages(last(client))["birth dependencies watcher"]
    assert any("server" in message for message in told)


def test_events_are_in_their_order_and_at_their_time(world: World) -> None:
    """RFC 3339 with nine digits, everywhere; nothing is dated before our start or after our end."""
    before = time.time_ns()
    line = last(run_sidecar(world, verbose_level="1"))
    after = time.time_ns()
    for trace in line["event-traces"]:
        stamps = [event["timestamp"] for event in trace["events"]]
        assert all(re.fullmatch(TIMESTAMP, stamp) for stamp in stamps)
        assert stamps == sorted(stamps)
        assert all(before <= nanoseconds(stamp) <= after for stamp in stamps)
    assert re.fullmatch(TIMESTAMP, line["@timestamp"])
    assert before <= nanoseconds(line["@timestamp"]) <= after


def nanoseconds(stamp: str) -> int:
    """Read a timestamp by a program that is not ours, date(1)."""
    return int(subprocess.run(["date", "--date", stamp, "+%s%N"], check=True, capture_output=True).stdout)


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────


def assert_error_line(line: Record) -> None:
    """Check iSpring's form of an error."""
    assert list(line) == ["@timestamp", "error", "event-traces", "level", "message", "stack"]
    assert (line["level"], line["message"]) == ("error", "")
    assert line["error"]
    assert isinstance(line["stack"], list)
    assert all(isinstance(frame, str) for frame in line["stack"])


@pytest.mark.parametrize(
    ("commands", "variables", "status", "word"),
    [
        (["exit 3"], {}, 3, "3"),
        (["die 9"], {}, 137, "SIGKILL"),
        ([], {"birth_deps": "server", "birth_timeout": "1ms"}, 1, "server"),
        (["exit 0"], {"exit_codes": "0:9"}, 9, "0"),
    ],
)
def test_error_is_told_with_its_traces(world: World, commands: list[str], variables: dict[str, str], status: int, word: str) -> None:
    """Whatever the verbose level is: `error`, `stack`, an empty `message`, and the event traces."""
    main = world.start("main", *commands, **variables)
    assert main.end() == status
    line = last(main)
    assert_error_line(line)
    assert word in line["error"]
    assert "Updating tombstone: " + str(world.graveyard.path / "main") in messages(line)["main tombstone"]


def test_command_that_cannot_be_started_is_an_error(world: World) -> None:
    """The message names it, so does the trace."""
    main = world.run(["/no/such/command", "--secret"], name="main")
    assert main.end() == 127
    line = last(main)
    assert_error_line(line)
    assert "/no/such/command" in line["error"]
    assert "Start: /no/such/command" in messages(line)["supervisor"]


def test_stop_from_outside_is_no_error(world: World) -> None:
    """Who sent the signal knows why."""
    main = world.start("main", "on 15 die")
    main.ready()
    main.send(SIGTERM)
    assert main.end() == 143
    assert [line["level"] for line in main.log()] == ["info"]


def test_error_is_told_once(world: World) -> None:
    """One line, verbose or not: an error is no success."""
    main = world.start("main", "exit 3", verbose_level="1")
    assert main.end() == 3
    assert [line["level"] for line in main.log()] == ["info", "error"]


# ── instant logging ──────────────────────────────────────────────────────────────────────────────────────────────


def test_instant_event_is_a_line_of_its_own(world: World) -> None:
    """To the letter: {"@timestamp":…,"app":"kubexit","event":"…","event-trace-id":"supervisor","level":"trace","message":""}."""
    main = world.start("main", "exit 0", instant_logging="true")
    assert main.end() == 0
    event, trace = f"Start: {world.installation.actor}", "supervisor"
    line = rf'\{{"@timestamp":"{TIMESTAMP}","app":"kubexit","event":"{event}","event-trace-id":"{trace}","level":"trace","message":""\}}'
    assert [bool(re.fullmatch(line, found)) for found in raw_lines(main)].count(True) == 1


def test_every_event_of_the_traces_is_logged_at_once(world: World) -> None:
    """The instant lines and the last line tell the same."""
    sidecar = run_sidecar(world, instant_logging="1", verbose_level="1")
    *_, end = lines = sidecar.log()
    instant = [(line["event-trace-id"], line["event"]) for line in lines if line["level"] == "trace"]
    traced = [(trace, message) for trace, told in messages(end).items() for message in told]
    assert sorted(instant) == sorted(traced)


@pytest.mark.parametrize("level", ["error", "info"])
def test_instant_logging_implies_level_trace(world: World, level: str) -> None:
    """Who asks for the events gets them, whatever KUBEXIT_LOG_LEVEL is."""
    main = world.start("main", "exit 0", instant_logging="1", log_level=level)
    assert main.end() == 0
    assert "trace" in {line["level"] for line in main.log()}


@pytest.mark.parametrize(
    ("level", "seen"),
    [
        ("error", {"error"}),
        ("warning", {"error", "warning"}),
        ("info", {"error", "warning", "info"}),
        ("trace", {"error", "warning", "info", "trace"}),
    ],
)
def test_level_says_what_is_seen(world: World, level: str, seen: set[str]) -> None:
    """KUBEXIT_LOG_LEVEL: that level and those above it."""
    main = world.start("main", "exit 3", log_level=level, colour="red")  # an unknown variable is a warning
    assert main.end() == 3
    assert {line["level"] for line in main.log()} == seen


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────


def assert_bounded(supervisor: Supervisor) -> Record:
    """Check that the last line is not too long, that what is missing is counted, and that it is the oldest; give that line."""
    *before, end = raw_lines(supervisor)
    assert len(end.encode()) < LONGEST_LINE
    events = [json.loads(line)["event"] for line in before if '"level":"trace"' in line]
    line: Record = json.loads(end)
    kept: list[dict[str, Any]] = sorted((event for trace in line["event-traces"] for event in trace["events"]), key=lambda event: event["timestamp"])
    assert 0 < len(kept) < len(events)
    assert line["dropped-events"] == len(events) - len(kept)
    assert [event["message"] for event in kept[-20:]] == events[-20:]
    return line


def test_traces_of_thousands_of_signals_are_bounded(world: World) -> None:
    """The oldest events are dropped and counted: the line has at most 16 KiB, and the end is in it."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main", verbose_level="1", instant_logging="1")
    sidecar.ready()
    for _ in range(2000):
        sidecar.send(SIGUSR1)
        sidecar.says("signal 10")
        sidecar.logged_so_far()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    line = assert_bounded(sidecar)
    assert messages(line)["supervisor"][-1] == "Received signal: child exited"


def test_traces_of_thousands_of_tombstone_changes_are_bounded(world: World) -> None:
    """A peer that restarts for ever does not make us grow."""
    dependency = "d" * 200
    sidecar = world.start("sidecar", "on 15 die", death_deps=f"{dependency}:succeeded", verbose_level="1", instant_logging="1")
    sidecar.ready()
    for number in range(500):
        world.graveyard.carve_died(dependency, 1 + number % 100)
        sidecar.event("Reading tombstone")
    world.graveyard.carve_died(dependency, 0)
    assert sidecar.end() == 0
    assert_bounded(sidecar)


@pytest.mark.parametrize(
    "character", ["\x01", '"', "\\", "\u20ac", "\U0001f480", b"\xff"], ids=["control", "quote", "backslash", "euro", "skull", "byte"]
)
def test_line_stays_bounded_whatever_characters_are_in_it(world: World, character: str | bytes) -> None:
    """A character may need six bytes in JSON: they are counted as what they take."""
    command = b"/" + (character.encode() if isinstance(character, str) else character) * 4000
    main = world.run([command], name="main", instant_logging="1")
    assert main.end() in {126, 127}
    assert len(raw_lines(main)[-1].encode()) < LONGEST_LINE
    assert_error_line(last(main))


# ── readable lines ───────────────────────────────────────────────────────────────────────────────────────────────


def test_text_format_is_readable(world: World) -> None:
    """KUBEXIT_LOG_FORMAT=text: a line for a person, its time first, with the same content."""
    main = world.start("main", "exit 3", log_format="text", instant_logging="1", colour="red")
    assert main.end() == 3
    lines = raw_lines(main)
    assert all(re.match(TIMESTAMP + " [A-Za-z]", line) for line in lines)
    assert "kubexit initialized" in lines[0]
    assert "main" in lines[0]
    assert any("KUBEXIT_COLOUR" in line for line in lines)
    assert any(f"Start: {world.installation.actor}" in line for line in lines)
    assert "3" in lines[-1]
    assert not any(line.startswith("{") for line in lines)


def test_text_line_is_one_line_whatever_is_in_it(world: World) -> None:
    """A name with a line feed, a carriage return or a terminal's escape in it cannot fake a line or a colour."""
    name = "/x\n2026-01-01T00:00:00.000000000Z INFO all is well\r\x1b[2J\x9b31m\u0085\u2028y"
    main = world.run([name], name="main", log_format="text", instant_logging="1")
    assert main.end() == 127
    assert main.err is not None
    text = main.err.all()
    assert all(re.match(TIMESTAMP, line) for line in text.split("\n")[:-1])
    assert [character for character in text if not character.isprintable() and character != "\n"] == []


def test_config_error_is_text_too(world: World) -> None:
    """The format that was asked for is used for what is wrong with the rest."""
    main = world.start("main", log_format="text", grace_period="soon")
    assert main.end() == 2
    (line,) = raw_lines(main)
    assert re.match(TIMESTAMP, line)
    assert "KUBEXIT_GRACE_PERIOD" in line


# ── whose streams these are ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("commands", "variables"),
    [
        (["quiet", "exit 0"], {"verbose_level": "1"}),
        (["quiet", "exit 3"], {"instant_logging": "1"}),
        (["quiet", "die 6"], {"colour": "red"}),
        ([], {"grace_period": "soon"}),
        ([], {"KUBEXIT_GRAVEYARD": "/dev/null/nowhere"}),
        ([], {"birth_deps": "nobody", "birth_timeout": "1ms"}),
    ],
)
def test_standard_output_is_the_childs_alone(world: World, commands: list[str], variables: dict[str, str]) -> None:
    """Nothing of ours is ever written there, and nothing but JSON objects on standard error."""
    main = world.start("main", *commands, **variables)
    main.end()
    assert main.out is not None
    assert main.out.all() == ""
    lines = raw_lines(main)
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert all(re.fullmatch(TIMESTAMP, json.loads(line)["@timestamp"]) for line in lines)


def test_output_of_the_child_is_left_alone(world: World) -> None:
    """What it writes on standard error stands between our lines as it wrote it."""
    main = world.start("main", "quiet", "complain something is odd", "exit 0", verbose_level="1")
    assert main.end() == 0
    lines = raw_lines(main)
    assert lines.count("something is odd") == 1
    assert len([line for line in lines if line.startswith("{")]) == len(lines) - 1


@pytest.mark.parametrize(
    "variables",
    [
        {"verbose_level": "1", "instant_logging": "1"},
        {"grace_period": "soon"},
        {"KUBEXIT_GRAVEYARD": "/dev/null"},
        {"log_format": "text", "colour": "red"},
    ],
)
def test_no_secret_is_logged(world: World, variables: dict[str, str]) -> None:
    """No value of the environment but those of KUBEXIT_ variables, and no argument of the command, is in the log or a tombstone."""
    secrets = {"DATABASE_PASSWORD": "hunter2-environment", "KUBERNETES_TOKEN": "hunter2-token"}
    main = world.start("main", "quiet", "say hunter2-argument", "exit 3", **secrets, **variables)
    main.end()
    assert "hunter2" not in "".join(raw_lines(main))
    assert not any("hunter2" in entry.read_text() for entry in world.graveyard.path.iterdir())
