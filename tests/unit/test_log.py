"""The log: the iSpring format to the letter, and no line without a bound."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubexit.domain.config import LEVELS, Config, StopRequest, parse_config
from kubexit.log import Log, describe
from unit.container_files import no_file

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"


class Output:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.dropped = 0
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        """Keep it."""
        self.lines.append(line)

    def last(self) -> dict[str, Any]:
        """Give the last line, read by another reader."""
        data: dict[str, Any] = json.loads(self.lines[-1])
        return data


def logged(log_format: str = "json", level: str = "info") -> tuple[Log, Output]:
    """Give a log and where it goes."""
    output = Output()
    return Log(output, log_format, level), output


def without_time(line: bytes) -> str:
    """Give a line with T for every time."""
    return re.sub(TIME, "T", line.decode())


def test_the_first_line() -> None:
    """Fields in the order of the alphabet, as the originals' logger has it; the configuration in the order of the page, null for no dependencies."""
    journal, output = logged()
    journal.info("kubexit initialized", config=describe(Config("client", "/graveyard")))
    assert without_time(output.lines[0]) == (
        '{"@timestamp":"T","config":{"name":"client","graveyard":"/graveyard","birth_deps":null,"death_deps":null,"birth_timeout":30000000000,'
        '"grace_period":30000000000,"pod_name":"","namespace":"","verbose_level":0,"instant_logging":false,"death_mode":"any",'
        '"stop_signal":"SIGTERM","stop_request":null,"exit_codes":["stopped:0"],"signal_group":false,"stop_delay":0,'
        '"readiness":"graveyard","death_source":"graveyard","log_format":"json","log_level":"info"},"level":"info",'
        '"message":"kubexit initialized"}\n'
    )


def test_the_configuration_is_shown_as_the_user_wrote_it() -> None:
    """Durations are whole nanoseconds; dependencies, signals and rules can be copied back."""
    variables = {
        "NAME": "me",
        "BIRTH_DEPS": " db , cache:started",
        "DEATH_DEPS": "main",
        "STOP_SIGNAL": "rtmin+3",
        "EXIT_CODES": "stopped:0,*:5",
        "VERBOSE_LEVEL": "2",
    }
    shown = describe(parse_config({f"KUBEXIT_{name}": value for name, value in variables.items()}, [], no_file))
    assert (shown["birth_deps"], shown["death_deps"]) == (["db", "cache:started"], ["main"])
    assert (shown["stop_signal"], shown["exit_codes"], shown["verbose_level"]) == ("SIGRTMIN+3", ["stopped:0", "*:5"], 2)
    hidden = {"exit_rules", "delayed_signals", "pod_name_from"}  # shown otherwise, or not the user's
    assert set(shown) == set(Config("me", "/g").fields()) - hidden | {"exit_codes"}


def test_another_way_to_tell_the_child_is_shown_too() -> None:
    """What a koordinator spec may ask for: a request in place of the signal, or none at all."""
    shown = describe(Config("me", "", stop_request=StopRequest("POST", "http://127.0.0.1:80/quit"), stop_signal=0))
    assert (shown["stop_request"], shown["stop_signal"]) == ("POST http://127.0.0.1:80/quit", None)


def test_the_line_of_a_good_end() -> None:
    """The traces in the order of their first events, each with its events in the order of time."""
    journal, output = logged()
    for trace, message in (
        ("main tombstone", "Creating tombstone: /g/main"),
        ("supervisor", "Start: job"),
        ("main tombstone", "Updating tombstone: /g/main"),
    ):
        journal.event(trace, message)
    assert output.lines == []
    journal.finished()
    assert without_time(output.lines[0]) == (
        '{"@timestamp":"T","event-traces":[{"id":"main tombstone","events":[{"timestamp":"T","message":"Creating tombstone: /g/main"},'
        '{"timestamp":"T","message":"Updating tombstone: /g/main"}]},{"id":"supervisor","events":[{"timestamp":"T","message":"Start: job"}]}],'
        '"level":"info","message":"supervising proceed successfully"}\n'
    )


def test_the_line_of_an_error() -> None:
    """What failed, the traces, the stack, and an empty message."""
    journal, output = logged()
    journal.event("supervisor", "Start: job")
    journal.error("it broke", ["main\n\tfile:1"])
    assert without_time(output.lines[0]) == (
        '{"@timestamp":"T","error":"it broke","event-traces":[{"id":"supervisor","events":[{"timestamp":"T","message":"Start: job"}]}],'
        '"level":"error","message":"","stack":["main\\n\\tfile:1"]}\n'
    )


def test_an_error_before_anything_happened_has_no_traces() -> None:
    """A configuration error."""
    journal, output = logged()
    journal.event("supervisor", "not of interest")
    journal.error("wrong", [], traces=False)
    assert without_time(output.lines[0]) == '{"@timestamp":"T","error":"wrong","level":"error","message":"","stack":[]}\n'


