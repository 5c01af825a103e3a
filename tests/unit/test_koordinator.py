"""A koordinator's environment: which spec, which pod, and the Config that comes of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubexit.domain import unknown_variables
from kubexit.domain.config import Config, ConfigError, StopRequest
from kubexit.domain.dependencies import Dependency
from kubexit.domain.exit_codes import ExitRule
from kubexit.domain.koordinator import KNOWN, OBEYED, parse_koordinator
from kubexit.domain.koordinator_spec import FIELDS
from unit.container_files import Files, no_file

SECOND = 1_000_000_000
POD = {"KOORDINATOR_POD_NAME": "job-x", "KOORDINATOR_POD_NAMESPACE": "team"}
CLUSTER = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
RULES = tuple(ExitRule(*rule) for rule in (("killed", 137), ("told", 0), ("not-started", 0)))
DEFAULTS = Config(
    name="",
    graveyard="",
    birth_timeout=0,
    delayed_signals=(15,),
    exit_rules=RULES,
    readiness="kubernetes",
    death_source="kubernetes",
    pod_name="job-x",
    pod_name_from="KOORDINATOR_POD_NAME",
    namespace="team",
)


def parse(spec: object = None, **variables: str) -> Config:
    """Give the Config of a spec in a pod of a cluster; there is nothing to warn of."""
    config, warnings = parse_koordinator({**POD, **CLUSTER, "KOORDINATOR_SPEC": json.dumps(spec or {}), **variables}, [], no_file)
    assert warnings == []
    return config


def warnings_of(**variables: str) -> list[str]:
    return parse_koordinator({**POD, **CLUSTER, **variables}, [], no_file)[1]


def error_of(environment: dict[str, str], earlier: list[str] | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as error:
        parse_koordinator(environment, earlier or [], no_file)
    return error.value


def test_without_a_spec_nothing_depends_on_anything() -> None:
    """Unset is `{}`: nothing is waited for, and no API server is needed."""
    assert parse_koordinator(POD, [], no_file) == (DEFAULTS, [])
    assert parse_koordinator({**POD, "KOORDINATOR_SPEC": "{}"}, [], no_file) == (DEFAULTS, [])


def test_every_field_has_its_place_in_the_config() -> None:
    """Start dependencies are ready, stop dependencies exited, both as the pod's status has them, and the wait has no end."""
    spec = {
        "startDeps": ["proxy", "", "proxy"],
        "stopDeps": ["main", "other"],
        "stopDelay": "10s",
        "termSignal": "SIGINT",
        "termTimeout": "1m",
        "killedByStopDepExitCode": 300,
        "terminatedByStopDepExitCode": 5,
    }
    config, (warning,) = parse_koordinator({**POD, **CLUSTER, "KOORDINATOR_SPEC": json.dumps(spec)}, [], no_file)
    assert "44" in warning
    assert config == DEFAULTS.replace(
        birth_deps=tuple(Dependency(name, "ready", name, "kubernetes") for name in ("proxy", "")),
        death_deps=tuple(Dependency(name, "exited", name, "kubernetes") for name in ("main", "other")),
        grace_period=60 * SECOND,
        stop_signal=2,
        stop_delay=10 * SECOND,
        delayed_signals=(2,),
        exit_rules=tuple(ExitRule(*rule) for rule in (("killed", 44), ("told", 5), ("not-started", 5))),
    )


def test_the_signal_for_a_stop_dependency_is_not_the_one_that_is_delayed() -> None:
    """`stopDelay` is about the term signal, `whenStopDepExited` about what is sent."""
    config = parse({"termSignal": "SIGHUP", "whenStopDepExited": {"signal": 10}})
    assert (config.stop_signal, config.delayed_signals, config.stop_request) == (10, (1,), None)


def test_a_request_takes_the_place_of_the_signal() -> None:
    """The term signal is kept for a request that fails."""
    config = parse({"termSignal": "SIGINT", "whenStopDepExited": {"http": {"post": {"port": 15020, "path": "/quitquitquit"}}}})
    assert (config.stop_request, config.stop_signal) == (StopRequest("POST", "http://127.0.0.1:15020/quitquitquit"), 2)


