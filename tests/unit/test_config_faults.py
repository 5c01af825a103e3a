"""A wrong configuration: every fault at once, each with variable, value and what is accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubexit.domain.config import Config, ConfigError, parse_config
from kubexit.domain.dependencies import CONDITIONS
from kubexit.domain.unknown_variables import KNOWN
from unit.container_files import no_file

NAME_RULE = "1 to 200 bytes without / : , control characters or a leading dot"
BOOLEAN = "1, t, true, 0, f, false"


def faults_of(environment: dict[str, str], earlier: list[str] | None = None) -> ConfigError:
    """Give the error that this environment is."""
    with pytest.raises(ConfigError) as error:
        parse_config(environment, earlier or [], no_file)
    return error.value


@pytest.mark.parametrize(
    ("variable", "value", "accepted"),
    [
        ("NAME", "a/b", NAME_RULE),
        ("NAME", "a:b", NAME_RULE),
        ("NAME", "a,b", NAME_RULE),
        ("NAME", ".hidden", NAME_RULE),
        ("NAME", "..", NAME_RULE),
        ("NAME", "a\nb", NAME_RULE),
        ("NAME", "a\x7f", NAME_RULE),
        ("NAME", "n" * 201, NAME_RULE),
        ("NAME", "\u65e5" * 67, NAME_RULE),
        ("BIRTH_DEPS", "db:born", ", ".join(CONDITIONS)),
        ("BIRTH_DEPS", "db:Ready", ", ".join(CONDITIONS)),
        ("BIRTH_DEPS", "db:ready:started", ", ".join(CONDITIONS)),
        ("BIRTH_DEPS", "a/b", NAME_RULE),
        ("BIRTH_DEPS", ":ready", NAME_RULE),
        ("BIRTH_DEPS", "me", "names of others"),
        ("BIRTH_TIMEOUT", "30", "did you mean 30s?"),
        ("BIRTH_TIMEOUT", "-1s", "a duration from 0 on"),
        ("DEATH_DEPS", "db:dead", ", ".join(CONDITIONS)),
        ("DEATH_DEPS", ".x", NAME_RULE),
        ("DEATH_DEPS", "a,me:failed", "names of others"),
        ("DEATH_MODE", "ALL", "any, all"),
        ("GRACE_PERIOD", "1d", "ns, us, ms, s, m, h"),
        ("GRACE_PERIOD", "soon", "a sequence of numbers with units"),
        ("STOP_SIGNAL", "STOPP", "a name such as TERM or SIGTERM, RTMIN+n, RTMAX-n, or a number from 1 to 64"),
        ("STOPSIGNAL", "65", "a number from 1 to 64"),
        ("STOP_DELAY", "2", "did you mean 2s?"),
        ("STOP_DELAY", "-1s", "a duration from 0 on"),
        ("EXIT_CODES", "stopped:300", "0 to 255"),
        ("EXIT_CODES", "stop:0", "stopped, stopped-always, killed, *"),
        ("EXIT_CODES", "told:0", "stopped, stopped-always, killed, *"),  # koordinator's own
        ("EXIT_CODES", "not-started:0", "stopped, stopped-always, killed, *"),
        ("SUPPRESS_STOPPED_EXITCODE", "ja", BOOLEAN),
        ("IGNORE_CODE_ON_DEATH_DEPS", "2", BOOLEAN),
        ("EXIT_CODE_OVERRIDE", "256", "a number from 0 to 255"),
        ("CUSTOM_EXIT_CODE", "-1", "a number from 0 to 255"),
        ("SIGNAL_GROUP", "yes", BOOLEAN),
        ("READINESS", "k8s", "kubernetes, graveyard"),
        ("DEATH_SOURCE", "pod", "kubernetes, graveyard"),
        ("VERBOSE_LEVEL", "-1", "0, 1, ..."),
        ("VERBOSE_LEVEL", "high", "0, 1, ..."),
        ("INSTANT_LOGGING", "on", BOOLEAN),
        ("LOG_FORMAT", "yaml", "json, text"),
        ("LOG_LEVEL", "debug", "error, warning, info, trace"),
    ],
)
def test_a_fault_names_variable_value_and_what_is_accepted(variable: str, value: str, accepted: str) -> None:
    """So that it can be put right without a look into the documents."""
    error = faults_of({"KUBEXIT_NAME": "me", f"KUBEXIT_{variable}": value})
    (fault,) = error.faults
    assert fault.startswith(f'KUBEXIT_{variable}="{value[:200]}" ')
    assert "accepted" in fault
    assert accepted in fault


def test_a_missing_name_is_a_fault_with_an_example() -> None:
    """The only variable that must be set."""
    assert faults_of({}).faults == ["KUBEXIT_NAME is not set; it names this container's tombstone, such as KUBEXIT_NAME=main"]
    assert faults_of({"KUBEXIT_NAME": ""}).faults == faults_of({}).faults


def test_all_faults_are_told_at_once_with_those_found_before() -> None:
    """Nobody has to start a pod once for each mistake."""
    wrong = {
        "NAME": "a/b",
        "BIRTH_TIMEOUT": "30",
        "DEATH_MODE": "some",
        "STOP_SIGNAL": "x",
        "EXIT_CODES": "y",
        "LOG_LEVEL": "loud",
        "SIGNAL_GROUP": "z",
        "GRACE_PERIOD": "-1s",
    }
    error = faults_of({f"KUBEXIT_{name}": value for name, value in wrong.items()}, ["no command given"])
    assert error.faults[0] == "no command given"
    assert {fault.partition("=")[0] for fault in error.faults[1:]} == {f"KUBEXIT_{name}" for name in wrong}
    assert str(error) == "; ".join(error.faults)


def test_faults_found_before_are_faults_enough() -> None:
    """A wrong option with a right environment."""
    assert faults_of({"KUBEXIT_NAME": "me"}, ["unknown option -x"]).faults == ["unknown option -x"]


def test_what_is_right_is_kept_so_that_peers_can_be_told() -> None:
    """Name, graveyard and the way to log are usable although something else is wrong; what is wrong has its default."""
    environment = {
        "KUBEXIT_NAME": "me",
        "KUBEXIT_GRAVEYARD": "/g",
        "KUBEXIT_LOG_FORMAT": "text",
        "KUBEXIT_LOG_LEVEL": "error",
        "KUBEXIT_GRACE_PERIOD": "x",
    }
    expected = Config("me", "/g", log_format="text", log_level="error", pod_name_from="KUBEXIT_POD_NAME")
    assert faults_of(environment).partial == expected
    assert faults_of({"KUBEXIT_NAME": "a/b"}).partial.name == ""


def test_a_huge_value_is_shown_in_part() -> None:
    """A message stays one that can be read."""
    (fault,) = faults_of({"KUBEXIT_NAME": "me", "KUBEXIT_LOG_LEVEL": "x" * 100_000}).faults
    assert len(fault) < 500


def test_an_unknown_condition_is_told_for_each_list() -> None:
    """Two variables, two faults: the same mistake in both."""
    error = faults_of({"KUBEXIT_NAME": "me", "KUBEXIT_BIRTH_DEPS": "a:up", "KUBEXIT_DEATH_DEPS": "a:down"})
    assert [fault.split()[0] for fault in error.faults] == ['KUBEXIT_BIRTH_DEPS="a:up"', 'KUBEXIT_DEATH_DEPS="a:down"']


# what os.environ can hold: text without NUL, and bytes that are no UTF-8 as lone surrogates
environment_text = st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"]),
    max_size=60,
)
likely = st.sampled_from(
    [
        "true",
        "0",
        "30s",
        "-1s",
        "a",
        "a,b",
        "a:ready",
        "a:",
        ":",
        ",",
        "main",
        "TERM",
        "RTMIN+3",
        "stopped:0",
        "*:5",
        "any",
        "all",
        "json",
        "trace",
        "kubernetes",
        "graveyard",
        "/",
    ],
)
names = st.sampled_from([*sorted(KNOWN), "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
environments = st.dictionaries(names | environment_text, likely | environment_text)


@given(environments)
def test_any_environment_is_a_configuration_or_a_configuration_error(environment: dict[str, str]) -> None:
    """Nothing in the environment makes us fail in any other way, and what is accepted can be used."""
    try:
        config = parse_config(environment, [], no_file)
    except ConfigError as error:
        config = error.partial
    else:
        assert config.name
    assert len(config.name.encode("utf-8", "surrogateescape")) <= 200
    assert not set("/:,\n") & set(config.name)
    assert config.birth_timeout >= 0
    assert config.grace_period >= 0
    assert config.stop_delay >= 0
    assert 1 <= config.stop_signal <= 64
    assert config.exit_rules
    assert config.name not in [dependency.name for dependency in config.birth_deps + config.death_deps]
    assert len(set(config.death_deps)) == len(config.death_deps)
