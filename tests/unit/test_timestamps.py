"""Times are RFC 3339, as Go writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubexit.domain.timestamps import format_timestamp, is_timestamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.datetimes(timezones=st.just(UTC))


def test_a_time_that_everybody_knows() -> None:
    """Nine digits, UTC, a Z: what Go's RFC3339Nano reads."""
    assert format_timestamp(0) == "1970-01-01T00:00:00.000000000Z"
    assert format_timestamp(1_795_144_338_233_793_483) == "2026-11-20T03:12:18.233793483Z"


@given(moments, st.integers(0, 999))
def test_agrees_with_the_standard_library(moment: datetime, nanoseconds: int) -> None:
    """Leap years, centuries and all: the calendar is that of datetime, before 1970 too."""
    microseconds = (moment - EPOCH) // timedelta(microseconds=1)
    assert format_timestamp(microseconds * 1000 + nanoseconds) == f"{moment:%H:%M:%S.%f}".join(
        (moment.date().isoformat() + "T", f"{nanoseconds:03d}Z"),
    )


@given(st.integers(-(10**18), 10**19))
def test_recognises_what_it_writes(nanoseconds: int) -> None:
    """A tombstone of ours is always a tombstone to us."""
    assert is_timestamp(format_timestamp(nanoseconds))


@given(moments, st.sampled_from("Tt "), st.text("0123456789", max_size=9), st.sampled_from(["Z", "z", "+00:00", "-08:30", "+14:00"]))
def test_recognises_every_form_of_rfc_3339(moment: datetime, separator: str, fraction: str, zone: str) -> None:
    """Any number of digits, any zone, lower case, a blank for the T: Go peers run in any time zone."""
    assert is_timestamp(f"{moment.date().isoformat()}{separator}{moment:%H:%M:%S}{'.' + fraction if fraction else ''}{zone}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-11-20",
        "2026-11-20T03:12:18",
        "2026-11-20T03:12:18.5",
        "2026-11-20T03:12:18.Z",
        "2026-11-20T03:12Z",
        "2026-11-20X03:12:18Z",
        "2026/11/20T03:12:18Z",
        "2026-11-20T03:12:18+0800",
        "2026-11-20T03:12:18+08",
        "2026-11-20T03:12:18Zjunk",
        "2026-11-20T03:12:18 Z",
        " 2026-11-20T03:12:18Z",
        "2026-11-20T03:12:18Z\n",
        "26-11-20T03:12:18Z",
        "\u0662026-11-20T03:12:18Z",
        "yesterday",
    ],
)
def test_does_not_take_anything_else_for_a_time(text: str) -> None:
    """Half a time, another format or a word is broken content, not a death."""
    assert not is_timestamp(text)


@given(st.text())
def test_never_fails_on_any_text(text: str) -> None:
    """What a peer wrote is told apart, never raised on."""
    assert is_timestamp(text) in (True, False)