@pytest.mark.parametrize(
    ("code", "rules"),
    [
        (0, [("told", 0), ("not-started", 0)]),
        (7, [("told", 7), ("not-started", 7)]),
        (255, [("told", 255), ("not-started", 255)]),
        (-1, [("not-started", 0)]),
        (-(2**31), [("not-started", 0)]),
    ],
)
def test_a_negative_code_leaves_the_childs_own(code: int, rules: list[tuple[str, int]]) -> None:
    """Where there was no child, the end is a good one."""
    assert parse({"terminatedByStopDepExitCode": code}).exit_rules == (RULES[0], *(ExitRule(*rule) for rule in rules))


def test_the_spelling_of_the_readme_is_read_too() -> None:
    """With three O, as koordinator's own README has it, its spec is ignored by koordinator itself."""
    spec = '{"stopDelay":"1s"}'
    config, warnings = parse_koordinator({**POD, "KOOORDINATOR_SPEC": spec}, [], no_file)
    assert (config.stop_delay, warnings) == (SECOND, [])
    config, warnings = parse_koordinator({**POD, "KOORDINATOR_SPEC": spec, "KOOORDINATOR_SPEC": spec}, [], no_file)
    assert (config.stop_delay, warnings) == (SECOND, [])


def test_the_right_spelling_wins() -> None:
    """With a warning, if they differ; a fault names the variable that counts."""
    config, warnings = parse_koordinator({**POD, "KOOORDINATOR_SPEC": "{", "KOORDINATOR_SPEC": '{"stopDelay":"2s"}'}, [], no_file)
    assert config.stop_delay == 2 * SECOND
    assert warnings == ["KOORDINATOR_SPEC and KOOORDINATOR_SPEC are set and differ: KOORDINATOR_SPEC counts"]
    assert error_of({**POD, "KOOORDINATOR_SPEC": "{"}).faults[0].startswith('KOOORDINATOR_SPEC="{" is no JSON')
    assert error_of({**POD, "KOOORDINATOR_SPEC": "{}", "KOORDINATOR_SPEC": "["}).faults[0].startswith('KOORDINATOR_SPEC="[" is no JSON')


@pytest.mark.parametrize("variable", ["KOORDINATOR_SPEC", "KOOORDINATOR_SPEC"])
def test_a_spec_that_is_set_but_empty_is_refused(variable: str) -> None:
    """Most likely a template that was not filled in."""
    (fault,) = error_of({**POD, variable: ""}).faults
    assert fault.startswith(f'{variable}="" is no JSON; the variable is set, but empty')


def test_the_pod_is_known_by_variables_or_by_files() -> None:
    """A variable wins, an empty one is none, and blanks around a value are no part of it: a file may end with a newline."""
    files = Files({"/etc/podinfo/name": "file-pod", "/etc/podinfo/namespace": "file-team"})
    for variables, name, came_from, namespace in (
        ({}, "file-pod", "/etc/podinfo/name", "file-team"),
        ({"KOORDINATOR_POD_NAME": "", "KOORDINATOR_POD_NAMESPACE": " \n"}, "file-pod", "/etc/podinfo/name", "file-team"),
        ({"KOORDINATOR_POD_NAME": "p\n"}, "p", "KOORDINATOR_POD_NAME", "file-team"),
        ({"KOORDINATOR_POD_NAMESPACE": " n"}, "file-pod", "/etc/podinfo/name", "n"),
        (POD, "job-x", "KOORDINATOR_POD_NAME", "team"),
    ):
        config, _ = parse_koordinator(variables, [], files.read)
        assert (config.pod_name, config.pod_name_from, config.namespace) == (name, came_from, namespace)
    assert {*files.asked} == {*files}


@pytest.mark.parametrize("spec", ["{}", '{"stopDeps":["main"]}'])
def test_an_unknown_pod_is_a_fault_with_two_ways_out(spec: str) -> None:
    """Even where nothing depends on it, as koordinator has it."""
    name, namespace = error_of({**CLUSTER, "KOORDINATOR_SPEC": spec}).faults
    for fault, variable, item in ((name, "KOORDINATOR_POD_NAME", "name"), (namespace, "KOORDINATOR_POD_NAMESPACE", "namespace")):
        assert fault.startswith(f"{variable} is not set and there is no /etc/podinfo/{item}")
        assert f"valueFrom: {{fieldRef: {{fieldPath: metadata.{item}}}}}" in fault
        assert f"{{path: {item}, fieldRef: {{fieldPath: metadata.{item}}}}}" in fault
        assert "downwardAPI" in fault


