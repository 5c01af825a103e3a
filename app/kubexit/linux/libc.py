"""The calls of the C library that Python's `posix` lacks, through `_ctypes` alone: importing `ctypes` costs three times as much."""

from __future__ import annotations

import _ctypes
from posix import strerror

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Int(_ctypes._SimpleCData):  # type: ignore[type-arg]  # generic to type checkers alone
    """C's int."""

    _type_ = "i"


class Long(_ctypes._SimpleCData):  # type: ignore[type-arg]
    """C's long: a whole register, as the variadic prctl and syscall read their arguments."""

    _type_ = "l"


class Bits(_ctypes._SimpleCData):  # type: ignore[type-arg]
    """C's unsigned long long: the kernel's set of signals, bit n-1 for signal n."""

    _type_ = "Q"


class Text(_ctypes._SimpleCData):  # type: ignore[type-arg]
    """C's char *."""

    _type_ = "z"


class Function(_ctypes.CFuncPtr):
    """A function that returns an int and sets errno."""

    _flags_ = 1 | 8  # FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO
    _restype_ = Int


_process = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]  # NULL: this process itself
_functions: dict[str, Function] = {}


byref = _ctypes.byref


def call(name: str, *arguments: int | bytes | object) -> int:
    """Call a function of the C library. A negative result raises OSError with its errno."""
    function = _functions.get(name)
    if function is None:
        function = _functions[name] = Function(_ctypes.dlsym(_process, name))
    result: int = function(*[_as_c(argument) for argument in arguments])
    if result < 0:
        error = _ctypes.get_errno()
        raise OSError(error, strerror(error))
    return result


def _as_c(argument: int | bytes | object) -> object:
    if isinstance(argument, int):
        return Long(argument)
    return Text(argument) if isinstance(argument, bytes) else argument


def string_array(items: Sequence[bytes]) -> object:
    """Make a char *[] that ends with NULL, as execve takes it."""
    array_type = type("StringArray", (_ctypes.Array,), {"_type_": Text, "_length_": len(items) + 1})
    array = array_type()
    for position, item in enumerate(items):
        array[position] = item
    return array
