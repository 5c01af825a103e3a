"""What the helper program says over its pipe arrives as it was said."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubexit.domain.dependencies import UNSEEN, Container
from kubexit.domain.reports import CONTAINER, COUNTS, LONGEST_FIELD, POD, TROUBLE, format_container, format_report, parse_container, parse_report

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\\\t\n\rtnr"), max_size=LONGEST_FIELD)
NUMBERS = st.integers(-(2**31), 2**31 - 1)
CONTAINERS = st.builds(Container, st.booleans(), st.booleans(), st.booleans(), NUMBERS, st.booleans(), NUMBERS, TEXT)


@given(st.sampled_from(sorted(set(COUNTS) - {CONTAINER})), TEXT)
@example(TROUBLE, "\\")
@example(TROUBLE, "\\\\t\\\n")
@example(TROUBLE, "a\\")
def test_a_message_arrives_as_it_was_sent(kind: str, text: str) -> None:
    """Whatever is in it, it is one line."""
    fields = (text,) * COUNTS[kind]
    line = format_report(kind, *fields)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_report(line[:-1]) == (kind, *fields)


@given(TEXT, CONTAINERS)
@example("main", UNSEEN)
def test_a_container_arrives_as_it_was_sent(name: str, container: Container) -> None:
    """All of its fields, in their types."""
    report = parse_report(format_container(name, container)[:-1])
    assert report is not None
    assert report[0] == CONTAINER
    assert parse_container(report[1:]) == (name, container)


@given(st.text())
def test_any_text_is_sent_as_one_line(text: str) -> None:
    """Lone surrogates are no reason to fail: they become question marks."""
    line = format_report(TROUBLE, text)
    assert line.count(b"\n") == 1
    report = parse_report(line[:-1])
    assert report is not None
    assert len(report[1]) == len(text)


def test_a_field_that_is_too_long_is_cut() -> None:
    """A pipe takes a line of a few KiB whole."""
    line = format_report(TROUBLE, "\U0001f600" * 10_000)
    assert parse_report(line[:-1]) == (TROUBLE, "\U0001f600" * LONGEST_FIELD)
    assert len(line) <= 4096


@pytest.mark.parametrize(
    "line",
    [b"", b"Traceback (most recent call last):", b"pod\tx", b"trouble", b"trouble\ta\tb", b"container\tmain", b"Pod", b" pod", b"\xff", b"done\t"],
)
def test_what_is_no_report_is_none(line: bytes) -> None:
    """The last words of an interpreter, for instance."""
    assert parse_report(line) is None


@given(st.binary() | st.lists(st.sampled_from([b"pod", b"container", b"trouble", b"\t", b"\\", b"1", b"x"]), max_size=20).map(b"".join))
def test_any_line_is_a_report_or_none(line: bytes) -> None:
    """Nothing is raised, and a report has the fields that it should have."""
    report = parse_report(line)
    assert report is None or len(report) == 1 + COUNTS[report[0]]


@pytest.mark.parametrize("fields", [("main", "1", "1", "0", "x", "1", "0", ""), ("main", "1", "1", "0", "0", "1", "", "")])
def test_a_container_with_numbers_that_are_none_is_a_value_error(fields: tuple[str, ...]) -> None:
    """No helper of ours writes it."""
    with pytest.raises(ValueError, match="invalid literal"):
        parse_container(fields)


def test_the_end_of_a_snapshot_has_no_fields() -> None:
    """One word."""
    assert format_report(POD) == b"pod\n"