@pytest.mark.parametrize("key", ["startDeps", "stopDeps"])
def test_dependencies_need_a_cluster(key: str) -> None:
    """The fault names the variables that the kubelet would have set."""
    environment = {**POD, "KOORDINATOR_SPEC": f'{{"{key}":["a"]}}'}
    (fault,) = error_of(environment).faults
    assert fault.startswith("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT not set")
    (fault,) = error_of({**environment, "KUBERNETES_SERVICE_HOST": "", "KUBERNETES_SERVICE_PORT": "443"}).faults
    assert fault.startswith("KUBERNETES_SERVICE_HOST not set")
    (fault,) = error_of({**environment, "KUBERNETES_SERVICE_HOST": "h"}).faults
    assert fault.startswith("KUBERNETES_SERVICE_PORT not set")
    parse_koordinator({**environment, **CLUSTER}, [], no_file)


def test_all_faults_are_told_at_once_with_those_found_before() -> None:
    """What is right is kept: enough to log. There is no graveyard, and so nobody to tell."""
    environment = {"KUBEXIT_LOG_LEVEL": "loud", "KUBEXIT_LOG_FORMAT": "text", "KUBEXIT_NAME": "a/b"}
    error = error_of({**environment, "KOORDINATOR_SPEC": '{"stopDelay":1,"stopDeps":["a"]}'}, ["no command given"])
    beginnings = ["no command given", "KOORDINATOR_SPEC: stopDelay", "KOORDINATOR_POD_NAME", "KOORDINATOR_POD_NAMESPACE", "KUBEXIT_NAME"]
    beginnings += ["KUBEXIT_LOG_LEVEL", "KUBERNETES_SERVICE_HOST"]
    assert len(error.faults) == len(beginnings)
    for fault, beginning in zip(error.faults, beginnings, strict=True):
        assert fault.startswith(beginning)
    assert (error.partial.log_format, error.partial.graveyard, error.partial.name) == ("text", "", "")


@pytest.mark.parametrize(
    ("variable", "value", "fields"),
    [
        ("KUBEXIT_NAME", "proxy", {"name": "proxy"}),
        ("KUBEXIT_SIGNAL_GROUP", "true", {"signal_group": True}),
        ("KUBEXIT_VERBOSE_LEVEL", "1", {"verbose_level": 1}),
        ("KUBEXIT_INSTANT_LOGGING", "1", {"instant_logging": True, "log_level": "trace"}),
        ("KUBEXIT_LOG_FORMAT", "text", {"log_format": "text"}),
        ("KUBEXIT_LOG_LEVEL", "error", {"log_level": "error"}),
    ],
)
def test_variables_of_the_log_and_of_the_process_group_are_kubexits_own(variable: str, value: str, fields: dict[str, object]) -> None:
    """What no spec speaks of is set as everywhere."""
    assert parse(**{variable: value}) == DEFAULTS.replace(**fields)
    assert error_of({**POD, variable: "a/b" if "NAME" in variable else "?"}).faults[0].startswith(f"{variable}=")


def test_all_other_variables_of_kubexit_have_no_effect_and_are_told() -> None:
    """One warning names them; empty ones, and those that are obeyed, are none."""
    idle = [name for name in unknown_variables.KNOWN if name not in OBEYED]
    config, (warning,) = parse_koordinator({**POD, **dict.fromkeys(idle, "x"), "KUBEXIT_NAME": ""}, [], no_file)
    assert config == DEFAULTS
    assert warning == f"{', '.join(idle)} set without effect: where a koordinator spec is used, that alone says what to do"
    assert {"KUBEXIT_DEATH_DEPS", "KUBEXIT_GRAVEYARD", "KUBEXIT_POD_NAME", "KUBEXIT_EXIT_CODES"} <= {*idle}
    assert warnings_of(**dict.fromkeys(idle, ""), KUBEXIT_DISABLED="false") == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("KOORDINATOR_SPECS", "KOORDINATOR_SPEC"),
        ("KOORDINATOR_NAME", "KOORDINATOR_POD_NAME"),
        ("KOORDINATOR_NAMESPACE", "KOORDINATOR_POD_NAMESPACE"),
        ("KOORDINATOR_PODNAME", "KOORDINATOR_POD_NAME"),
        ("KOOORDINATOR_POD_NAME", "KOORDINATOR_POD_NAME"),
        ("KOOORDINATOR_POD_NAMESPACE", "KOORDINATOR_POD_NAMESPACE"),
    ],
)
def test_a_misspelt_variable_gets_the_name_that_was_meant(name: str, meant: str) -> None:
    """Three O are right in the spec's variable alone."""
    assert warnings_of(**{name: "x"}) == [f"{name} is no variable of koordinator and has no effect: did you mean {meant}?"]


