"""Warnings about variables that look like kubexit's and are not: most are misspelt."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "KUBEXIT_"
# fmt: off
KNOWN = (  # aliases last: of two names that are as near, the first is meant
    "KUBEXIT_NAME", "KUBEXIT_GRAVEYARD", "KUBEXIT_BIRTH_DEPS", "KUBEXIT_BIRTH_TIMEOUT", "KUBEXIT_DEATH_DEPS",
    "KUBEXIT_DEATH_MODE", "KUBEXIT_GRACE_PERIOD", "KUBEXIT_STOP_SIGNAL", "KUBEXIT_STOP_DELAY", "KUBEXIT_EXIT_CODES",
    "KUBEXIT_SIGNAL_GROUP", "KUBEXIT_READINESS", "KUBEXIT_DEATH_SOURCE", "KUBEXIT_POD_NAME", "KUBEXIT_NAMESPACE",
    "KUBEXIT_VERBOSE_LEVEL", "KUBEXIT_INSTANT_LOGGING", "KUBEXIT_LOG_FORMAT", "KUBEXIT_LOG_LEVEL", "KUBEXIT_DISABLED",
    "KUBEXIT_STOPSIGNAL", "KUBEXIT_SUPPRESS_STOPPED_EXITCODE", "KUBEXIT_IGNORE_CODE_ON_DEATH_DEPS",
    "KUBEXIT_EXIT_CODE_OVERRIDE", "KUBEXIT_CUSTOM_EXIT_CODE",
)
# fmt: on
SERVICE_SUFFIXES = ("_SERVICE_HOST", "_SERVICE_PORT", "_PORT")
LONGEST = 60  # letters of a name that is looked at
FAR = 3  # letters that a name which is a part of another counts as different


def unknown_variable_warnings(variables: Iterable[str]) -> list[str]:
    """Give one warning for each KUBEXIT_ variable that is not known, with the nearest that is."""
    return [_warning(name) for name in variables if name.startswith(PREFIX) and name not in KNOWN and not is_service_variable(name)]


def is_service_variable(name: str) -> bool:
    """Kubernetes sets KUBEXIT_SERVICE_HOST, KUBEXIT_PORT_8080_TCP_ADDR and more in a namespace with a service called kubexit."""
    return name.endswith(SERVICE_SUFFIXES) or "_SERVICE_PORT_" in name or any(f"_{p}" in name for p in ("TCP", "UDP", "SCTP"))


def _warning(name: str) -> str:
    word = name.removeprefix(PREFIX)[:LONGEST]
    nearest = nearest_word(word, [known.removeprefix(PREFIX) for known in KNOWN])
    return f"{PREFIX}{word} is no variable of kubexit and has no effect: did you mean {PREFIX}{nearest}? kubexit --help has them all"


def nearest_word(word: str, known: Iterable[str]) -> str:
    """Give the one of the known words that is most likely meant; the first of those that are as near."""
    return min(known, key=lambda each: _distance(word[:LONGEST], each))


def _distance(left: str, right: str) -> int:
    """Count the letters to change, add or remove to get from one to the other (Levenshtein); FAR at most if one is a part of the other."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row = row, [i]
        for j, b in enumerate(right, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b)))
    return min(row[-1], FAR) if left in right or right in left else row[-1]
