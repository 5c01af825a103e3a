"""JSON that any reader takes."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from kubexit.domain.json_text import to_json

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner) | st.lists(inner).map(tuple),
)


@given(values)
@example({'"': ["\\", "\x00\x1f\x7f\x80\u2028\ufeff\U0001f600", "\n\r\t\b\f"]})
@example({"a": True, "b": [False, None, -1, []], "c": {}})
def test_the_standard_library_reads_back_what_it_writes(value: object) -> None:
    """Whatever a log line holds: strictly JSON, no control character raw, and the same value."""
    text = to_json(value)
    assert json.loads(text, strict=True) == json.loads(json.dumps(value))
    assert "\n" not in text


@given(texts)
def test_written_text_is_utf_8_on_one_line(text: str) -> None:
    """A container runtime cuts logs into lines at newlines, so there is none within a line."""
    data = to_json(text).encode()
    assert len(data.splitlines()) == 1
    assert json.loads(data) == text


def test_bytes_that_are_no_text_become_the_replacement_character() -> None:
    """Names of files are any bytes; a line that is no UTF-8 would be dropped by collectors of logs."""
    assert to_json("a\udcffb") == '"a\ufffdb"'
    assert to_json("\ud800\udfff") == '"\ufffd\ufffd"'


def test_there_are_no_blanks() -> None:
    """As the originals' logger writes it."""
    assert to_json({"a": [1, 2], "b": {"c": None}}) == '{"a":[1,2],"b":{"c":null}}'


def test_keys_that_are_numbers_become_text() -> None:
    """JSON has no others."""
    assert to_json({1: 2}) == '{"1":2}'