def test_variables_of_others_are_silent() -> None:
    """Kubernetes' own for a service called koordinator, and KUBEXIT_ ones that nobody knows, which are told by others."""
    silent = ["KOORDINATOR_SERVICE_HOST", "KOORDINATOR_PORT_80_TCP_ADDR", "koordinator_spec", "MY_KOORDINATOR_SPEC", "KUBEXIT_NAM", "RUST_LOG"]
    assert warnings_of(**dict.fromkeys(silent, "x")) == []
    assert len(warnings_of(**{"KOORDINATOR_" + "x" * 100_000: ""})[0]) < 200


environment_text = st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"]), max_size=60
)
durations = st.sampled_from(["1s", "1m*2", "1d", "0", "", "1 min", "-1s", "1.5h"])
words = st.sampled_from(["a", "", "SIGINT", "TERM", "http", "get", "/x", "::1", "\0", "\ud800"]) | environment_text
scalars = st.none() | st.booleans() | st.integers(-5, 400) | st.integers() | st.floats(allow_nan=False) | durations | words
keys = st.sampled_from([*FIELDS, "signal", "http", "get", "post", "port", "path", "host", "scheme", "startdeps"]) | words
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=8)
requests = st.fixed_dictionaries({"port": st.integers(0, 70_000)}, optional={"path": words, "host": words, "scheme": words})
http_actions = st.fixed_dictionaries({"http": st.fixed_dictionaries({"put": requests | anything})})
actions = st.fixed_dictionaries({"signal": st.integers(-5, 70)}) | http_actions
fields = {"startDeps": st.lists(words), "stopDeps": st.lists(words), "stopDelay": durations, "whenStopDepExited": actions, "termSignal": words}
likely_specs = st.fixed_dictionaries({}, optional={**fields, "termTimeout": durations, "terminatedByStopDepExitCode": st.integers(-5, 400)})
specs = likely_specs | st.dictionaries(keys, anything) | anything
spec_texts = specs.map(json.dumps) | specs.map(lambda spec: json.dumps(spec)[:-1]) | environment_text
names = st.sampled_from([*KNOWN, *unknown_variables.KNOWN, *CLUSTER, "KOORDINATOR_X"]) | environment_text
values = spec_texts | st.sampled_from(["true", "main", "1", ""]) | environment_text


@given(st.dictionaries(names, values), spec_texts, st.booleans())
def test_any_environment_is_a_configuration_or_a_configuration_error(environment: dict[str, str], spec: str, usual: bool) -> None:
    """Nothing makes us fail in any other way, and what is accepted can be used: names and a URL that can be given to another program."""
    if usual:
        environment = {**environment, **POD, **CLUSTER, "KOORDINATOR_SPEC": spec}
    try:
        config, warnings = parse_koordinator(environment, [], no_file)
    except ConfigError as error:
        config, warnings = error.partial, error.faults
    else:
        assert config.pod_name
        assert config.namespace
    assert all(warnings)
    assert config.graveyard == ""
    assert config.grace_period >= 0
    assert config.stop_delay >= 0
    assert 0 <= config.stop_signal <= 64
    assert config.delayed_signals[0] in (1, 2, 3, 10, 15)
    assert all(0 <= rule.then <= 255 for rule in config.exit_rules)
    for dependency in config.birth_deps + config.death_deps:
        assert b"\0" not in dependency.name.encode()
    if config.stop_request:
        assert config.stop_request.url.isascii()
        assert config.stop_request.url.isprintable()
        assert " " not in config.stop_request.url
