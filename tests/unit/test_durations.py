"""Durations are Go's: what time.ParseDuration reads and what Duration.String writes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubexit.domain.durations import LONGEST, NANOSECONDS, format_duration, parse_duration

NS, US, MS, S, M, H = (NANOSECONDS[unit] for unit in ("ns", "us", "ms", "s", "m", "h"))


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("+0", 0),
        ("0s", 0),
        ("5s", 5 * S),
        ("+5s", 5 * S),
        ("30s", 30 * S),
        ("1478s", 1478 * S),
        ("5.0s", 5 * S),
        ("5.6s", 5 * S + 600 * MS),
        ("5.s", 5 * S),
        (".5s", 500 * MS),
        ("1.00s", S),
        ("1.004s", S + 4 * MS),
        ("1.0040s", S + 4 * MS),
        ("100.00100s", 100 * S + MS),
        ("1.5h", 90 * M),
        ("10ns", 10),
        ("11us", 11 * US),
        ("12\u00b5s", 12 * US),
        ("12\u03bcs", 12 * US),
        ("13ms", 13 * MS),
        ("14s", 14 * S),
        ("15m", 15 * M),
        ("16h", 16 * H),
        ("3h30m", 3 * H + 30 * M),
        ("1m30s", 90 * S),
        ("10.5s4m", 4 * M + 10 * S + 500 * MS),
        ("1h2m3s4ms5us6ns", H + 2 * M + 3 * S + 4 * MS + 5 * US + 6),
        ("39h9m14.425s", 39 * H + 9 * M + 14 * S + 425 * MS),
        ("52763797000ns", 52763797000),
        ("9007199254740993ns", 2**53 + 1),
        ("9223372036854775807ns", 2**63 - 1),
        ("9223372036854775.807us", 2**63 - 1),
        ("9223372036s854ms775us807ns", 2**63 - 1),
        ("0.100000000000000000000h", 6 * M),
        ("0.830103483285477580700h", 49 * M + 48 * S + 372539827),
        ("1s1s", 2 * S),
    ],
)
def test_reads_what_go_reads(text: str, nanoseconds: int) -> None:
    """The cases that Go's own tests of time.ParseDuration hold, as far as they are not negative."""
    assert parse_duration(text) == nanoseconds


def test_a_third_of_an_hour_may_differ_from_go_by_a_nanosecond() -> None:
    """Go computes fractions in floating point, we in whole numbers: 20 minutes there, one nanosecond less here."""
    assert 20 * M - parse_duration("0.3333333333333333333h") in (0, 1)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "accepted is a duration such as 1m30s"),
        ("3", "did you mean 3s?"),
        ("1m30", "did you mean 1m30s?"),
        ("1.5", "did you mean 1.5s?"),
        ("00", "did you mean 00s?"),
        ("-5s", "is negative; accepted is a duration from 0 on"),
        ("-30", "is negative"),
        ("-", "is negative"),
        ("+", "accepted is a duration such as 1m30s"),
        ("s", "accepted is a sequence of numbers with units"),
        (".", "accepted is a sequence of numbers with units"),
        (".s", "accepted is a sequence of numbers with units"),
        ("+.s", "accepted is a sequence of numbers with units"),
        ("1.2.3s", "accepted is a sequence of numbers with units"),
        ("s1", "accepted is a sequence of numbers with units"),
        ("1d", "unknown unit d; accepted are ns, us, ms, s, m, h"),
        ("1 s", "unknown unit"),
        ("1S", "unknown unit S"),
        ("1h-1m", "unknown unit h-"),
        ("\x85\x85", "accepted is a sequence of numbers with units"),
        ("hello", "accepted is a sequence of numbers with units"),
        ("\u0661s", "accepted is a sequence of numbers with units"),  # an Arabic digit one
        ("9223372036854775808ns", "is too long"),
        ("9223372036854776us", "is too long"),
        ("3000000h", "is too long"),
        ("9223372036854775.808us", "is too long"),
        ("9223372036854ms775us808ns", "is too long"),
        ("9" * 100_000 + "s", "has too many digits"),
        ("9" * 100_000, "has no unit"),
    ],
)
def test_refuses_what_go_refuses_and_shows_the_fix(text: str, hint: str) -> None:
    """Negative, unit-less or malformed: the error says what is accepted."""
    with pytest.raises(ValueError) as error:
        parse_duration(text)
    assert hint in str(error.value)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1100, "1.1us"),
        (2_200_000, "2.2ms"),
        (500 * MS, "500ms"),
        (999_999_999, "999.999999ms"),
        (S, "1s"),
        (3_300_000_000, "3.3s"),
        (59 * S, "59s"),
        (90 * S, "1m30s"),
        (4 * M + 5 * S, "4m5s"),
        (4 * M + 5001 * MS, "4m5.001s"),
        (H, "1h0m0s"),
        (5 * H + 6 * M + 7001 * MS, "5h6m7.001s"),
        (8 * M + 1, "8m0.000000001s"),
        (2**63 - 1, "2562047h47m16.854775807s"),
    ],
)
def test_writes_what_go_writes(nanoseconds: int, text: str) -> None:
    """The cases of Go's own tests of Duration.String (but for the micro sign, which is written u)."""
    assert format_duration(nanoseconds) == text


@given(st.integers(0, LONGEST))
def test_reads_back_what_it_writes(nanoseconds: int) -> None:
    """No nanosecond is lost on the way through the text."""
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@given(st.lists(st.tuples(st.integers(0, 999), st.sampled_from(sorted(NANOSECONDS))), min_size=1))
def test_adds_up_its_parts(parts: list[tuple[int, str]]) -> None:
    """A duration is the sum of its numbers with units, in any order, repeated or not."""
    assert parse_duration("".join(f"{number}{unit}" for number, unit in parts)) == sum(number * NANOSECONDS[unit] for number, unit in parts)


@given(st.integers(0, 10**12), st.text("0123456789", max_size=20), st.sampled_from(sorted(NANOSECONDS)))
def test_cuts_fractions_to_whole_nanoseconds(whole: int, fraction: str, unit: str) -> None:
    """What is left of a nanosecond is dropped, never rounded up."""
    scale = NANOSECONDS[unit]
    expected = whole * scale + int(fraction or "0") * scale // 10 ** len(fraction)
    if expected <= LONGEST:
        assert parse_duration(f"{whole}.{fraction}{unit}") == expected


@given(st.text() | st.text("0123456789.-+hmsnu\u00b5\u03bc "))
@example("1" * 50 + "." + "1" * 50 + "s")
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    """Whatever the user writes, the answer is a number that Go's int64 holds, or a ValueError."""
    try:
        nanoseconds = parse_duration(text)
    except ValueError:
        return
    assert 0 <= nanoseconds <= LONGEST
