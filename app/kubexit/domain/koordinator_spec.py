"""The spec of a koordinator: JSON text in, one Spec out, or all that is wrong with it at once."""

from __future__ import annotations

from kubexit.domain.json_reader import JsonObject, parse_json
from kubexit.domain.json_text import to_json
from kubexit.domain.koordinator_durations import SECOND, parse_koordinator_duration
from kubexit.domain.koordinator_http import HTTP_FORM, METHODS, REQUEST_KEYS, parse_request
from kubexit.domain.record import Record
from kubexit.domain.signal_names import NUMBERS, RTMAX, TERM
from kubexit.domain.unknown_variables import nearest_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from kubexit.domain.config import StopRequest

    Value = TypeVar("Value")

EXAMPLE = '{"startDeps":["proxy"],"stopDeps":["main"]}'
FIELDS = (
    "startDeps",
    "stopDeps",
    "stopDelay",
    "whenStopDepExited",
    "termSignal",
    "termTimeout",
    "killedByStopDepExitCode",
    "terminatedByStopDepExitCode",
)
TERM_SIGNALS = ("SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP", "SIGUSR1")
NAMES_FORM = 'accepted is an array of container names, such as ["main"]'
ACTION_FORM = f'accepted is {{"signal": 15}} or {HTTP_FORM}'
NO_ACTION: tuple[int | None, StopRequest | None] = (None, None)  # the termSignal is sent
INT32 = (-(2**31), 2**31 - 1)
UINT32 = (0, 2**32 - 1)
LONGEST_SHOWN = 200  # characters of a value in a message
MOST_WARNINGS = 8  # about unknown keys


class Spec(Record):
    """What the spec asks for. Durations are nanoseconds, exit codes what was written there."""

    start_deps: tuple[str, ...] = ()
    stop_deps: tuple[str, ...] = ()
    stop_delay: int = 0
    stop_signal: int = TERM  # that stop dependencies cause; 0: none is sent
    stop_request: StopRequest | None = None  # in place of that signal
    term_signal: int = TERM
    term_timeout: int = 30 * SECOND
    killed_code: int = 137
    terminated_code: int = 0  # negative: the child's own


def parse_spec(variable: str, text: str, faults: list[str], warnings: list[str]) -> Spec:
    """Read the spec in `variable`. What is wrong is added to the faults, and has its default in what is given."""
    try:
        found = parse_json(text)
    except ValueError as error:
        hint = "; the variable is set, but empty" if not text else ""
        faults.append(f'{variable}="{text[:LONGEST_SHOWN]}" is no JSON{hint}: {error}; accepted is an object such as {EXAMPLE}')
        return Spec()
    if not isinstance(found, JsonObject):
        faults.append(f'{variable}="{text[:LONGEST_SHOWN]}" is {_kind(found)}; accepted is an object such as {EXAMPLE}')
        return Spec()
    return _SpecReader(variable, found, faults, warnings).spec()


