"""RFC 3339 times, as Go writes them into tombstones. By hand: `time.strptime` imports modules for 4 ms."""

from __future__ import annotations

NANOSECONDS = 1_000_000_000
DAY = 86_400
DIGITS_TO_ZERO = str.maketrans("123456789", "000000000")


def format_timestamp(nanoseconds: int) -> str:
    """Write nanoseconds since 1970 (CLOCK_REALTIME) with nine digits, in UTC."""
    seconds, fraction = divmod(nanoseconds, NANOSECONDS)
    days, second = divmod(seconds, DAY)
    year, month, day = _civil_from_days(days)
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return f"{year:04d}-{month:02d}-{day:02d}T{clock}.{fraction:09d}Z"


def _civil_from_days(days: int) -> tuple[int, int, int]:
    """Year, month, day of a day counted from 1970-01-01 (proleptic Gregorian calendar; years start in March)."""
    era, day_of_era = divmod(days + 719_468, 146_097)  # eras of 400 years, from 0000-03-01
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * march_month + 2) // 5 + 1
    month = march_month + 3 if march_month < 10 else march_month - 9
    return era * 400 + year_of_era + (month <= 2), month, day


def is_timestamp(text: str) -> bool:
    """Tell whether `text` has the form of an RFC 3339 time: only the form matters here, no time is ever compared."""
    date, separator, rest = text[:10], text[10:11], text[11:]
    if not (_digits(date, "0000-00-00") and separator in ("T", "t", " ") and _digits(rest[:8], "00:00:00")):
        return False
    zone = rest[8:]
    if zone.startswith("."):
        zone = zone[1:].lstrip("0123456789")
        if zone == rest[9:]:
            return False
    return zone in ("Z", "z") or (zone[:1] in ("+", "-") and _digits(zone[1:], "00:00"))


def _digits(text: str, pattern: str) -> bool:
    """Tell whether `text` is `pattern` with other digits."""
    return text.translate(DIGITS_TO_ZERO) == pattern
