"""The pod as a source: for which list it is one, which pod it is, and what is missing for it."""

from __future__ import annotations

import itertools

import pytest

from kubexit.domain.config import Config, ConfigError, parse_config
from kubexit.domain.dependencies import GRAVEYARD, KUBERNETES
from kubexit.domain.pod_identity import HOST_NAME_FILE, NAME_FILE, NAMESPACE_FILE, SERVICE_ACCOUNT_NAMESPACE_FILE
from unit.container_files import Files, no_file

CLUSTER = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
EVERY_FILE = {NAME_FILE: "pod-file", NAMESPACE_FILE: "team-file", HOST_NAME_FILE: "pod-host", SERVICE_ACCOUNT_NAMESPACE_FILE: "team-account"}
POD = {"POD_NAME": "pod-1", "NAMESPACE": "team"}


def parse(variables: dict[str, str], files: Files | None = None, cluster: dict[str, str] | None = None) -> Config:
    """Parse the variables given without their KUBEXIT_, in a container called main."""
    environment = {"KUBEXIT_NAME": "main", **(CLUSTER if cluster is None else cluster)}
    return parse_config({**environment, **{f"KUBEXIT_{name}": value for name, value in variables.items()}}, [], files.read if files else no_file)


def faults(variables: dict[str, str], cluster: dict[str, str] | None = None) -> list[str]:
    """Give what is wrong with them, where there are no files."""
    with pytest.raises(ConfigError) as error:
        parse(variables, None, cluster)
    return error.value.faults


# ── the source of each list ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("readiness", "cluster", "source"),
    [
        ("", CLUSTER, KUBERNETES),
        ("", {}, GRAVEYARD),
        ("", {"KUBERNETES_SERVICE_HOST": "", "KUBERNETES_SERVICE_PORT": ""}, GRAVEYARD),
        ("graveyard", CLUSTER, GRAVEYARD),
        ("graveyard", {}, GRAVEYARD),
        ("kubernetes", CLUSTER, KUBERNETES),
    ],
)
def test_births_are_read_from_the_pod_inside_a_cluster(readiness: str, cluster: dict[str, str], source: str) -> None:
    """Unless KUBEXIT_READINESS says something else; deaths are not concerned."""
    config = parse({"READINESS": readiness, "BIRTH_DEPS": "db,cache:started", "DEATH_DEPS": "job", **POD}, None, cluster)
    assert (config.readiness, config.death_source) == (source, GRAVEYARD)
    assert [dependency.source for dependency in config.birth_deps] == [source, source]
    assert [dependency.source for dependency in config.death_deps] == [GRAVEYARD]
    assert (config.waits_for_pod, config.watches_pod) == (source == KUBERNETES, False)


@pytest.mark.parametrize("readiness", ["", GRAVEYARD, KUBERNETES])
@pytest.mark.parametrize(("death_source", "source"), [("", GRAVEYARD), ("graveyard", GRAVEYARD), ("kubernetes", KUBERNETES)])
def test_deaths_are_read_from_the_graveyard_unless_told_otherwise(readiness: str, death_source: str, source: str) -> None:
    """By KUBEXIT_DEATH_SOURCE alone: neither the cluster nor KUBEXIT_READINESS changes it."""
    config = parse({"DEATH_SOURCE": death_source, "READINESS": readiness, "BIRTH_DEPS": "db", "DEATH_DEPS": "job,log:failed", **POD})
    assert config.death_source == source
    assert [(dependency.name, dependency.condition, dependency.source) for dependency in config.death_deps] == [
        ("job", "exited", source),
        ("log", "failed", source),
    ]
    assert config.watches_pod == (source == KUBERNETES)
    assert config.waits_for_pod == (readiness != GRAVEYARD)


def test_a_dependency_of_both_lists_has_a_source_for_each() -> None:
    """Its readiness may come from the pod, and its death from the graveyard, or the other way round."""
    config = parse({"BIRTH_DEPS": "db", "DEATH_DEPS": "db", **POD})
    assert [dependency.source for dependency in config.birth_deps + config.death_deps] == [KUBERNETES, GRAVEYARD]
    other = parse({"READINESS": "graveyard", "DEATH_SOURCE": "kubernetes", "BIRTH_DEPS": "db", "DEATH_DEPS": "db", **POD})
    assert [dependency.source for dependency in other.birth_deps + other.death_deps] == [GRAVEYARD, KUBERNETES]


# ── which pod ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lists", [{"BIRTH_DEPS": "db"}, {"DEATH_DEPS": "db", "DEATH_SOURCE": "kubernetes"}], ids=["births", "deaths"])
def test_the_variables_go_before_all_that_is_found(lists: dict[str, str]) -> None:
    """They are how a manifest says it."""
    config = parse({**lists, **POD}, Files(EVERY_FILE))
    assert (config.pod_name, config.pod_name_from, config.namespace) == ("pod-1", "KUBEXIT_POD_NAME", "team")