class _SpecReader:
    """Reads the fields of one spec, and collects what is wrong with them and what is odd about them."""

    def __init__(self, variable: str, found: JsonObject, faults: list[str], warnings: list[str]) -> None:
        self.variable = variable
        self.found = found
        self.faults = faults
        self.warnings = warnings

    def spec(self) -> Spec:
        self.warn_of_unknown(self.found, FIELDS, "")
        term_signal = self.read("termSignal", self.term_signal, TERM)
        stop_signal, stop_request = self.read("whenStopDepExited", self.action, NO_ACTION)
        return Spec(
            start_deps=self.read("startDeps", _names, ()),
            stop_deps=self.read("stopDeps", _names, ()),
            stop_delay=self.read("stopDelay", _duration, 0),
            stop_signal=term_signal if stop_signal is None else stop_signal,
            stop_request=stop_request,
            term_signal=term_signal,
            term_timeout=self.read("termTimeout", _duration, 30 * SECOND),
            killed_code=self.read("killedByStopDepExitCode", self.exit_code(UINT32), 137),
            terminated_code=self.read("terminatedByStopDepExitCode", self.exit_code(INT32), 0),
        )

    def read(self, key: str, parse: Callable[[object], Value], default: Value) -> Value:
        """Give the parsed value of a field, or `default` where it is absent or faulty."""
        values = self.found.all(key)
        if not values:
            return default
        if len(values) > 1:
            self.faults.append(f"{self.variable} has {key} {len(values)} times; accepted is one")
            return default
        try:
            return parse(values[0])
        except ValueError as error:
            self.faults.append(f"{self.variable}: {key}={_shown(values[0])} {error}")
            return default

    def warn(self, what: str) -> None:
        self.warnings.append(f"{self.variable}: {what}")

    def warn_of_unknown(self, found: JsonObject, known: tuple[str, ...], place: str) -> None:
        """Warn of what koordinator ignores without a word, `startdeps` and `start_deps` included."""
        unknown = [key for key in dict.fromkeys(found.names) if key not in known]
        nearest = {key.lower(): key for key in known}
        for key in unknown[:MOST_WARNINGS]:
            meant = nearest[nearest_word(key.lower(), nearest)]
            self.warn(f"{_shown(key)}{place} is not known and has no effect: did you mean {meant}?")

    def term_signal(self, value: object) -> int:
        name = _string(value, f"are {', '.join(TERM_SIGNALS)}, in double quotes")
        if name not in TERM_SIGNALS:
            self.warn(f"termSignal={_shown(name)} means SIGTERM, as every string does that is none of {', '.join(TERM_SIGNALS)}")
            return TERM
        return NUMBERS[name.removeprefix("SIG")]

    def action(self, value: object) -> tuple[int | None, StopRequest | None]:
        """Read whenStopDepExited: a signal's number (0 for what is none) or a request."""
        if not isinstance(value, JsonObject) or len(value.pairs) != 1 or value.names[0] not in ("signal", "http"):
            raise ValueError("is no action; " + ACTION_FORM)
        ((name, what),) = value.pairs
        if name == "http":
            method, details = _method(what)
            self.warn_of_unknown(details, REQUEST_KEYS, " in whenStopDepExited")
            return None, parse_request(method, details)
        number = _integer(what, INT32)
        if 1 <= number <= RTMAX:
            return number, None
        self.warn(f"whenStopDepExited={_shown(value)} is no signal: none is sent, and SIGKILL follows after termTimeout")
        return 0, None

    def exit_code(self, limits: tuple[int, int]) -> Callable[[object], int]:
        def parse(value: object) -> int:
            code = _integer(value, limits)
            if code > 255:
                self.warn(f"{code} is more than an exit status can say, which is a byte: it will be {code & 255}")
            return code

        return parse


def _names(value: object) -> tuple[str, ...]:
    """Read container names; repeats are dropped. A name that no container can have is no fault: it is looked for in the pod."""
    items = value if isinstance(value, list) else [None]
    names = [name for name in items if isinstance(name, str)]
    if len(names) < len(items):
        raise ValueError(f"is no array of strings; {NAMES_FORM}")
    if any("\0" in name for name in names):  # it could not be given to another program
        raise ValueError(f"has a name with a zero character in it; {NAMES_FORM}")
    return tuple(dict.fromkeys(names))


def _duration(value: object) -> int:
    return parse_koordinator_duration(_string(value, 'is a duration in double quotes, such as "30s"'))


def _string(value: object, accepted: str) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"is {_kind(value)}; accepted {accepted}")


def _integer(value: object, limits: tuple[int, int]) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not limits[0] <= value <= limits[1]:
        raise ValueError(f"is no integer within limits; accepted are those from {limits[0]} to {limits[1]}, without quotes, fraction or exponent")
    return value


def _method(value: object) -> tuple[str, JsonObject]:
    """Give the method in capital letters, and the details of the request."""
    if isinstance(value, JsonObject) and len(value.pairs) == 1:
        ((method, details),) = value.pairs
        if method in METHODS and isinstance(details, JsonObject):
            return method.upper(), details
        if method in METHODS and details == []:
            raise ValueError(f"does not say where to: koordinator takes this form, but cannot send it; accepted is {HTTP_FORM}")
    raise ValueError(f"is no request; accepted is {HTTP_FORM}")


def _kind(value: object) -> str:
    """Say what kind of JSON value it is."""
    if value is None or isinstance(value, bool):
        return to_json(value)
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"


def _shown(value: object) -> str:
    """Give a value for a message, shortened."""
    return _text(value)[:LONGEST_SHOWN]


def _text(value: object) -> str:
    if isinstance(value, JsonObject):
        return "{" + ",".join(f"{to_json(name)}:{_text(item)}" for name, item in value.pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return repr(value) if isinstance(value, float) else to_json(value)
