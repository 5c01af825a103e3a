"""Value types: what `dataclasses.dataclass(frozen=True)` would give, without the 12 ms that its import takes at every start."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_: bool) -> object:
        """Do nothing at run time: it is there for type checkers."""
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Record:
    """A value whose fields are the annotations of its class, in their order; equal when class and fields are.

    A subclass adds its fields to those of its base. A field with a value in the class body may be left out.
    """

    fields_in_order: ClassVar[tuple[str, ...]] = ()
    _names: ClassVar[frozenset[str]] = frozenset()
    _required: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        own = [name for name in cls.__annotations__ if name not in cls.fields_in_order]
        cls.fields_in_order = (*cls.fields_in_order, *own)
        cls._names = frozenset(cls.fields_in_order)
        cls._required = frozenset(name for name in cls.fields_in_order if not hasattr(cls, name))
        setattr(cls, "__match_args__", cls.fields_in_order)  # noqa: B010  for `case`; type checkers make their own

    def __init__(self, *values: object, **named: object) -> None:
        names = self.fields_in_order
        given = dict(zip(names, values, strict=False), **named)
        if not self._required <= given.keys() <= self._names or len(values) > len(names):
            raise TypeError(f"{type(self).__name__} takes the fields {names}, not {given}")
        self.__dict__.update(given)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is a value: replace({name}=...) makes another one")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and type(self) is type(other) and self.fields() == other.fields()

    def __hash__(self) -> int:
        return hash((type(self), *self.fields().values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.fields().items())
        return f"{type(self).__name__}({fields})"

    def fields(self) -> dict[str, Any]:
        """Give the values of all fields by their names."""
        return {name: getattr(self, name) for name in self.fields_in_order}

    def replace(self, **changes: object) -> Self:
        """Give another value with some fields changed."""
        return type(self)(**{**self.__dict__, **changes})
