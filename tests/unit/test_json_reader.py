"""JSON in, as the standard library reads it, but for what no text has."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubexit.domain.json_reader import DEEPEST, MOST_DIGITS, JsonObject, parse_json

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)
# pieces of which documents and what is nearly one are made
PIECES = [
    *'{}[]:,"\\-+.eE/ \n\t\r0127afu',
    *("null", "true", "false", "nul", "NaN", "Infinity", "-Infinity", "1.5", "-0", "00", "1e5", "2.0", '"a"', '"":', '{"a":1}', "[1,2]"),
    *("\\u0041", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\u00", "\\n", "\\x", "\x00", "\x1f", "\x7f", "\x0b", "\xa0", "\ufeff", "\u2028", "\u0661"),
    *("\udcff", "\U0001f600", "//", "'a'", "undefined"),
]
documents = st.lists(st.sampled_from(PIECES) | texts, max_size=12).map("".join)


def refuse(word: str) -> None:
    raise ValueError(f"{word} is not in RFC 8259")


def to_object(pairs: list[tuple[str, Any]]) -> JsonObject:
    return JsonObject(tuple(pairs))


def oracle(text: str) -> object:
    """Read as the standard library does, with duplicate names, and without what it takes beyond RFC 8259 and what is no text."""
    found = json.loads(text, object_pairs_hook=to_object, parse_constant=refuse)
    assert_text(found)
    return found


def assert_text(value: object) -> None:
    if isinstance(value, str):
        value.encode()  # an UnicodeEncodeError is a ValueError
    for inner in (*value.names, *(item for _, item in value.pairs)) if isinstance(value, JsonObject) else value if isinstance(value, list) else ():
        assert_text(inner)


def same(left: object, right: object) -> bool:
    """Tell whether they are equal and of the same types: 1, 1.0 and True are not the same, 0.0 and -0.0 neither."""
    return repr(left) == repr(right)


@given(values, st.sampled_from([None, 0, 1, "\t"]), st.booleans())
@example({"a": [1, 1.0, True, None, "\U0001f600\u2028\x7f", {}, []], "": -0.0}, 1, True)
def test_reads_whatever_the_standard_library_writes(value: object, indent: int | str | None, ascii_only: bool) -> None:
    """The same values of the same types, with blanks or without, escaped or not."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert same(parse_json(text), oracle(text))


@given(documents)
@example('{"a":1,"a":2}')
@example('"\\ud83d\\ude00"')
@example("1e999")
@example("-0")
@example("-0.0")
def test_accepts_and_refuses_what_the_standard_library_does(text: str) -> None:
    """Any text: the same value, or a ValueError from both."""
    try:
        expected = oracle(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"^line \d+ column \d+: expected "):
            parse_json(text)
    else:
        assert same(parse_json(text), expected)


def test_a_number_with_a_fraction_or_an_exponent_is_no_integer() -> None:
    """For a field that takes whole numbers alone, 2.0 is as wrong as 2.5."""
    assert [type(parse_json(text)) for text in ("2", "-2", "2.0", "2e0", "2E+1")] == [int, int, float, float, float]
    assert parse_json("1e999") == math.inf


