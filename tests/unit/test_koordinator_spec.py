"""The fields of a koordinator spec: types, limits, defaults, and what is said of a wrong one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubexit.domain.koordinator_spec import FIELDS, Spec, parse_spec

SECOND = 1_000_000_000
HTTP_FORM = '{"http": {"post": {"port": 15020, "path": "/quitquitquit", "host": "127.0.0.1", "scheme": "http"}}}'
NO_DURATION = "accepted is a duration such as 30s"
DURATION_IN_QUOTES = 'accepted is a duration in double quotes, such as "30s"'
NAMES = 'is no array of strings; accepted is an array of container names, such as ["main"]'
INT32 = "is no integer within limits; accepted are those from -2147483648 to 2147483647, without quotes, fraction or exponent"
UINT32 = INT32.replace("-2147483648", "0").replace("2147483647", "4294967295")
NO_ACTION = 'is no action; accepted is {"signal": 15} or ' + HTTP_FORM
NO_REQUEST = "is no request; accepted is " + HTTP_FORM


def read(text: str) -> tuple[Spec, list[str], list[str]]:
    """Give the spec, the faults and the warnings."""
    faults: list[str] = []
    warnings: list[str] = []
    return parse_spec("KOORDINATOR_SPEC", text, faults, warnings), faults, warnings


def test_an_empty_spec_has_the_defaults() -> None:
    """Blanks around the document are fine."""
    for text in ("{}", " \n\t{ }\r\n"):
        assert read(text) == (Spec((), (), 0, 15, None, 15, 30 * SECOND, 137, 0), [], [])


@pytest.mark.parametrize(
    ("key", "value", "fields"),
    [
        ("startDeps", [], {}),
        ("startDeps", ["a", "b"], {"start_deps": ("a", "b")}),
        ("startDeps", ["a", "", "a"], {"start_deps": ("a", "")}),
        ("startDeps", ["A/b:c", "\n", "\u65e5"], {"start_deps": ("A/b:c", "\n", "\u65e5")}),
        ("stopDeps", ["main"], {"stop_deps": ("main",)}),
        ("stopDeps", ["", "main", ""], {"stop_deps": ("", "main")}),
        ("stopDelay", "1m + 30", {"stop_delay": 90 * SECOND}),
        ("stopDelay", "0", {}),
        ("stopDelay", "1.5s", {"stop_delay": 1_500_000_000}),
        ("termTimeout", "1d", {"term_timeout": 86_400 * SECOND}),
        ("termTimeout", "0s", {"term_timeout": 0}),
        ("termSignal", "SIGINT", {"term_signal": 2, "stop_signal": 2}),
        ("termSignal", "SIGTERM", {}),
        ("termSignal", "SIGQUIT", {"term_signal": 3, "stop_signal": 3}),
        ("termSignal", "SIGHUP", {"term_signal": 1, "stop_signal": 1}),
        ("termSignal", "SIGUSR1", {"term_signal": 10, "stop_signal": 10}),
        ("whenStopDepExited", {"signal": 2}, {"stop_signal": 2}),
        ("whenStopDepExited", {"signal": 64}, {"stop_signal": 64}),
        ("killedByStopDepExitCode", 0, {"killed_code": 0}),
        ("killedByStopDepExitCode", 255, {"killed_code": 255}),
        ("terminatedByStopDepExitCode", 5, {"terminated_code": 5}),
        ("terminatedByStopDepExitCode", -1, {"terminated_code": -1}),
        ("terminatedByStopDepExitCode", -(2**31), {"terminated_code": -(2**31)}),
    ],
)
def test_each_field_means_what_koordinator_has_it_mean(key: str, value: object, fields: dict[str, Any]) -> None:
    """One field given, nothing else different from the defaults, no warning."""
    assert read(json.dumps({key: value})) == (Spec().replace(**fields), [], [])


def test_the_signal_of_the_action_is_not_the_term_signal() -> None:
    """The term signal is delayed from outside, the action's is sent for a stop dependency, whatever their order in the spec."""
    for text in (
        '{"termSignal":"SIGINT","whenStopDepExited":{"signal":10}}',
        '{"whenStopDepExited":{"signal":10},"termSignal":"SIGINT"}',
    ):
        spec, faults, warnings = read(text)
        assert (spec.term_signal, spec.stop_signal, faults, warnings) == (2, 10, [], [])


