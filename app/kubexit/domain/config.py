"""The configuration: environment variables in, one Config out, or all that is wrong with them at once.

Nothing else in the program reads the environment for itself.
"""

from __future__ import annotations

from kubexit.domain.dependencies import CONDITIONS, EXITED, GRAVEYARD, KUBERNETES, READY, Dependency
from kubexit.domain.durations import parse_duration
from kubexit.domain.exit_codes import ANY, DEFAULT_RULES, KILLED, STOPPED_ALWAYS, ExitRule, exit_code, parse_exit_rules
from kubexit.domain.pod_identity import PodIdentity, from_container
from kubexit.domain.record import Record
from kubexit.domain.signal_names import INT, QUIT, TERM, signal_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    Value = TypeVar("Value")

ANY_OF_THEM = "any"
ALL_OF_THEM = "all"
JSON = "json"
TEXT = "text"
ERROR, WARNING, INFO, TRACE = LEVELS = ("error", "warning", "info", "trace")
LONGEST_NAME = 200  # bytes: leaves room for ".NAME.lock" within the 255 of a file name
NAME_RULE = f"1 to {LONGEST_NAME} bytes without / : , control characters or a leading dot"
TRUE = ("1", "t", "T", "TRUE", "true", "True")  # as Go's strconv.ParseBool
FALSE = ("0", "f", "F", "FALSE", "false", "False")
SECOND = 1_000_000_000  # nanoseconds


class StopRequest(Record):
    """An HTTP request that asks the child to stop, in place of a signal."""

    method: str
    url: str


class Config(Record):
    """What the user asked for, by KUBEXIT_ variables or by a koordinator spec. Durations are nanoseconds."""

    name: str
    graveyard: str  # "": there is none, no tombstones are written
    birth_deps: tuple[Dependency, ...] = ()
    birth_timeout: int = 30 * SECOND  # 0: wait for ever
    death_deps: tuple[Dependency, ...] = ()
    death_mode: str = ANY_OF_THEM
    grace_period: int = 30 * SECOND
    stop_signal: int = TERM  # 0: none is sent
    stop_request: StopRequest | None = None
    stop_delay: int = 0  # before an outside stop by one of these signals is passed on
    delayed_signals: tuple[int, ...] = (TERM, INT, QUIT)
    exit_rules: tuple[ExitRule, ...] = DEFAULT_RULES
    signal_group: bool = False
    readiness: str = GRAVEYARD
    death_source: str = GRAVEYARD
    pod_name: str = ""
    pod_name_from: str = ""  # where that was found, for messages
    namespace: str = ""
    verbose_level: int = 0
    instant_logging: bool = False
    log_format: str = JSON
    log_level: str = INFO

    @property
    def waits_for_pod(self) -> bool:
        """Tell whether the pod's status decides when to start."""
        return any(dependency.source == KUBERNETES for dependency in self.birth_deps)

    @property
    def watches_pod(self) -> bool:
        """Tell whether the pod's status decides when to stop."""
        return any(dependency.source == KUBERNETES for dependency in self.death_deps)


class ConfigError(Exception):
    """What is wrong with the configuration. `partial` holds what could be read: enough to log and to carve a tombstone."""

    def __init__(self, faults: list[str], partial: Config) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults
        self.partial = partial


