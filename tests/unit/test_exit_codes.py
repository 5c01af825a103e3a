"""KUBEXIT_EXIT_CODES: from the way a child ended to the status that the kubelet sees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubexit.domain.exit_codes import (
    ANY,
    CAUSES,
    DEFAULT_RULES,
    KILLED,
    NOT_STARTED,
    STOPPED,
    STOPPED_ALWAYS,
    TOLD,
    ExitRule,
    exit_code,
    parse_exit_rules,
    reported_code,
)

GOOD_STOP = frozenset((STOPPED, STOPPED_ALWAYS))
ANY_STOP = frozenset((STOPPED_ALWAYS,))
KILL = frozenset((KILLED,))
NONE: frozenset[str] = frozenset()


def test_a_sidecar_that_obeyed_does_not_fail_its_job() -> None:
    """The default, `stopped:0`, and nothing else."""
    assert parse_exit_rules(["stopped:0"]) == DEFAULT_RULES
    assert reported_code(143, GOOD_STOP, DEFAULT_RULES) == 0
    assert reported_code(143, ANY_STOP, DEFAULT_RULES) == 143
    assert reported_code(137, KILL, DEFAULT_RULES) == 137
    assert reported_code(7, NONE, DEFAULT_RULES) == 7


@pytest.mark.parametrize(
    ("rules", "code", "causes", "reported"),
    [
        ("stopped:0,killed:137,143:0,*:5", 143, GOOD_STOP, 0),
        ("stopped:1,killed:137,143:0,*:5", 143, GOOD_STOP, 1),
        ("stopped:1,killed:137,143:0,*:5", 143, NONE, 0),
        ("stopped:1,killed:137,143:0,*:5", 143, ANY_STOP, 0),
        ("stopped:0,killed:7,143:0,*:5", 137, KILL, 7),
        ("stopped:0,killed:137,143:0,*:5", 3, NONE, 5),
        ("stopped:0,killed:137,143:0,*:5", 0, NONE, 5),
        ("stopped-always:0", 143, ANY_STOP, 0),
        ("stopped-always:0", 143, GOOD_STOP, 0),
        ("stopped-always:0", 137, KILL, 137),
        ("*:5,stopped:0", 143, GOOD_STOP, 5),
        ("143:9,stopped:0", 143, GOOD_STOP, 9),
        ("stopped:0,143:9", 143, GOOD_STOP, 0),
        ("3:4,4:5", 3, NONE, 4),
        ("", 3, NONE, 3),
    ],
)
def test_the_first_rule_that_matches_decides(rules: str, code: int, causes: frozenset[str], reported: int) -> None:
    """By cause, by code or by `*`, in the order in which the user wrote them; once, not again on the result."""
    assert reported_code(code, causes, parse_exit_rules(rules.split(",") if rules else [])) == reported


@pytest.mark.parametrize(
    "item",
    [
        "",
        "stopped",
        "stopped:",
        ":0",
        "stopped:256",
        "stopped:-1",
        "256:0",
        "-1:0",
        "killed:x",
        "**:0",
        "Stopped:0",
        "stopped=0",
        "stopped:0:1",
        "1.5:0",
        "stopped: 0",
        "told:0",
        "not-started:0",
        "\u0661:0",
        "0001:0",
    ],
)
def test_refuses_a_rule_that_it_does_not_understand(item: str) -> None:
    """The error names the rule, and lists causes and codes that are accepted."""
    with pytest.raises(ValueError) as error:
        parse_exit_rules(["stopped:0", item])
    assert repr(item) in str(error.value)
    assert all(word in str(error.value) for word in (*CAUSES, "*", "0 to 255"))


@pytest.mark.parametrize("code", range(256))
def test_every_exit_code_is_one(code: int) -> None:
    """0 to 255, as _exit(2) has it, also with zeros in front."""
    assert exit_code(str(code)) == exit_code(f"{code:03d}") == code


@given(st.text() | st.integers().map(str))
def test_any_text_is_an_exit_code_or_none(text: str) -> None:
    """Never an exception, never a number that the kernel would cut."""
    code = exit_code(text)
    assert code is None or 0 <= code <= 255


@given(st.lists(st.builds(ExitRule, st.sampled_from((*CAUSES, ANY)) | st.integers(0, 255), st.integers(0, 255))))
def test_rules_are_logged_as_they_were_written(rules: list[ExitRule]) -> None:
    """The log's `exit_codes` can be copied into the variable."""
    assert parse_exit_rules([rule.text for rule in rules]) == tuple(rules)


@pytest.mark.parametrize(
    ("code", "causes", "reported"),
    [
        (9, frozenset((TOLD,)), 4),
        (143, frozenset((TOLD, STOPPED, STOPPED_ALWAYS)), 4),
        (137, KILL, 5),
        (143, frozenset((NOT_STARTED, STOPPED_ALWAYS)), 4),
        (9, NONE, 9),
    ],
)
def test_koordinator_s_causes_are_rules_that_no_variable_has(code: int, causes: frozenset[str], reported: int) -> None:
    """They are made of terminatedByStopDepExitCode and killedByStopDepExitCode."""
    assert reported_code(code, causes, (ExitRule(KILLED, 5), ExitRule(TOLD, 4), ExitRule(NOT_STARTED, 4))) == reported
