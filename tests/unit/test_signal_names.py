"""Signals by name and number, as signal(7) has them."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubexit.domain.signal_names import ACCEPTED, RTMAX, RTMIN, signal_name, signal_number

NAMED = {signal.Signals(number).name: number for number in range(1, 32)}


@pytest.mark.parametrize("number", range(1, RTMAX + 1))
def test_every_signal_is_read_back_from_its_own_name_and_number(number: int) -> None:
    """All 64: the number is accepted, and so is the name that we write, unless it is one of the two that the C library keeps."""
    assert signal_number(str(number)) == number
    if number not in (32, 33):
        assert signal_number(signal_name(number)) == number
        assert signal_number(signal_name(number).removeprefix("SIG").lower()) == number


@pytest.mark.parametrize(("name", "number"), NAMED.items())
def test_the_names_are_those_of_this_machine(name: str, number: int) -> None:
    """The table written by hand is the kernel's, as Python's signal module knows it."""
    assert signal_number(name) == number
    assert signal_number(signal_name(number)) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("term", 15),
        ("SigTerm", 15),
        ("9", 9),
        ("009", 9),
        ("SIG15", 15),
        ("IOT", 6),
        ("SIGCLD", 17),
        ("poll", 29),
        ("RTMIN", 34),
        ("SIGRTMIN", 34),
        ("RTMIN+0", 34),
        ("RTMIN+3", 37),
        ("sigrtmin+30", 64),
        ("RTMAX", 64),
        ("RTMAX-0", 64),
        ("RTMAX-30", 34),
        ("SIGRTMAX-14", 50),
    ],
)
def test_reads_the_spellings_that_images_and_shells_use(text: str, number: int) -> None:
    """With or without SIG, in any case, aliases, real-time ones by offset."""
    assert signal_number(text) == number


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "SIG",
            "0",
            "65",
            "-15",
            "+15",
            "TERMINATE",
            "SIGSIGTERM",
            "RTMIN+31",
            "RTMAX-31",
            "RTMIN-1",
            "RTMAX+1",
            "RTMIN+",
            "RTMIN+x",
            "RTMIN3",
            "RTMINX",
        ),
        *("RTMAX-65", "RTMIN+99999999", "1" * 10_000, "\u0661\u0665", "1.5", "TERM ", "TERM,INT"),
    ],
)
def test_refuses_what_is_no_signal(text: str) -> None:
    """The error says what is accepted."""
    with pytest.raises(ValueError, match="is no signal; accepted is ") as error:
        signal_number(text)
    assert ACCEPTED in str(error.value)


@pytest.mark.parametrize(
    ("number", "name"),
    [(1, "SIGHUP"), (9, "SIGKILL"), (31, "SIGSYS"), (32, "signal 32"), (33, "signal 33"), (34, "SIGRTMIN"), (37, "SIGRTMIN+3")],
)
def test_writes_the_name_with_sig(number: int, name: str) -> None:
    """As in the tombstone's key Signal and in messages."""
    assert signal_name(number) == name


@given(st.text() | st.from_regex(r"(SIG)?RTM(IN|AX)[+-]?[0-9]{0,3}", fullmatch=True))
def test_any_text_is_a_signal_or_a_value_error(text: str) -> None:
    """Whatever the user writes: a number from 1 to 64, and a real-time name never gives one below SIGRTMIN."""
    try:
        number = signal_number(text)
    except ValueError:
        return
    assert 1 <= number <= RTMAX
    assert number >= RTMIN or "RTM" not in text.upper()