def parse_config(environment: Mapping[str, str], faults: list[str], read: Callable[[str], str]) -> Config:
    """Give the Config of the KUBEXIT_ variables. A ConfigError names every fault, those found earlier (`faults`) included.

    `read` gives the trimmed text of a small file, "" if there is none.
    """
    reader = Reader(environment, list(faults))
    name = reader.read("KUBEXIT_NAME", parse_name, "")
    if not environment.get("KUBEXIT_NAME"):
        reader.faults.append("KUBEXIT_NAME is not set; it names this container's tombstone, such as KUBEXIT_NAME=main")
    stop_signal = reader.read("KUBEXIT_STOP_SIGNAL", signal_number, reader.read("KUBEXIT_STOPSIGNAL", signal_number, TERM))
    in_cluster = bool(environment.get("KUBERNETES_SERVICE_HOST"))
    readiness = reader.read("KUBEXIT_READINESS", _choice(KUBERNETES, GRAVEYARD), KUBERNETES if in_cluster else GRAVEYARD)
    death_source = reader.read("KUBEXIT_DEATH_SOURCE", _choice(KUBERNETES, GRAVEYARD), GRAVEYARD)
    config = Config(
        name=name,
        graveyard=reader.read("KUBEXIT_GRAVEYARD", _path, "/graveyard"),
        birth_deps=reader.read("KUBEXIT_BIRTH_DEPS", _dependencies(name, READY, readiness), ()),
        birth_timeout=reader.read("KUBEXIT_BIRTH_TIMEOUT", parse_duration, 30 * SECOND),
        death_deps=reader.read("KUBEXIT_DEATH_DEPS", _dependencies(name, EXITED, death_source), ()),
        death_mode=reader.read("KUBEXIT_DEATH_MODE", _choice(ANY_OF_THEM, ALL_OF_THEM), ANY_OF_THEM),
        grace_period=reader.read("KUBEXIT_GRACE_PERIOD", parse_duration, 30 * SECOND),
        stop_signal=stop_signal,
        stop_delay=reader.read("KUBEXIT_STOP_DELAY", parse_duration, 0),
        delayed_signals=tuple(dict.fromkeys((TERM, INT, QUIT, stop_signal))),
        exit_rules=_exit_rules(reader) or DEFAULT_RULES,
        readiness=readiness,
        death_source=death_source,
        pod_name=environment.get("KUBEXIT_POD_NAME", ""),
        pod_name_from="KUBEXIT_POD_NAME",
        namespace=environment.get("KUBEXIT_NAMESPACE", ""),
        **general_settings(reader),
    )
    if config.waits_for_pod or config.watches_pod:
        config = _in_cluster(config, reader, from_container(read))
    if reader.faults:
        raise ConfigError(reader.faults, config)
    return config


def general_settings(reader: Reader) -> dict[str, Any]:
    """Read the fields of a Config that every front door has: log and process group."""
    level = reader.read("KUBEXIT_LOG_LEVEL", _choice(*LEVELS), INFO)
    instant = reader.read("KUBEXIT_INSTANT_LOGGING", parse_boolean, False)  # noqa: FBT003  the default
    return {
        "signal_group": reader.read("KUBEXIT_SIGNAL_GROUP", parse_boolean, False),  # noqa: FBT003
        "verbose_level": reader.read("KUBEXIT_VERBOSE_LEVEL", _whole_number, 0),
        "instant_logging": instant,
        "log_format": reader.read("KUBEXIT_LOG_FORMAT", _choice(JSON, TEXT), JSON),
        "log_level": TRACE if instant else level,
    }


