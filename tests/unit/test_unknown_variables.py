"""Misspelt variables are told, Kubernetes' own are not."""

from __future__ import annotations

import pytest

from kubexit.domain.config import is_disabled, parse_config
from kubexit.domain.unknown_variables import KNOWN, unknown_variable_warnings
from kubexit.help import HELP
from unit.container_files import no_file

ALIASES = {
    f"KUBEXIT_{name}" for name in ("STOPSIGNAL", "SUPPRESS_STOPPED_EXITCODE", "IGNORE_CODE_ON_DEATH_DEPS", "EXIT_CODE_OVERRIDE", "CUSTOM_EXIT_CODE")
}


class Asked(dict[str, str]):
    """An environment that notes which variables somebody wanted to know."""

    def __init__(self) -> None:
        super().__init__(KUBEXIT_NAME="main", KUBEXIT_BIRTH_DEPS="db")
        self.names: set[str] = set()

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        """Note it."""
        self.names.add(name)
        return super().get(name, default)


def test_every_known_variable_is_read_and_every_one_that_is_read_is_known() -> None:
    """A variable that is accepted without a word and does nothing would be worse than a warning."""
    environment = Asked()
    is_disabled(environment)
    parse_config(environment, [], no_file)
    assert environment.names - {"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"} == set(KNOWN)


def test_the_help_page_names_every_variable() -> None:
    """A person can work from it; the forks' names for the same things stand in the README."""
    assert [name for name in sorted({*KNOWN} - ALIASES) if name not in HELP] == []


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("KUBEXIT_NAM", "KUBEXIT_NAME"),
        ("KUBEXIT_NAMES", "KUBEXIT_NAME"),
        ("KUBEXIT_GRAVEYAD", "KUBEXIT_GRAVEYARD"),
        ("KUBEXIT_DEATHDEPS", "KUBEXIT_DEATH_DEPS"),
        ("KUBEXIT_DEATH_DEP", "KUBEXIT_DEATH_DEPS"),
        ("KUBEXIT_BIRTH_DEPENDENCIES", "KUBEXIT_BIRTH_DEPS"),
        ("KUBEXIT_GRACEPERIOD", "KUBEXIT_GRACE_PERIOD"),
        ("KUBEXIT_EXIT_CODE", "KUBEXIT_EXIT_CODES"),
        ("KUBEXIT_STOP_SIGNALS", "KUBEXIT_STOP_SIGNAL"),
        ("KUBEXIT_VERBOSE", "KUBEXIT_VERBOSE_LEVEL"),
        ("KUBEXIT_LOGFORMAT", "KUBEXIT_LOG_FORMAT"),
        ("KUBEXIT_POD", "KUBEXIT_POD_NAME"),
    ],
)
def test_a_misspelt_variable_gets_the_name_that_was_meant(name: str, nearest: str) -> None:
    """One warning, with both names."""
    (warning,) = unknown_variable_warnings([name])
    assert warning.startswith(f"{name} is no variable of kubexit")
    assert f"did you mean {nearest}?" in warning


def test_every_variable_is_the_nearest_to_itself_with_one_letter_wrong() -> None:
    """Wherever the slip is: one letter left out, doubled or changed."""
    for known in set(KNOWN) - {"KUBEXIT_STOPSIGNAL"}:  # an alias, as near to all that is near to KUBEXIT_STOP_SIGNAL
        for position in range(len("KUBEXIT_"), len(known)):
            for slip in (
                known[:position] + known[position + 1 :],
                known[:position] + "#" + known[position + 1 :],
                known[:position] + "#" + known[position:],
            ):
                if slip not in KNOWN:
                    assert f"did you mean {known}?" in unknown_variable_warnings([slip])[0]


@pytest.mark.parametrize(
    "name",
    [
        "KUBEXIT_SERVICE_HOST",
        "KUBEXIT_SERVICE_PORT",
        "KUBEXIT_SERVICE_PORT_HTTP",
        "KUBEXIT_PORT",
        "KUBEXIT_PORT_8080_TCP",
        "KUBEXIT_PORT_8080_TCP_ADDR",
        "KUBEXIT_PORT_53_UDP_PROTO",
        "KUBEXIT_PORT_9_SCTP_PORT",
        "KUBEXIT_METRICS_SERVICE_HOST",
        "KUBEXIT_METRICS_PORT_9090_TCP_PORT",
    ],
)
def test_the_variables_of_a_service_called_kubexit_are_no_mistakes(name: str) -> None:
    """Kubernetes sets these in every container of a namespace that has such a service."""
    assert unknown_variable_warnings([name]) == []


def test_known_variables_and_those_of_others_are_silent() -> None:
    """Each unknown one is told once, in the order of the environment."""
    assert unknown_variable_warnings([*sorted(KNOWN), "PATH", "KUBERNETES_SERVICE_HOST", "MY_KUBEXIT_NAM", "kubexit_name"]) == []
    assert [warning.split()[0] for warning in unknown_variable_warnings(["KUBEXIT_X2", "PATH", "KUBEXIT_A1"])] == ["KUBEXIT_X2", "KUBEXIT_A1"]


def test_a_huge_name_is_told_in_few_words() -> None:
    """A variable of 100 kB must neither take seconds at every start nor fill the log."""
    (warning,) = unknown_variable_warnings(["KUBEXIT_" + "x" * 100_000])
    assert len(warning) < 500
