"""Durations as Go's time.ParseDuration reads them: "1m30s", "500ms", "1.5h", "0"."""

from __future__ import annotations

NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,  # micro sign
    "\u03bcs": 1_000,  # Greek letter mu
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
LONGEST = 2**63 - 1  # Go's int64 nanoseconds, about 292 years
DIGITS = "0123456789"


def parse_duration(text: str) -> int:
    """Give the nanoseconds in `text`; a ValueError says what is wrong and shows the fix."""
    if text.startswith("-"):
        raise ValueError("is negative; accepted is a duration from 0 on, such as 30s")
    rest = text.removeprefix("+")
    if rest == "0":
        return 0
    if not rest:
        raise ValueError("is empty; accepted is a duration such as 1m30s or 500ms")
    total = 0
    while rest:
        nanoseconds, rest = _leading_part(text, rest)
        total += nanoseconds
    if total > LONGEST:
        raise ValueError("is too long; accepted are at most 292 years")
    return total


def _leading_part(text: str, rest: str) -> tuple[int, str]:
    """Take one number with its unit off `rest`."""
    number, rest = _span(rest, DIGITS + ".")
    unit, rest = _leading_unit(rest)
    whole, _, fraction = number.partition(".")
    if not (whole or fraction) or "." in fraction:
        raise ValueError("is not a duration; accepted is a sequence of numbers with units, such as 1m30s or 500ms")
    if not unit:
        raise ValueError(f"has no unit; accepted are ns, us, ms, s, m, h: did you mean {text}s?")
    if unit not in NANOSECONDS:
        raise ValueError(f"has an unknown unit {unit}; accepted are ns, us, ms, s, m, h")
    if len(number) > 40:  # int() of a huge string takes quadratic time
        raise ValueError("has too many digits; accepted are at most 40")
    scale = NANOSECONDS[unit]
    return int(whole or "0") * scale + int(fraction or "0") * scale // 10 ** len(fraction), rest


def _leading_unit(rest: str) -> tuple[str, str]:
    end = 0
    while end < len(rest) and rest[end] not in DIGITS + ".":
        end += 1
    return rest[:end], rest[end:]


def _span(text: str, characters: str) -> tuple[str, str]:
    end = 0
    while end < len(text) and text[end] in characters:
        end += 1
    return text[:end], text[end:]


def format_duration(nanoseconds: int) -> str:
    """Write a duration as Go's Duration.String does, for messages: 90 s are 1m30s, half a second is 500ms."""
    if nanoseconds == 0:
        return "0s"
    for unit in ("ns", "us", "ms"):
        if nanoseconds < NANOSECONDS[unit] * 1000:
            return _decimal(nanoseconds, NANOSECONDS[unit]) + unit
    hours, rest = divmod(nanoseconds, NANOSECONDS["h"])
    minutes, rest = divmod(rest, NANOSECONDS["m"])
    text = f"{hours}h" if hours else ""
    if hours or minutes:
        text += f"{minutes}m"
    return text + _decimal(rest, NANOSECONDS["s"]) + "s"


def _decimal(value: int, scale: int) -> str:
    whole, rest = divmod(value, scale)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:0{len(str(scale)) - 1}d}".rstrip("0")