def test_an_instant_event() -> None:
    """At level trace each event is a line of its own at once."""
    journal, output = logged(level="trace")
    journal.event("supervisor", "Start: job")
    assert (
        without_time(output.lines[0])
        == '{"@timestamp":"T","app":"kubexit","event":"Start: job","event-trace-id":"supervisor","level":"trace","message":""}\n'
    )
    journal.finished()
    assert output.last()["event-traces"][0]["events"][0]["message"] == "Start: job"


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_lets_through_itself_and_what_is_worse(level: str) -> None:
    """error, warning, info, trace."""
    journal, output = logged(level=level)
    journal.event("supervisor", "an event")
    journal.info("an information")
    journal.warning("a warning")
    journal.error("an error", [])
    expected = [each for each in ("trace", "info", "warning", "error") if LEVELS.index(each) <= LEVELS.index(level)]
    assert [json.loads(line)["level"] for line in output.lines] == expected


def test_times_are_of_now_in_utc_with_nanoseconds() -> None:
    """RFC 3339, nine digits."""
    journal, output = logged()
    journal.info("now")
    assert re.fullmatch(TIME, output.last()["@timestamp"])


def test_lines_that_were_dropped_are_counted_in_the_next() -> None:
    """Once each: a reader of the log can see that something is missing."""
    journal, output = logged()
    output.dropped = 3
    journal.info("one")
    assert output.last()["dropped-lines"] == 3
    journal.info("two")
    assert "dropped-lines" not in output.last()
    output.dropped = 5
    journal.warning("three")
    assert output.last()["dropped-lines"] == 2


def test_the_oldest_events_make_room_and_are_counted() -> None:
    """A life of a year has more events than a line can hold: the last ones are what led to the end."""
    journal, output = logged()
    for number in range(1000):
        journal.event("supervisor", f"event {number}")
    journal.finished()
    line = output.last()
    events = line["event-traces"][0]["events"]
    assert events[-1]["message"] == "event 999"
    assert [event["message"] for event in events] == [f"event {number}" for number in range(line["dropped-events"], 1000)]
    assert len(events) > 50


def test_few_events_are_all_kept() -> None:
    """Nothing is counted as dropped then."""
    journal, output = logged()
    for number in range(50):
        journal.event("supervisor", f"event {number}")
    journal.finished()
    assert len(output.last()["event-traces"][0]["events"]) == 50
    assert "dropped-events" not in output.last()


messages = st.text(max_size=30) | st.builds(
    str.__mul__,
    st.sampled_from(['"', "\\", "\x01", "\n", "\u65e5", "\U0001f600", "\udcff", "x", " "]),
    st.integers(0, 3000),
)


@given(
    st.lists(st.tuples(st.sampled_from(["supervisor", 'n"' * 100 + " tombstone", "\u65e5" * 66 + " tombstone"]), messages), max_size=60),
    messages,
    st.sampled_from(["json", "text"]),
)
@example([("supervisor", '"' * 1000)] * 60, "x", "json")
@example([("supervisor", "\\" * 1000)] * 60, "\u65e5" * 4000, "json")
@example([("supervisor", "")] * 200, "\x01" * 4000, "json")
@example([("supervisor", "\U0001f600" * 3000)] * 60, "\U0001f600" * 4000, "text")
def test_no_line_is_longer_than_16_kib(events: list[tuple[str, str]], error: str, log_format: str) -> None:
    """Container runtimes cut longer lines into pieces, which are no JSON then: whatever the events and the error are made of."""
    journal, output = logged(log_format)
    for trace, message in events:
        journal.event(trace, message)
    journal.error(error, ["function\n\tfile:1"] * 1000)
    journal.finished()
    journal.warning(error)
    assert [len(line) for line in output.lines if len(line) > 16_384] == []
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in output.lines)
    if log_format == "json":
        assert all(json.loads(line) for line in output.lines)


def test_a_text_line_begins_with_time_level_and_message() -> None:
    """For eyes: what is empty is left out, the rest is name=value."""
    journal, output = logged("text", "trace")
    journal.info("hello", count=3, nothing=[], empty="")
    journal.warning("look out")
    journal.error("it broke", [])
    journal.event("supervisor", "Start: job")
    lines = [without_time(line) for line in output.lines]
    assert lines[:3] == ["T INFO hello count=3\n", "T WARNING look out\n", "T ERROR it broke\n"]
    assert lines[3].startswith("T TRACE ")
    assert all(word in lines[3] for word in ("supervisor", "Start: job"))


def test_a_text_line_shows_configuration_and_traces() -> None:
    """The same facts as in JSON, one line each."""
    journal, output = logged("text")
    journal.info("kubexit initialized", config=describe(Config("me", "/g")))
    journal.event("supervisor", "Start: job")
    journal.event("supervisor", "Received signal: child exited")
    journal.finished()
    journal.error("it broke", ["main\n\tfile:1"])
    initialized, finished, error = (without_time(line) for line in output.lines)
    assert initialized.startswith('T INFO kubexit initialized name="me" graveyard="/g" birth_deps=null')
    assert finished == "T INFO supervising proceed successfully [supervisor: Start: job; Received signal: child exited]\n"
    assert error.startswith("T ERROR it broke [supervisor: ")
    assert "main" in error


@given(messages)
def test_a_text_line_is_one_line(message: str) -> None:
    """No line break and no escape sequence from a file name reaches the terminal or starts a line of its own."""
    journal, output = logged("text", "trace")
    journal.warning(message)
    journal.event("supervisor", message)
    for line in output.lines:
        assert not re.search(rb"[\x00-\x1f\x7f]", line[:-1])