@pytest.mark.parametrize("name_given", [True, False])
@pytest.mark.parametrize("namespace_given", [True, False])
def test_each_has_its_own_fallbacks(name_given: bool, namespace_given: bool) -> None:
    """A manifest that sets one of the two variables gets the other as if none were set; an empty one is unset."""
    variables = {"POD_NAME": "pod-1" if name_given else "", "NAMESPACE": "team" if namespace_given else ""}
    from_files = parse({"BIRTH_DEPS": "db", **variables}, Files(EVERY_FILE))
    assert (from_files.pod_name, from_files.pod_name_from) == (("pod-1", "KUBEXIT_POD_NAME") if name_given else ("pod-file", NAME_FILE))
    assert from_files.namespace == ("team" if namespace_given else "team-file")
    less = Files({path: EVERY_FILE[path] for path in (HOST_NAME_FILE, SERVICE_ACCOUNT_NAMESPACE_FILE)})
    from_container = parse({"BIRTH_DEPS": "db", **variables}, less)
    assert (from_container.pod_name, from_container.pod_name_from) == (("pod-1", "KUBEXIT_POD_NAME") if name_given else ("pod-host", "the host name"))
    assert from_container.namespace == ("team" if namespace_given else "team-account")


def test_a_pod_that_nothing_tells_of_is_a_fault_for_name_and_namespace() -> None:
    """Each says how a manifest sets it."""
    name, namespace = faults({"BIRTH_DEPS": "db"})
    assert name.startswith("KUBEXIT_POD_NAME is not set")
    assert "fieldPath: metadata.name}" in name
    assert namespace.startswith("KUBEXIT_NAMESPACE is not set")
    assert "automountServiceAccountToken must not be false" in namespace
    assert [fault.split()[0] for fault in faults({"BIRTH_DEPS": "db", "NAMESPACE": "team"})] == ["KUBEXIT_POD_NAME"]
    assert [fault.split()[0] for fault in faults({"BIRTH_DEPS": "db", "POD_NAME": "pod-1"})] == ["KUBEXIT_NAMESPACE"]
    assert [fault.split()[0] for fault in faults({"DEATH_DEPS": "db", "DEATH_SOURCE": "kubernetes", "POD_NAME": "pod-1"})] == ["KUBEXIT_NAMESPACE"]


def test_with_a_fault_the_pod_is_shown_as_far_as_it_is_known() -> None:
    """The log of a configuration error and the tombstone are made from it."""
    with pytest.raises(ConfigError) as error:
        parse({"BIRTH_DEPS": "db"}, Files({HOST_NAME_FILE: "pod-host"}))
    assert (error.value.partial.pod_name, error.value.partial.namespace) == ("pod-host", "")


# ── the API server ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("missing", [("HOST",), ("PORT",), ("HOST", "PORT")], ids="+".join)
@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("lists", [{"BIRTH_DEPS": "db"}, {"DEATH_DEPS": "db", "DEATH_SOURCE": "kubernetes"}], ids=["births", "deaths"])
def test_an_address_that_is_missing_is_one_fault_that_names_it(missing: tuple[str, ...], empty: bool, lists: dict[str, str]) -> None:
    """With what to set where there is no cluster."""
    names = [f"KUBERNETES_SERVICE_{each}" for each in missing]
    cluster = {name: value for name, value in CLUSTER.items() if name not in names} | (dict.fromkeys(names, "") if empty else {})
    (fault,) = faults({"READINESS": "kubernetes", **lists, **POD}, cluster)
    assert fault.startswith(f"{' and '.join(names)} not set")
    assert [f"KUBERNETES_SERVICE_{each}" in fault for each in ("HOST", "PORT")] == ["HOST" in missing, "PORT" in missing]
    assert "KUBEXIT_READINESS=graveyard" in fault
    assert "KUBEXIT_DEATH_SOURCE=graveyard" in fault


def test_all_that_is_missing_is_told_at_once() -> None:
    """With what is wrong besides. Outside of a cluster nothing else is asked for: one cause, one fault."""
    wrong = {"READINESS": "kubernetes", "BIRTH_DEPS": "db", "DEATH_MODE": "some"}
    assert [fault.split()[0] for fault in faults(wrong, {})] == ['KUBEXIT_DEATH_MODE="some"', "KUBERNETES_SERVICE_HOST"]
    told = [fault.split()[0] for fault in faults(wrong)]
    assert told == ['KUBEXIT_DEATH_MODE="some"', "KUBEXIT_POD_NAME", "KUBEXIT_NAMESPACE"]


NOTHING_DEPENDS_ON_THE_POD = [
    {},
    {"BIRTH_DEPS": ",", "DEATH_DEPS": ""},
    {"READINESS": "kubernetes", "DEATH_SOURCE": "kubernetes"},
    {"READINESS": "graveyard", "BIRTH_DEPS": "db"},
    {"DEATH_DEPS": "db"},
    {"READINESS": "graveyard", "DEATH_SOURCE": "graveyard", "BIRTH_DEPS": "db", "DEATH_DEPS": "db"},
    {"READINESS": "kubernetes", "DEATH_DEPS": "db"},
    {"READINESS": "graveyard", "DEATH_SOURCE": "kubernetes", "BIRTH_DEPS": "db"},
]


@pytest.mark.parametrize(("variables", "cluster"), list(itertools.product(NOTHING_DEPENDS_ON_THE_POD, [CLUSTER, {}])), ids=str)
def test_where_nothing_depends_on_the_pod_nothing_of_it_is_asked_for(variables: dict[str, str], cluster: dict[str, str]) -> None:
    """No file is read, no variable is missed."""
    files = Files(EVERY_FILE)
    config = parse(variables, files, cluster)
    assert not config.waits_for_pod
    assert not config.watches_pod
    assert files.asked == []
    assert (config.pod_name, config.namespace) == ("", "")
