"""The body of a watch: lines out of pieces of any size, events out of lines."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubexit.helpers.stream import LARGEST, Event, Splitter, decode, read_event

PIECES = st.lists(st.text("ab\n\r ", max_size=30).map(str.encode), max_size=20)


@given(PIECES)
@example([b"a", b"", b"\n", b"\n\nb"])
def test_pieces_of_any_size_give_the_same_lines(pieces: list[bytes]) -> None:
    """Lines are what newlines end, wherever the network has cut."""
    splitter = Splitter()
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    *whole, rest = b"".join(pieces).split(b"\n")
    assert lines == whole
    assert splitter.pending == len(rest)


@given(PIECES, st.integers(0, 20))
def test_a_line_that_is_too_long_is_an_error_and_is_not_kept(pieces: list[bytes], largest: int) -> None:
    """Nothing grows beyond what is allowed, and nothing that is allowed is refused."""
    splitter = Splitter(largest)
    refused = False
    for piece in pieces:
        try:
            assert all(len(line) <= largest for line in splitter.feed(piece))
        except ValueError:
            refused = True
            break
        assert splitter.pending <= largest
    too_long = max(map(len, b"".join(pieces).split(b"\n"))) > largest
    assert refused == too_long
    assert not (refused and splitter.pending)


def test_the_largest_object_is_eight_mebibytes() -> None:
    """Some times what etcd stores of one."""
    splitter = Splitter()
    assert list(splitter.feed(b"x" * LARGEST)) == []
    with pytest.raises(ValueError, match=f"more than {8 * 1024 * 1024} bytes"):
        list(splitter.feed(b"x"))


def test_an_event_is_a_kind_and_an_object() -> None:
    """As meta/v1 WatchEvent has it."""
    assert read_event(b'{"type": "ADDED", "object": {"kind": "Pod"}, "more": 1}') == Event("ADDED", {"kind": "Pod"})




@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")))
@example(b"[" * 100_000)
@example(b'{"type":' * 50_000)
@example(b"1" * 5_000)
@example(b'{"type":"ADDED","object":{"a":"\\ud800"}}')
@example(b"NaN")
@example("\ufeff{}".encode())
@example('{"type":"A","object":{}}'.encode("utf-16"))
def test_any_bytes_are_an_event_or_a_value_error(line: bytes) -> None:
    """Nothing else is raised, and an event is what it should be."""
    try:
        event = read_event(line)
    except ValueError:
        return
    assert isinstance(event.kind, str)
    assert isinstance(event.object, dict)


def test_deep_nesting_is_an_error_in_words() -> None:
    """The interpreter's own error is none that anybody expects of a parser."""
    with pytest.raises(ValueError, match="nested too deeply"):
        decode(b"[" * 200_000)
