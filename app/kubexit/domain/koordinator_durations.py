"""Durations of a koordinator spec: what its library (duration-str 0.7.1) reads, "1m30s", "1d", "1m + 30", "1m*10", and what Go reads besides."""

from __future__ import annotations

from kubexit.domain.durations import DIGITS, NANOSECONDS, parse_duration

SECOND = NANOSECONDS["s"]
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UNITS = (  # in any letter case
    (("y", "year"), 365 * DAY),
    (("mon", "month"), 30 * DAY),
    (("w", "week"), 7 * DAY),
    (("d", "day"), DAY),
    (("h", "hr", "hour"), HOUR),
    (("m", "min", "minute"), MINUTE),
    (("s", "sec", "second"), SECOND),
    (("ms", "msec", "millisecond"), NANOSECONDS["ms"]),
    (("us", "usec", "usecond", "\u00b5s", "\u00b5sec", "\u00b5second", "microsecond"), NANOSECONDS["us"]),  # micro sign, no Greek letter
    (("ns", "nsec", "nanosecond"), 1),
)
SCALES = {name: scale for names, scale in UNITS for name in names}
LONGEST_TEXT = 200  # characters: reading takes quadratic time
LONGEST = 2**64 - 1  # nanoseconds in Rust's u64, 584 years; what Go reads ends at 292
BLANKS = " \t\r\n"
ACCEPTED = "accepted is a duration such as 30s, 1m30s, 500ms, 1d or 1.5h: numbers with a unit of ns us ms s m h d w mon y, 584 years at most"


def parse_koordinator_duration(text: str) -> int:
    """Give the nanoseconds in `text`; a ValueError says what is accepted."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"is too long; {ACCEPTED}")
    nanoseconds = _as_koordinator(text)
    if nanoseconds is not None:
        return nanoseconds
    try:
        return parse_duration(text)
    except ValueError:  # whose words would deny units that are accepted here
        number = text.strip()
        if number.isascii() and number.isdigit():
            raise ValueError(f"has no unit: did you mean {number}s? {ACCEPTED}") from None
        raise ValueError(f"is no duration; {ACCEPTED}") from None


def _as_koordinator(text: str) -> int | None:
    """Read NUMBER UNIT, and any number of [+|*] NUMBER [UNIT], the unit of which is the second if there is none. None: it is something else."""
    first, rest = _part(text, default=None)
    operator, following = "", []
    while first is not None and rest.strip(BLANKS):
        rest = rest.lstrip(BLANKS)
        found = rest[0] if rest[0] in "+*" else "+"
        part, rest = _part(rest.removeprefix(found).lstrip(BLANKS), default=SECOND)
        if part is None or found != (operator or found):  # sums of products are not read
            return None
        operator = found
        following.append(part)
    if first is None:
        return None
    total = _product(first, following) if operator == "*" else sum(following, first)
    return total if total is not None and total <= LONGEST else None


def _product(first: int, factors: list[int]) -> int | None:
    """Multiply durations as so many seconds each; a nanosecond is the smallest part of the product of the factors, too."""
    factor = SECOND
    for each in factors:
        factor = factor * each // SECOND
        if factor > LONGEST:
            return None
    return first * factor // SECOND


def _part(text: str, default: int | None) -> tuple[int | None, str]:
    """Take one number with its unit off `text`. None: there is none, or the unit is not known, or it is too long."""
    end = 0
    while end < len(text) and text[end] in DIGITS:
        end += 1
    number, rest = text[:end], text[end:]
    end = 0
    while end < len(rest) and ((rest[end].isascii() and rest[end].isalpha()) or rest[end] == "\u00b5"):
        end += 1
    scale = SCALES.get(rest[:end].lower()) if end else default
    significant = number.lstrip("0") or number[-1:]
    if scale is None or not significant or len(significant) > len(str(LONGEST)):
        return None, ""
    nanoseconds = int(significant) * scale
    return nanoseconds if nanoseconds <= LONGEST else None, rest[end:]
