"""What we carve: YAML that any other reader understands as we mean it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from kubexit.domain import tombstone
from kubexit.domain.signal_names import signal_name
from kubexit.domain.timestamps import format_timestamp
from kubexit.domain.tombstone import Tombstone, format_tombstone, parse_tombstone

REASONS = [value for name, value in vars(tombstone).items() if name.isupper() and isinstance(value, str)]
times = st.none() | st.integers(0, 2**62).map(format_timestamp)
codes = st.none() | st.integers(0, 255)
stones = st.builds(
    Tombstone,
    born=times,
    ready_at=times,
    died=times,
    exit_code=codes,
    child_exit_code=codes,
    signal=st.none() | st.integers(1, 64).map(signal_name),
    reason=st.none() | st.sampled_from(REASONS),
    message=st.none() | st.text(),
)

FULL = Tombstone(
    born="2026-11-20T03:12:18.233793483Z",
    ready_at="2026-11-20T03:12:18.233793484Z",
    died="2026-11-20T03:12:19.000000000Z",
    exit_code=137,
    child_exit_code=143,
    signal="SIGKILL",
    reason="DependencyDied",
    message='death dependency main exited 3: "\\"',
)


def as_yaml(stone: Tombstone) -> dict[str, Any]:
    """Give what an independent reader finds in the file."""
    data = format_tombstone(stone).encode()
    return yaml.safe_load(data) or {}


def test_the_file_looks_like_this() -> None:
    """Keys in the documented order, one line each, times and the message quoted as Go's writer does."""
    assert format_tombstone(FULL) == (
        'Born: "2026-11-20T03:12:18.233793483Z"\n'
        'ReadyAt: "2026-11-20T03:12:18.233793484Z"\n'
        'Died: "2026-11-20T03:12:19.000000000Z"\n'
        "ExitCode: 137\n"
        "ChildExitCode: 143\n"
        "Signal: SIGKILL\n"
        "Reason: DependencyDied\n"
        'Message: "death dependency main exited 3: \\"\\\\\\""\n'
    )


def test_absent_values_are_left_out() -> None:
    """At the birth there is nothing but the times: a Go peer takes any Died for a death."""
    assert format_tombstone(Tombstone(born="2026-11-20T03:12:18Z")) == 'Born: "2026-11-20T03:12:18Z"\n'
    assert format_tombstone(Tombstone(exit_code=0)) == "ExitCode: 0\n"


@given(stones)
@example(FULL)
@example(Tombstone(message="\x00\x07\x1b\x7f\x85\xa0\u2028\ufeff\ud800\U0001f600 \ufffe"))
@example(Tombstone(message="'#: {}[]&*!|>%@`"))
def test_another_yaml_reader_finds_what_was_meant(stone: Tombstone) -> None:
    """For every stone that can be carved, PyYAML reads the same keys and values; what cannot be shown is replaced, not dropped."""
    keys = {key: getattr(stone, field) for key, field in tombstone.KEYS}
    expected = {key: value for key, value in keys.items() if value is not None}
    found = as_yaml(stone)
    message, shown = expected.pop("Message", None), found.pop("Message", None)
    assert found == expected
    if message is not None:
        assert shown == "".join(character if character.isprintable() or character in "\n\r\t" else "\ufffd" for character in message)


@given(stones)
def test_every_key_takes_one_line(stone: Tombstone) -> None:
    """A line break in a message would make two lines of one, and a reader like ours, that reads lines, would take the rest for keys."""
    lines = format_tombstone(stone).splitlines()
    assert [line.partition(":")[0] for line in lines] == [key for key, field in tombstone.KEYS if getattr(stone, field) is not None]


@given(stones.filter(lambda stone: stone != Tombstone()))
def test_reads_back_what_it_writes(stone: Tombstone) -> None:
    """We are each other's peers: times, codes, signal and reason come back as they were."""
    if stone.message is not None and stone.replace(message=None) == Tombstone():
        return
    assert parse_tombstone(format_tombstone(stone)).replace(message=None) == stone.replace(message=None)


@pytest.mark.parametrize(
    "message",
    ["plain", 'a "quoted" word', "back\\slash", "two\nlines", "tab\tand\rreturn", "Ünïcode \u65e5\u672c", "Died: yes # no"],
)
def test_a_message_comes_back_as_it_was(message: str) -> None:
    """Names of files and commands stand in messages, and they may hold anything."""
    stone = Tombstone(died="2026-11-20T03:12:19Z", message=message)
    assert parse_tombstone(format_tombstone(stone)) == stone