def _in_cluster(config: Config, reader: Reader, found: PodIdentity) -> Config:
    """Insist on what is needed to read the pod's status. What the variables do not say of the pod is filled in from `found`."""
    missing = [variable for variable in ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT") if not reader.environment.get(variable)]
    if missing:
        reader.faults.append(
            f"{' and '.join(missing)} not set, so this is no pod of a cluster, and no pod's status can be read; outside of one, "
            "set KUBEXIT_READINESS=graveyard and KUBEXIT_DEATH_SOURCE=graveyard: dependencies are then read from the tombstones of their kubexits"
        )
        return config
    if not config.pod_name:
        config = config.replace(pod_name=found.name, pod_name_from=found.name_from)
    config = config.replace(namespace=config.namespace or found.namespace)
    if not config.pod_name:
        reader.faults.append("KUBEXIT_POD_NAME is not set, and nothing else tells it; set it by valueFrom: {fieldRef: {fieldPath: metadata.name}}")
    if not config.namespace:
        reader.faults.append(
            "KUBEXIT_NAMESPACE is not set, and nothing else tells it: no service account is mounted, whose token the pod's status is read with; "
            "automountServiceAccountToken must not be false for this pod or its service account"
        )
    return config


def is_disabled(environment: Mapping[str, str]) -> bool:
    """Read the kill switch KUBEXIT_DISABLED; a ValueError says what is accepted."""
    return parse_boolean(environment.get("KUBEXIT_DISABLED") or "false")


class Reader:
    """Reads variables one by one and collects what is wrong with them. Empty means unset."""

    def __init__(self, environment: Mapping[str, str], faults: list[str]) -> None:
        self.environment = environment
        self.faults = faults

    def read(self, variable: str, parse: Callable[[str], Value], default: Value) -> Value:
        """Give the parsed value, or `default` where the variable is unset or faulty."""
        value = self.environment.get(variable)
        if not value:
            return default
        try:
            return parse(value)
        except ValueError as error:
            self.faults.append(f'{variable}="{value[:200]}" {error}')
            return default


def _exit_rules(reader: Reader) -> tuple[ExitRule, ...]:
    """KUBEXIT_EXIT_CODES, then what the forks call otherwise, in this order: the first rule that matches decides."""
    rules: tuple[ExitRule, ...] = ()
    rules = reader.read("KUBEXIT_EXIT_CODES", lambda value: parse_exit_rules(_items(value)), rules)
    for variable in ("KUBEXIT_SUPPRESS_STOPPED_EXITCODE", "KUBEXIT_IGNORE_CODE_ON_DEATH_DEPS"):
        if reader.read(variable, parse_boolean, False):  # noqa: FBT003
            rules += (ExitRule(STOPPED_ALWAYS, 0), ExitRule(KILLED, 0))
    for variable in ("KUBEXIT_EXIT_CODE_OVERRIDE", "KUBEXIT_CUSTOM_EXIT_CODE"):
        rule = reader.read(variable, _override, None)
        rules += (rule,) if rule else ()
    return rules


def _override(value: str) -> ExitRule | None:
    code = exit_code(value)
    if code is None:
        raise ValueError("is no exit code; accepted is a number from 0 to 255")
    return ExitRule(ANY, code)


def _dependencies(own_name: str, default: str, source: str) -> Callable[[str], tuple[Dependency, ...]]:
    def parse(value: str) -> tuple[Dependency, ...]:
        found: dict[tuple[str, str], Dependency] = {}
        for item in _items(value):
            name, _, condition = item.partition(":")
            if parse_name(name) == own_name:
                raise ValueError(f"has {name}, which is this container itself (KUBEXIT_NAME); accepted are names of others")
            if condition not in ("", *CONDITIONS):
                raise ValueError(f"has {item!r}; accepted is NAME or NAME:CONDITION, the condition one of {', '.join(CONDITIONS)}")
            found.setdefault((name, condition or default), Dependency(name, condition or default, item, source))
        return tuple(found.values())

    return parse


def _items(value: str) -> list[str]:
    """Split a list at its commas; empty items are dropped, so are blanks around an item."""
    return [item.strip() for item in value.split(",") if item.strip()]


def parse_name(value: str) -> str:
    """Read a name that can be a tombstone's."""
    length = len(value.encode(errors="surrogateescape"))
    control = any(character < " " or "\x7f" <= character < "\xa0" for character in value)
    if not 1 <= length <= LONGEST_NAME or value.startswith(".") or control or any(c in value for c in "/:,"):
        raise ValueError(f"has {value[:200]!r}, which is no name; accepted are {NAME_RULE}")
    return value


def _path(value: str) -> str:
    return value.rstrip("/") or "/"


def _choice(*accepted: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in accepted:
            raise ValueError(f"is not known; accepted are {', '.join(accepted)}")
        return value

    return parse


def parse_boolean(value: str) -> bool:
    """Read what Go's strconv.ParseBool reads."""
    if value not in TRUE + FALSE:
        raise ValueError("is no boolean; accepted are 1, t, true, 0, f, false")
    return value in TRUE


def _whole_number(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise ValueError("is no whole number; accepted are 0, 1, ...")
    return int(value)
