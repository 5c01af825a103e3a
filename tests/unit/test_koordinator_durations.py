"""Durations of a koordinator spec: everything that its library reads, and what Go reads besides."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubexit.domain.durations import parse_duration
from kubexit.domain.koordinator_durations import LONGEST, SCALES, parse_koordinator_duration

MS, S = 1_000_000, 1_000_000_000
M, H, D = 60 * S, 3600 * S, 86400 * S
UNITS = {
    1: ["ns", "nsec", "nanosecond"],
    1000: ["us", "usec", "usecond", "\u00b5s", "\u00b5sec", "\u00b5second", "microsecond"],
    MS: ["ms", "msec", "millisecond"],
    S: ["s", "sec", "second"],
    M: ["m", "min", "minute"],
    H: ["h", "hr", "hour"],
    D: ["d", "day"],
    7 * D: ["w", "week"],
    30 * D: ["mon", "month"],
    365 * D: ["y", "year"],
}


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("10s", 10 * S),
        ("10S", 10 * S),
        ("10s ", 10 * S),
        ("00010s", 10 * S),
        ("1m30s", 90 * S),
        ("1m 30s", 90 * S),
        ("1m+30", 90 * S),
        ("1m + 30s", 90 * S),
        ("1m30", 90 * S),
        ("500ms", 500 * MS),
        ("0s", 0),
        ("1m*10", 600 * S),
        ("1m *2", 120 * S),
        ("1s2", 3 * S),
        ("300ms2", 2300 * MS),
        ("1h30m", 5400 * S),
        ("1h1h", 7200 * S),
        ("1H", H),
        ("1hr", H),
        ("1hour", H),
        ("1d", D),
        ("1w", 7 * D),
        ("1mon", 30 * D),
        ("1month", 30 * D),
        ("1y", 365 * D),
        ("1year", 365 * D),
        ("1M", M),
        ("1min", M),
        ("1MIN", M),
        ("1minute", M),
        ("1sec", S),
        ("1second", S),
        ("1msec", MS),
        ("1usec", 1000),
        ("1\u00b5s", 1000),
        ("1ns", 1),
        ("584y", 18_417_024_000 * S),
        ("1s*0", 0),
    ],
)
def test_reads_what_koordinator_was_seen_to_read(text: str, nanoseconds: int) -> None:
    """The table of its observed behaviour, row by row."""
    assert parse_koordinator_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1m30s 2", 92 * S),
        ("1s\t+\n2", 3 * S),
        ("1s 2 3", 6 * S),
        ("1m+30 ", 90 * S),
        ("1m*10*2", 1200 * S),
        ("1s * 2 * 500ms", S),
        ("1m*10ms", 600 * MS),
        ("3ns*3ns", 0),
        ("1s*1ns", 1),
        ("999ms*999ms*3", 2_994_003_000),
        ("500y*2*0", 0),
        ("0s*9999999999", 0),
        ("584y+300d", 18_442_944_000 * S),
        ("18446744073709551615ns", LONGEST),
    ],
)
def test_reads_what_its_library_reads(text: str, nanoseconds: int) -> None:
    """As computed by duration-str 0.7.1: blanks, sums and products, factors multiplied first, parts of nanoseconds dropped."""
    assert parse_koordinator_duration(text) == nanoseconds


@pytest.mark.parametrize("scale", UNITS)
def test_units_have_long_forms_in_any_letter_case(scale: int) -> None:
    """But no plurals, and the micro sign is U+00B5 alone where Go does not read it."""
    for unit in UNITS[scale]:
        for text in (f"3{unit}", f"3{unit[0]}{unit[1:].upper()}", f"3{unit.upper()}".replace("\u039c", "\u00b5")):
            assert parse_koordinator_duration(text) == 3 * scale
    assert [unit for unit, known in SCALES.items() if known == scale] == UNITS[scale]


@pytest.mark.parametrize(("text", "nanoseconds"), [("0", 0), ("1.5s", 1500 * MS), ("+5s", 5 * S), (".5h", 1800 * S), ("1\u03bcs", 1000), ("+0", 0)])
def test_reads_what_go_reads_besides(text: str, nanoseconds: int) -> None:
    """Fractions, and a zero without a unit: koordinator refuses them, KUBEXIT_ variables take them."""
    assert parse_koordinator_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "10",
        "",
        "1 min",
        "10 s",
        " 10s",
        "-1s",
        "1m-5s",
        "2hours",
        "2minutes",
        "2secs",
        "2seconds",
        "1m*10+1s",
        "1m+10*2",
        "1m30s*2",
        "10s,5s",
        "5m,",
        "600y",
        "600y*0",
        "0s*99999999999",
        "300y300y",
        "500y*2",
        "99999999999999999999s",
        "18446744073709551616ns",
        "\u0663s",
        "1_000s",
        "0x10s",
        "1e3s",
        "soon",
        "s",
        "Infinity",
        "1s+",
        "1s++2",
        "1s*",
        "1s+ 2 s",
        "1\u03bcsec",
        "1\u017f",  # a long s
        "1s\x0b2",
        "1s\xa02s",
        "1.5d",
        "-0",
        " ",
        "1" * 201 + "s",
        "9" * 100_000,
    ],
)
def test_refuses_what_neither_reads(text: str) -> None:
    """The error shows what is accepted."""
    with pytest.raises(ValueError, match=r"accepted is a duration such as 30s, 1m30s, 500ms, 1d or 1\.5h: numbers with a unit") as error:
        parse_koordinator_duration(text)
    assert len(str(error.value)) < 300


def test_a_number_without_a_unit_gets_the_second_proposed() -> None:
    """The most frequent mistake."""
    with pytest.raises(ValueError, match=r"has no unit: did you mean 10s\?"):
        parse_koordinator_duration("10")


numbers = st.integers(0, 10**12).map(str) | st.sampled_from(["", "007", "18446744073709551616", "1.5", "\u0663"])
texts = st.lists(numbers | st.sampled_from([*SCALES, "M", "hours", "x", " ", "\n", "+", "*", "-", ",", "."]), max_size=10).map("".join)


@given(texts | st.text())
@example("1s*2*3")
def test_anything_is_a_duration_or_a_value_error(text: str) -> None:
    """Within what a timer takes, and never less than Go reads."""
    try:
        nanoseconds = parse_koordinator_duration(text)
    except ValueError:
        with pytest.raises(ValueError):
            parse_duration(text)
        return
    assert 0 <= nanoseconds <= LONGEST


@given(st.integers(0, 2**53))
def test_what_go_writes_means_the_same(nanoseconds: int) -> None:
    """What both grammars read has one meaning."""
    hours, rest = divmod(nanoseconds, H)
    text = f"{hours}h{rest // M}m{rest % M // S}s{rest % S}ns"
    assert parse_koordinator_duration(text) == parse_duration(text) == nanoseconds
