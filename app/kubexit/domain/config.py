"""The configuration: environment variables in, one Config out, or all that is wrong with them at once.

Nothing else in the program reads the environment for itself.
"""

from __future__ import annotations

from kubexit.domain.dependencies import CONDITIONS, EXITED, READY, Dependency
from kubexit.domain.durations import parse_duration
from kubexit.domain.exit_codes import ANY, DEFAULT_RULES, KILLED, STOPPED_ALWAYS, ExitRule, exit_code, parse_exit_rules
from kubexit.domain.record import Record
from kubexit.domain.signal_names import TERM, signal_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    Value = TypeVar("Value")

ANY_OF_THEM = "any"
ALL_OF_THEM = "all"
JSON = "json"
TEXT = "text"
ERROR, WARNING, INFO, TRACE = LEVELS = ("error", "warning", "info", "trace")
GRAVEYARD = "graveyard"
KUBERNETES = "kubernetes"
LONGEST_NAME = 200  # bytes: leaves room for ".NAME.lock" within the 255 of a file name
NAME_RULE = f"1 to {LONGEST_NAME} bytes without / : , control characters or a leading dot"
TRUE = ("1", "t", "T", "TRUE", "true", "True")  # as Go's strconv.ParseBool
FALSE = ("0", "f", "F", "FALSE", "false", "False")
SECOND = 1_000_000_000  # nanoseconds


class Config(Record):
    """What the user asked for. Durations are nanoseconds."""

    name: str
    graveyard: str
    birth_deps: tuple[Dependency, ...] = ()
    birth_timeout: int = 30 * SECOND  # 0: wait for ever
    death_deps: tuple[Dependency, ...] = ()
    death_mode: str = ANY_OF_THEM
    grace_period: int = 30 * SECOND
    stop_signal: int = TERM
    exit_rules: tuple[ExitRule, ...] = DEFAULT_RULES
    signal_group: bool = False
    readiness: str = GRAVEYARD
    pod_name: str = ""
    namespace: str = ""
    verbose_level: int = 0
    instant_logging: bool = False
    log_format: str = JSON
    log_level: str = INFO


class ConfigError(Exception):
    """What is wrong with the configuration. `partial` holds what could be read: enough to log and to carve a tombstone."""

    def __init__(self, faults: list[str], partial: Config) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults
        self.partial = partial


def parse_config(environment: Mapping[str, str], faults: list[str]) -> Config:
    """Give the Config. A ConfigError names every fault, those found earlier (`faults`) included."""
    reader = Reader(environment, list(faults))
    name = reader.read("KUBEXIT_NAME", _name, "")
    if not environment.get("KUBEXIT_NAME"):
        reader.faults.append("KUBEXIT_NAME is not set; it names this container's tombstone, such as KUBEXIT_NAME=main")
    level = reader.read("KUBEXIT_LOG_LEVEL", _choice(*LEVELS), INFO)
    instant = reader.read("KUBEXIT_INSTANT_LOGGING", parse_boolean, False)  # noqa: FBT003  the default
    config = Config(
        name=name,
        graveyard=reader.read("KUBEXIT_GRAVEYARD", _path, "/graveyard"),
        birth_deps=reader.read("KUBEXIT_BIRTH_DEPS", _dependencies(name, READY), ()),
        birth_timeout=reader.read("KUBEXIT_BIRTH_TIMEOUT", parse_duration, 30 * SECOND),
        death_deps=reader.read("KUBEXIT_DEATH_DEPS", _dependencies(name, EXITED), ()),
        death_mode=reader.read("KUBEXIT_DEATH_MODE", _choice(ANY_OF_THEM, ALL_OF_THEM), ANY_OF_THEM),
        grace_period=reader.read("KUBEXIT_GRACE_PERIOD", parse_duration, 30 * SECOND),
        stop_signal=reader.read("KUBEXIT_STOP_SIGNAL", signal_number, reader.read("KUBEXIT_STOPSIGNAL", signal_number, TERM)),
        exit_rules=_exit_rules(reader) or DEFAULT_RULES,
        signal_group=reader.read("KUBEXIT_SIGNAL_GROUP", parse_boolean, False),  # noqa: FBT003
        readiness=_readiness(reader),
        pod_name=reader.read("KUBEXIT_POD_NAME", str, ""),
        namespace=reader.read("KUBEXIT_NAMESPACE", str, ""),
        verbose_level=reader.read("KUBEXIT_VERBOSE_LEVEL", _whole_number, 0),
        instant_logging=instant,
        log_format=reader.read("KUBEXIT_LOG_FORMAT", _choice(JSON, TEXT), JSON),
        log_level=TRACE if instant else level,
    )
    if reader.faults:
        raise ConfigError(reader.faults, config)
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


def _readiness(reader: Reader) -> str:
    """Where birth conditions are read. Unset: the pod's status inside a cluster, else the graveyard."""
    chosen = reader.read("KUBEXIT_READINESS", _choice(KUBERNETES, GRAVEYARD), "")
    if (chosen or GRAVEYARD) == GRAVEYARD and (chosen or not reader.environment.get("KUBERNETES_SERVICE_HOST")):
        return GRAVEYARD
    if reader.environment.get("KUBEXIT_BIRTH_DEPS"):
        source = 'KUBEXIT_READINESS="kubernetes"' if chosen else "KUBEXIT_READINESS is not set, which inside a cluster means kubernetes, and that"
        reader.faults.append(
            f"{source} is not supported by this version; set KUBEXIT_READINESS=graveyard: "
            "KUBEXIT_BIRTH_DEPS are then read from the tombstones of their kubexits"
        )
    return KUBERNETES


def _dependencies(own_name: str, default: str) -> Callable[[str], tuple[Dependency, ...]]:
    def parse(value: str) -> tuple[Dependency, ...]:
        found: dict[tuple[str, str], Dependency] = {}
        for item in _items(value):
            name, _, condition = item.partition(":")
            if _name(name) == own_name:
                raise ValueError(f"has {name}, which is this container itself (KUBEXIT_NAME); accepted are names of others")
            if condition not in ("", *CONDITIONS):
                raise ValueError(f"has {item!r}; accepted is NAME or NAME:CONDITION, the condition one of {', '.join(CONDITIONS)}")
            found.setdefault((name, condition or default), Dependency(name, condition or default, item))
        return tuple(found.values())

    return parse


def _items(value: str) -> list[str]:
    """Split a list at its commas; empty items are dropped, so are blanks around an item."""
    return [item.strip() for item in value.split(",") if item.strip()]


def _name(value: str) -> str:
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