def test_names_that_occur_twice_are_kept() -> None:
    """Whoever reads the object decides; in a mapping, the first would be lost without a word."""
    found = parse_json('{"a":1,"b":2,"a":[3]}')
    assert found == JsonObject((("a", 1), ("b", 2), ("a", [3])))
    assert isinstance(found, JsonObject)
    assert (found.names, found.all("a"), found.all("c")) == (("a", "b", "a"), [1, [3]], [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 column 1: expected a value, found the end"),
        ("  \n", "line 2 column 1: expected a value, found the end"),
        ("{", 'line 1 column 2: expected a name in double quotes, or "}", found the end'),
        ("{a:1}", "line 1 column 2: expected a name in double quotes, or \"}\", found 'a'"),
        ('{"a":1,}', "line 1 column 8: expected a name in double quotes, found '}'"),
        ('{"a" 1}', "line 1 column 6: expected \":\", found '1'"),
        ('{"a":}', "line 1 column 6: expected a value, found '}'"),
        ('{"a":1 "b":2}', "line 1 column 8: expected \",\" or \"}\", found '\"'"),
        ('{"a":1', 'line 1 column 7: expected "," or "}", found the end'),
        ("[1,]", "line 1 column 4: expected a value, found ']'"),
        ("[1", 'line 1 column 3: expected "," or "]", found the end'),
        ("[,1]", "line 1 column 2: expected a value, found ','"),
        ("{} {}", "line 1 column 4: expected the end, found '{'"),
        ("1 x", "line 1 column 3: expected the end, found 'x'"),
        ("01", "line 1 column 2: expected the end, found '1'"),
        ("-", "line 1 column 2: expected a digit, found the end"),
        ("1.", "line 1 column 3: expected a digit, found the end"),
        (".5", "line 1 column 1: expected a value, found '.'"),
        ("+1", "line 1 column 1: expected a value, found '+'"),
        ("1e+", "line 1 column 4: expected a digit, found the end"),
        ("\u0661", "line 1 column 1: expected a value, found '\u0661'"),
        ("NaN", "line 1 column 1: expected a value, found 'N'"),
        ("-Infinity", "line 1 column 2: expected a digit, found 'I'"),
        ("True", "line 1 column 1: expected a value, found 'T'"),
        ("'a'", 'line 1 column 1: expected a value, found "\'"'),
        ("/* */ 1", "line 1 column 1: expected a value, found '/'"),
        ("\ufeff{}", "line 1 column 1: expected a value, found '\\ufeff'"),
        ("\x0b1", "line 1 column 1: expected a value, found '\\x0b'"),
        ("\xa01", "line 1 column 1: expected a value, found '\\xa0'"),
        ('"a', "line 1 column 3: expected a double quote, found the end"),
        ('{\n "a":\n  "b\nc"}', "line 3 column 5: expected a control character as its escape, such as \\n, found '\\n'"),
        ('"\x00"', "line 1 column 2: expected a control character as its escape, such as \\n, found '\\x00'"),
        ('"\\a"', "line 1 column 3: expected one of \" \\ / b f n r t u, found 'a'"),
        ('"\\', 'line 1 column 3: expected one of " \\ / b f n r t u, found the end'),
        ('"\\u12g4"', "line 1 column 6: expected four hexadecimal digits after \\u, found 'g'"),
        ('"\\u12', "line 1 column 6: expected four hexadecimal digits after \\u, found the end"),
        ('"\\u+123"', "line 1 column 4: expected four hexadecimal digits after \\u, found '+'"),
        ('"\\ud83d"', "line 1 column 2: expected two escapes that make a character, such as \\ud83d\\ude00, found '\\\\'"),
        ('"\\ude00"', "line 1 column 2: expected two escapes that make a character, such as \\ud83d\\ude00, found '\\\\'"),
        ('"\\ud83d\\u0041"', "line 1 column 2: expected two escapes that make a character, such as \\ud83d\\ude00, found '\\\\'"),
        ('"\\ud83d\\n"', "line 1 column 2: expected two escapes that make a character, such as \\ud83d\\ude00, found '\\\\'"),
        ('"\udcff"', "line 1 column 2: expected text that is UTF-8, found '\\udcff'"),
    ],
)
def test_an_error_says_where_and_what_was_expected(text: str, message: str) -> None:
    """So that a spec in a manifest can be put right without a look into the documents."""
    with pytest.raises(ValueError) as error:
        parse_json(text)
    assert str(error.value) == message


def test_depth_is_bounded() -> None:
    """A spec must not be able to overflow the stack: a crash of the interpreter would tell nobody anything."""
    assert repr(parse_json("[" * DEEPEST + "1" + "]" * DEEPEST)) == "[" * DEEPEST + "1" + "]" * DEEPEST
    for text in ("[" * 100_000, '{"a":' * 100_000, "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)):
        with pytest.raises(ValueError, match=f"at most {DEEPEST} arrays and objects in each other"):
            parse_json(text)


def test_numbers_are_bounded() -> None:
    """The longest environment entry, 128 kB, is 20 ms of int()."""
    assert parse_json("9" * MOST_DIGITS) == 10**MOST_DIGITS - 1
    for text in ("9" * (MOST_DIGITS + 1), "1" + "0" * 130_000, "1." + "0" * 130_000):
        with pytest.raises(ValueError, match=f"line 1 column 1: expected a number of at most {MOST_DIGITS} digits"):
            parse_json(text)