@pytest.mark.parametrize("name", ["TERM", "sigterm", "", "SIGFOO", "SIGUSR2", "15", "SIGKILL", " SIGINT"])
def test_any_other_term_signal_means_sigterm_and_is_told(name: str) -> None:
    """The original says nothing of it."""
    spec, faults, (warning,) = read(json.dumps({"termSignal": name}))
    assert (spec, faults) == (Spec(), [])
    assert warning == (
        f'KOORDINATOR_SPEC: termSignal="{name}" means SIGTERM, as every string does that is none of SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1'
    )


@pytest.mark.parametrize("number", [0, -1, 65, 99, -(2**31), 2**31 - 1])
def test_a_number_that_is_no_signal_sends_none(number: int) -> None:
    """kill(2) refuses it, which koordinator does not look at; SIGKILL follows."""
    spec, faults, (warning,) = read(json.dumps({"whenStopDepExited": {"signal": number}}))
    assert (spec.stop_signal, spec.term_signal, faults) == (0, 15, [])
    assert f'{{"signal":{number}}} is no signal: none is sent, and SIGKILL follows after termTimeout' in warning


@pytest.mark.parametrize(
    ("key", "code", "status"),
    [
        ("killedByStopDepExitCode", 300, 44),
        ("killedByStopDepExitCode", 4294967295, 255),
        ("killedByStopDepExitCode", 256, 0),
        ("terminatedByStopDepExitCode", 300, 44),
        ("terminatedByStopDepExitCode", 2147483647, 255),
    ],
)
def test_an_exit_code_beyond_a_byte_is_told(key: str, code: int, status: int) -> None:
    """The kernel keeps a byte of it."""
    spec, faults, (warning,) = read(json.dumps({key: code}))
    assert code in (spec.killed_code, spec.terminated_code)
    assert faults == []
    assert warning == f"KOORDINATOR_SPEC: {code} is more than an exit status can say, which is a byte: it will be {status}"


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        *((key, value, NAMES) for key in ("startDeps", "stopDeps") for value in ('"a"', "[1]", '["a",null]', '[["a"]]', "{}", "7", "true")),
        ("startDeps", '["a\\u0000b"]', "has a name with a zero character in it"),
        *((key, value, DURATION_IN_QUOTES) for key in ("stopDelay", "termTimeout") for value in ("5", "0", "1.5", "true", "[]", "{}")),
        *((key, value, NO_DURATION) for key in ("stopDelay", "termTimeout") for value in ('""', '"1 min"', '"-1s"', '"600y"', '"soon"')),
        ("stopDelay", '"10"', "has no unit: did you mean 10s? accepted is a duration"),
        *(("whenStopDepExited", value, NO_ACTION) for value in ('"signal"', '"default"', "{}", "15", "[]", "true", '{"default":[]}')),
        *(("whenStopDepExited", value, NO_ACTION) for value in ('{"signal":2,"http":{"get":{"port":80}}}', '{"signal":2,"signal":2}', '{"exec":[]}')),
        *(("whenStopDepExited", value, INT32) for value in ('{"signal":2.0}', '{"signal":"SIGINT"}', '{"signal":null}', '{"signal":2147483648}')),
        *(("whenStopDepExited", f'{{"http":{value}}}', NO_REQUEST) for value in ("[]", "{}", '"get"', "null", '{"delete":[]}', '{"GET":[]}')),
        ("whenStopDepExited", '{"http":{"get":[],"post":[]}}', NO_REQUEST),
        ("termSignal", "15", "is a number; accepted are SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, in double quotes"),
        ("termSignal", "[]", "is an array; accepted are SIGINT"),
        ("termSignal", '{"a":1}', "is an object; accepted are SIGINT"),
        ("termSignal", "true", "is true; accepted are SIGINT"),
        *(("killedByStopDepExitCode", value, UINT32) for value in ("-1", "1.5", "2.0", "1e+16", '"1"', "true", "false", "4294967296", "[]", "{}")),
        *(("terminatedByStopDepExitCode", value, INT32) for value in ("2147483648", "-2147483649", "2.0", '"1"', "true", "[]")),
    ],
)
def test_a_wrong_value_is_a_fault_with_key_value_and_what_is_accepted(key: str, value: str, fault: str) -> None:
    """As strict as the original, and words to put it right. All other fields are read all the same."""
    spec, faults, _ = read(f'{{"{key}":{value}}}')
    assert spec == Spec()
    assert len(faults) == 1
    assert faults[0].startswith(f"KOORDINATOR_SPEC: {key}={value[:190]} ")
    assert fault in faults[0]


