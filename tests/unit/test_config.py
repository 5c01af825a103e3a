"""The configuration: what each variable means, and what stands where it is not set."""

from __future__ import annotations

import pytest

from kubexit.domain.config import Config, is_disabled, parse_config
from kubexit.domain.dependencies import Dependency
from kubexit.domain.exit_codes import ExitRule
from kubexit.domain.unknown_variables import KNOWN
from unit.container_files import no_file

SECOND = 1_000_000_000
STOPPED_ALWAYS = (ExitRule("stopped-always", 0), ExitRule("killed", 0))
DEFAULTS = {
    "graveyard": "/graveyard",
    "birth_deps": (),
    "birth_timeout": 30 * SECOND,
    "death_deps": (),
    "death_mode": "any",
    "grace_period": 30 * SECOND,
    "stop_signal": 15,
    "stop_request": None,
    "stop_delay": 0,
    "delayed_signals": (15, 2, 3),
    "exit_rules": (ExitRule("stopped", 0),),
    "signal_group": False,
    "readiness": "graveyard",
    "death_source": "graveyard",
    "pod_name": "",
    "pod_name_from": "KUBEXIT_POD_NAME",
    "namespace": "",
    "verbose_level": 0,
    "instant_logging": False,
    "log_format": "json",
    "log_level": "info",
}


def parse(**variables: str) -> Config:
    """Parse the variables given without their KUBEXIT_, in a container called main."""
    return parse_config({"KUBEXIT_NAME": "main", **{f"KUBEXIT_{name}": value for name, value in variables.items()}}, [], no_file)


def test_a_name_is_enough() -> None:
    """All else has its documented default."""
    assert parse().fields() == {"name": "main", **DEFAULTS}


def test_an_empty_variable_is_an_unset_one() -> None:
    """Manifests that are made from templates leave variables empty."""
    assert parse_config({**dict.fromkeys(KNOWN, ""), "KUBEXIT_NAME": "main"}, [], no_file) == parse()
    assert not is_disabled({"KUBEXIT_DISABLED": ""})


@pytest.mark.parametrize(
    "name",
    ["main", "a", "n" * 200, "\u65e5" * 66, "web-1.example_x", "with blank", "x.lock", "\udcff", "~", "#", "a=b", '"', "\\"],
)
def test_takes_any_name_that_is_a_file_name(name: str) -> None:
    """1 to 200 bytes, whatever they are."""
    assert parse_config({"KUBEXIT_NAME": name}, [], no_file).name == name


