"""What peers carve, Go's and broken ones included: read what is meant, refuse what is not, fail on nothing."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubexit.domain.tombstone import LARGEST, Tombstone, parse_tombstone

BORN, DIED = "2026-11-20T03:12:18.233793483Z", "2026-11-20T03:12:19Z"
WHOLE = Tombstone(born=BORN, died=DIED, exit_code=137)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'Born: "{BORN}"\nDied: "{DIED}"\nExitCode: 137\n', id="as Go writes it"),
        pytest.param(f"Born: {BORN}\nDied: {DIED}\nExitCode: 137", id="plain scalars, no newline at the end"),
        pytest.param(f"Born: '{BORN}'\nDied: '{DIED}'\nExitCode: '137'\n", id="single quotes"),
        pytest.param(f'born: "{BORN}"\nDIED: "{DIED}"\nexitcode: 137\n', id="keys in any case, as Go's JSON reader has it"),
        pytest.param(f'"Born": "{BORN}"\n\'Died\': "{DIED}"\n"ExitCode" : 137\n', id="quoted keys"),
        pytest.param(f'ExitCode: 137\nDied: "{DIED}"\nBorn: "{BORN}"\n', id="another order"),
        pytest.param(
            f'---\n# carved\nBorn: "{BORN}" # at last\n\nDied:  {DIED} # too soon\nExitCode: 137\t\n...\n',
            id="comments and document marks",
        ),
        pytest.param(f'%YAML 1.2\n---\r\nBorn: "{BORN}"\r\nDied: "{DIED}"\r\nExitCode: 137\r\n', id="lines of Windows"),
        pytest.param(f'Born: "{BORN}"\nDied: "{DIED}"\nExitCode: 137\nReadyAt: null\nSignal: ~\nReason:\nChildExitCode: ""\n', id="nulls"),
        pytest.param(f'Born:  "{BORN}"\nDied: "{DIED}"\nExitCode: 1\nExitCode: 137\n', id="the last of repeated keys"),
        pytest.param(
            f'Life: 42\nBorn: "{BORN}"\nLabels:\n  Died: never\n  deeper:\n  - Born: "x"\n- Died: no\n'
            f'Notes: |\n  just text\n\tand more\nDied: "{DIED}"\nExitCode: 137\n',
            id="unknown keys with all below them",
        ),
    ],
)
def test_reads_what_any_kubexit_means(text: str) -> None:
    """Keys are case-insensitive, values quoted or not, unknown keys and what belongs to them are ignored."""
    assert parse_tombstone(text) == WHOLE


@pytest.mark.parametrize(
    ("scalar", "message"),
    [
        ('"a\\nb\\r\\t\\"\\\\\\/\\ \\0"', 'a\nb\r\t"\\/ \0'),
        ('"\\q"', "\ufffd"),
        ("'it''s'", "it's"),
        ("'' # nothing", None),
        ("plain text # a comment", "plain text"),
        ("plain#text", "plain#text"),
        ("'a # b'  # c", "a # b"),
        ('"a # b" # c', "a # b"),
        ('"null"', "null"),
        ("Null", None),
        ("# nothing", None),
    ],
)
def test_takes_scalars_out_of_their_quotes(scalar: str, message: str | None) -> None:
    """Escapes are undone, comments dropped; an escape that we do not know becomes U+FFFD and harms nothing."""
    assert parse_tombstone(f"ExitCode: 0\nMessage: {scalar}\n") == Tombstone(exit_code=0, message=message)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "none of the keys"),
        ("\n\n", "none of the keys"),
        ("# nothing but a comment\n", "none of the keys"),
        ("Life: 42\n", "none of the keys"),
        ("Born:\n", "none of the keys"),
        ("garbage", "no key and value"),
        (f"Born:{BORN}\n", "no key and value"),
        (f'Born: "{BORN}\n', "no closing quote"),
        (f"Born: '{BORN}\n", "no closing quote"),
        ('Born: "2026-11-20T03:12', "no closing quote"),
        (f'Born: "{BORN}" Died\n', "text after a closing quote"),
        (f"Born: '{BORN}' Died\n", "text after a closing quote"),
        ('Message: "with a\\ttab" Died\n', "text after a closing quote"),
        ("Born: yesterday\n", "born is no RFC 3339 time"),
        ("Died: 2026-11-20\n", "died is no RFC 3339 time"),
        ("Died: true\n", "died is no RFC 3339 time"),
        (f'Died: "{DIED}"\nExitCode: one\n', "exit_code is no number"),
        (f'Died: "{DIED}"\nExitCode: 1.5\n', "exit_code is no number"),
        (f'Died: "{DIED}"\nExitCode: -\n', "exit_code is no number"),
        (f'Died: "{DIED}"\nExitCode: {"9" * 60_000}\n', "exit_code is no number"),
        ("\0" * LARGEST, "no key and value"),
    ],
)
def test_says_what_is_broken(text: str, why: str) -> None:
    """Half a stone, garbage or another format: an error of one short line, which the log can hold."""
    with pytest.raises(ValueError, match=why) as error:
        parse_tombstone(text)
    assert len(str(error.value)) < 300
    assert "\n" not in str(error.value)


def test_reads_a_negative_exit_code() -> None:
    """Go peers write -1 for a child that a signal ended."""
    assert parse_tombstone(f'Died: "{DIED}"\nExitCode: -1\n').exit_code == -1


keys = st.sampled_from(["Born", "ReadyAt", "Died", "ExitCode", "ChildExitCode", "Signal", "Reason", "Message", '"Born"', "'died'", "Other"])
values = st.sampled_from([f'"{BORN}"', BORN, "0", "-1", '"', "'", '"\\', "''", "null", "|", "{", "- a", "\ufffd"]) | st.text(max_size=20)
lines = st.builds("{}{}{}".format, keys | st.text(max_size=8), st.sampled_from([": ", ":", " : ", ""]), values)


@given(st.text() | st.lists(lines, max_size=12).map("\n".join) | st.binary().map(lambda data: data.decode("utf-8", "replace")))
@example("Born: '''")
@example('"": 1')
@example(": ")
def test_any_text_is_a_tombstone_or_a_value_error(text: str) -> None:
    """Nothing that a peer writes can crash us: there is no other exception, and what is read has the types that it should have."""
    try:
        stone = parse_tombstone(text)
    except ValueError:
        return
    assert stone != Tombstone()
    for value in (stone.born, stone.ready_at, stone.died, stone.signal, stone.reason, stone.message):
        assert value is None or isinstance(value, str)
    for code in (stone.exit_code, stone.child_exit_code):
        assert code is None or abs(code) < 10**10


@pytest.mark.parametrize(
    "unit",
    ['"', "'", "\\", '"\\', "''", ": ", "a: '", 'a: "', "#", " #", "-", "\n", "a: b\n", 'Message: "', "Message: '", "\t", "Born: 1", "%", "..."],
)
def test_takes_linear_time(unit: str) -> None:
    """The largest file that is read, filled with whatever might make a reader go back and forth, takes as many steps as it has characters.

    Steps are counted, not time: lines of Python that run.
    """
    small, large = (steps_of(unit * (size // len(unit))) for size in (LARGEST // 8, LARGEST))
    assert large <= 8 * small + 1000


def steps_of(text: str) -> int:
    """Count the lines of Python that run while `text` is read, bodies of comprehensions included."""
    count = 0

    def trace(_frame: object, _event: str, _argument: object) -> object:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        parse_tombstone(text)
    except ValueError:
        pass
    finally:
        sys.settrace(before)
    return count