@pytest.mark.parametrize("key", FIELDS)
def test_null_is_refused_for_every_field(key: str) -> None:
    """It is not the same as to leave it out."""
    (fault,) = read(f'{{"{key}":null}}')[1]
    assert fault.startswith(f"KOORDINATOR_SPEC: {key}=null ")
    assert "accepted" in fault


@pytest.mark.parametrize("key", FIELDS)
def test_a_field_that_stands_there_twice_is_refused(key: str) -> None:
    """Nobody can tell which was meant, the same value or not."""
    good = {"D": '"1s"', "N": '["a"]', "S": '"SIGINT"', "A": '{"signal":2}', "C": "1"}["NNDASDCC"[FIELDS.index(key)]]
    assert read(f'{{"{key}":{good}}}')[1] == []
    assert read(f'{{"{key}":{good},"other":1,"{key}":{good}}}')[1] == [f"KOORDINATOR_SPEC has {key} 2 times; accepted is one"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is no JSON; the variable is set, but empty: line 1 column 1: expected a value, found the end"),
        (" ", "is no JSON: line 1 column 2: expected a value, found the end"),
        ("{} x", "is no JSON: line 1 column 4: expected the end, found 'x'"),
        ('{"stopDeps":["a"],}', "is no JSON: line 1 column 19: expected a name in double quotes"),
        ("\ufeff{}", "is no JSON: line 1 column 1: expected a value"),
        ("{stopDeps: [main]}", "is no JSON: line 1 column 2: expected a name in double quotes"),
        ("'{}'", "is no JSON: line 1 column 1: expected a value"),
        ('{"stopDeps":["\udcff"]}', "is no JSON: line 1 column 15: expected text that is UTF-8"),
        ("[]", "is an array; accepted is an object such as"),
        ('[["a"],["b"],"1s",{"signal":2},"SIGINT","2s",1,2]', "is an array; accepted is an object"),
        ("null", "is null; accepted is an object"),
        ("true", "is true; accepted is an object"),
        ("1", "is a number; accepted is an object"),
        ('"{}"', "is a string; accepted is an object"),
    ],
)
def test_what_is_no_object_is_refused(text: str, fault: str) -> None:
    """The message has the text, the place, and an example."""
    spec, (message,), warnings = read(text)
    assert (spec, warnings) == (Spec(), [])
    assert message.startswith(f'KOORDINATOR_SPEC="{text}" {fault}')
    assert message.endswith('accepted is an object such as {"startDeps":["proxy"],"stopDeps":["main"]}')


def test_all_faults_are_told_at_once() -> None:
    """And what is right is kept."""
    spec, faults, _ = read('{"startDeps":"a","stopDeps":["main"],"stopDelay":1,"termTimeout":"x","termSignal":null,"killedByStopDepExitCode":-1}')
    assert spec == Spec(stop_deps=("main",))
    keys = {fault.split()[1].partition("=")[0] for fault in faults}
    assert keys == {"startDeps", "stopDelay", "termTimeout", "termSignal", "killedByStopDepExitCode"}


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("startdeps", "startDeps"),
        ("start_deps", "startDeps"),
        ("stopDep", "stopDeps"),
        ("StopDelay", "stopDelay"),
        ("termtimeout", "termTimeout"),
        ("signal", "termSignal"),
        ("whenStopDepExits", "whenStopDepExited"),
        ("killedExitCode", "killedByStopDepExitCode"),
        ("exitCode", "killedByStopDepExitCode"),
    ],
)
def test_an_unknown_key_is_told_with_the_one_that_is_meant(key: str, meant: str) -> None:
    """The original ignores it without a word, and the container depends on nothing."""
    spec, faults, warnings = read(f'{{"{key}":["a"],"{key}":null}}')
    assert (spec, faults) == (Spec(), [])
    assert warnings == [f'KOORDINATOR_SPEC: "{key}" is not known and has no effect: did you mean {meant}?']


def test_messages_stay_short() -> None:
    """However long the spec is: it may fill 128 kB."""
    huge = "x" * 100_000
    for text in (huge, f'"{huge}"', f'{{"stopDelay":"{huge}"}}', f'{{"{huge}":1}}', f'{{"termSignal":"{huge}"}}', f'{{"startDeps":{{"{huge}":1}}}}'):
        _, faults, warnings = read(text)
        assert 0 < len("".join(faults + warnings)) < 700
    _, faults, warnings = read(json.dumps({f"key-{number}": 1 for number in range(1000)}))
    assert (faults, len(warnings)) == ([], 8)