@pytest.mark.parametrize(
    ("variable", "value", "field", "meaning"),
    [
        ("GRAVEYARD", "/tmp/g", "graveyard", "/tmp/g"),
        ("GRAVEYARD", "/tmp/g///", "graveyard", "/tmp/g"),
        ("GRAVEYARD", "/", "graveyard", "/"),
        ("GRAVEYARD", "relative/g", "graveyard", "relative/g"),
        ("GRAVEYARD", "/with blank/\udcff", "graveyard", "/with blank/\udcff"),
        ("BIRTH_DEPS", "db", "birth_deps", (Dependency("db", "ready", "db"),)),
        ("BIRTH_DEPS", "db:started", "birth_deps", (Dependency("db", "started", "db:started"),)),
        ("BIRTH_TIMEOUT", "0", "birth_timeout", 0),
        ("BIRTH_TIMEOUT", "1m30s", "birth_timeout", 90 * SECOND),
        ("DEATH_DEPS", "db", "death_deps", (Dependency("db", "exited", "db"),)),
        ("DEATH_DEPS", "db:failed", "death_deps", (Dependency("db", "failed", "db:failed"),)),
        ("DEATH_MODE", "any", "death_mode", "any"),
        ("DEATH_MODE", "all", "death_mode", "all"),
        ("GRACE_PERIOD", "0", "grace_period", 0),
        ("GRACE_PERIOD", "1.5h", "grace_period", 5400 * SECOND),
        ("STOP_SIGNAL", "INT", "stop_signal", 2),
        ("STOP_SIGNAL", "2", "stop_signal", 2),
        ("STOPSIGNAL", "SIGQUIT", "stop_signal", 3),
        ("STOP_DELAY", "0", "stop_delay", 0),
        ("STOP_DELAY", "1.5s", "stop_delay", SECOND * 3 // 2),
        (
            "EXIT_CODES",
            "stopped:1, killed:137 ,143:0,*:5",
            "exit_rules",
            tuple(ExitRule(*rule) for rule in (("stopped", 1), ("killed", 137), (143, 0), ("*", 5))),
        ),
        ("SUPPRESS_STOPPED_EXITCODE", "true", "exit_rules", STOPPED_ALWAYS),
        ("SUPPRESS_STOPPED_EXITCODE", "false", "exit_rules", DEFAULTS["exit_rules"]),
        ("IGNORE_CODE_ON_DEATH_DEPS", "1", "exit_rules", STOPPED_ALWAYS),
        ("EXIT_CODE_OVERRIDE", "7", "exit_rules", (ExitRule("*", 7),)),
        ("CUSTOM_EXIT_CODE", "0", "exit_rules", (ExitRule("*", 0),)),
        ("SIGNAL_GROUP", "true", "signal_group", True),
        ("READINESS", "graveyard", "readiness", "graveyard"),
        ("READINESS", "kubernetes", "readiness", "kubernetes"),
        ("DEATH_SOURCE", "graveyard", "death_source", "graveyard"),
        ("DEATH_SOURCE", "kubernetes", "death_source", "kubernetes"),
        ("POD_NAME", "pod-1", "pod_name", "pod-1"),
        ("NAMESPACE", "team", "namespace", "team"),
        ("VERBOSE_LEVEL", "1", "verbose_level", 1),
        ("VERBOSE_LEVEL", "007", "verbose_level", 7),
        ("INSTANT_LOGGING", "true", "instant_logging", True),
        ("INSTANT_LOGGING", "true", "log_level", "trace"),
        ("LOG_FORMAT", "text", "log_format", "text"),
        ("LOG_LEVEL", "error", "log_level", "error"),
        ("LOG_LEVEL", "warning", "log_level", "warning"),
        ("LOG_LEVEL", "trace", "log_level", "trace"),
    ],
)
def test_each_variable_means_what_the_page_says(variable: str, value: str, field: str, meaning: object) -> None:
    """One variable set, one field of the configuration different (instant logging raises the level as well)."""
    config = parse(**{variable: value})
    assert getattr(config, field) == meaning
    others = {
        name: value
        for name, value in config.fields().items()
        if name != field and not (variable == "INSTANT_LOGGING" and name in ("instant_logging", "log_level"))
    }
    assert others == {name: value for name, value in {"name": "main", **DEFAULTS}.items() if name in others}


@pytest.mark.parametrize("value", ["1", "t", "T", "TRUE", "true", "True"])
def test_reads_what_go_takes_for_true(value: str) -> None:
    """As strconv.ParseBool, for every boolean."""
    assert is_disabled({"KUBEXIT_DISABLED": value})
    assert parse(SIGNAL_GROUP=value).signal_group


@pytest.mark.parametrize("value", ["0", "f", "F", "FALSE", "false", "False"])
def test_reads_what_go_takes_for_false(value: str) -> None:
    """As strconv.ParseBool, for every boolean."""
    assert not is_disabled({"KUBEXIT_DISABLED": value})
    assert not parse(INSTANT_LOGGING=value).instant_logging


@pytest.mark.parametrize("value", ["yes", "on", "2", "tRUE", " true", "-1", "y", "True "])
def test_refuses_what_go_takes_for_neither(value: str) -> None:
    """The kill switch too, which is read before all else."""
    with pytest.raises(ValueError, match="is no boolean; accepted are 1, t, true, 0, f, false"):
        is_disabled({"KUBEXIT_DISABLED": value})


@pytest.mark.parametrize(
    ("value", "dependencies"),
    [
        ("a,b", [("a", "exited"), ("b", "exited")]),
        (" a , b ,\tc\n", [("a", "exited"), ("b", "exited"), ("c", "exited")]),
        (",,a,,", [("a", "exited")]),
        (",", []),
        ("a,a,a:exited", [("a", "exited")]),
        ("a,a:failed,a", [("a", "exited"), ("a", "failed")]),
        (
            "a:started,a:ready,a:exited,a:succeeded,a:failed",
            [("a", condition) for condition in ("started", "ready", "exited", "succeeded", "failed")],
        ),
        ("a:", [("a", "exited")]),
        ("with blank,\udcff", [("with blank", "exited"), ("\udcff", "exited")]),
    ],
)
def test_lists_are_trimmed_and_repeated_items_dropped(value: str, dependencies: list[tuple[str, str]]) -> None:
    """Blanks around an item, empty items and repetitions mean nothing; the order stays."""
    assert [(dependency.name, dependency.condition) for dependency in parse(DEATH_DEPS=value).death_deps] == dependencies


def test_the_default_condition_depends_on_the_list() -> None:
    """Births wait for readiness, deaths for any end: Go's meaning."""
    config = parse(BIRTH_DEPS="a", DEATH_DEPS="a")
    assert [dependency.condition for dependency in config.birth_deps + config.death_deps] == ["ready", "exited"]


def test_a_thousand_dependencies_are_no_trouble() -> None:
    """Each is compared with the others, but not by making a new value for each pair."""
    names = [f"peer-{number}" for number in range(1000)]
    assert [dependency.name for dependency in parse(DEATH_DEPS=",".join(names + names)).death_deps] == names


@pytest.mark.parametrize(
    ("variable", "value", "number", "delayed"),
    [
        ("STOP_SIGNAL", "USR1", 10, (15, 2, 3, 10)),
        ("STOP_SIGNAL", "SIGRTMIN+3", 37, (15, 2, 3, 37)),
        ("STOPSIGNAL", "SIGWINCH", 28, (15, 2, 3, 28)),
    ],
)
def test_the_stop_signal_is_an_outside_stop_as_well(variable: str, value: str, number: int, delayed: tuple[int, ...]) -> None:
    """So KUBEXIT_STOP_DELAY holds it back like the other three; nothing else is different."""
    config = parse(**{variable: value})
    assert config == parse().replace(stop_signal=number, delayed_signals=delayed)


def test_the_own_spelling_wins_over_the_alias() -> None:
    """KUBEXIT_STOPSIGNAL is what images that set STOPSIGNAL pass on."""
    assert parse(STOP_SIGNAL="INT", STOPSIGNAL="QUIT").stop_signal == 2


def test_aliases_come_after_the_rules_that_were_given() -> None:
    """The first rule that matches decides, so what is written out in KUBEXIT_EXIT_CODES goes before what the forks' variables mean."""
    config = parse(EXIT_CODES="143:3", SUPPRESS_STOPPED_EXITCODE="true", CUSTOM_EXIT_CODE="9")
    assert config.exit_rules == (ExitRule(143, 3), *STOPPED_ALWAYS, ExitRule("*", 9))


def test_instant_logging_raises_the_level_that_was_chosen() -> None:
    """It implies KUBEXIT_LOG_LEVEL=trace, also against another level."""
    assert parse(INSTANT_LOGGING="true", LOG_LEVEL="error").log_level == "trace"


def test_nobody_else_is_asked_for() -> None:
    """Variables of others, and what looks like ours in another case, change nothing."""
    environment = {"KUBEXIT_NAME": "main", "kubexit_graveyard": "/x", "GRACE_PERIOD": "1s", "KUBEXIT_GRACE": "1s"}
    assert parse_config(environment, [], no_file) == parse()
