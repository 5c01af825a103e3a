"""Value types without the price of dataclasses."""

from __future__ import annotations

import pytest

from kubexit.domain.record import Record


class Point(Record):
    """A value with a default."""

    x: int
    y: int = 0


class Point3(Point):
    """One that adds a field."""

    z: int = 0


class Pixel(Record):
    """The same fields, another meaning."""

    x: int
    y: int = 0


def test_values_are_equal_when_class_and_fields_are() -> None:
    """Also as keys of a dict."""
    assert Point(1, 2) == Point(x=1, y=2)
    assert Point(1) == Point(1, 0)
    assert Point(1, 2) != Point(1, 3)
    assert Point(1) != Pixel(1)
    assert Point(1) != Point3(1)
    assert Point(1) != 1
    assert {Point(1): "here"}[Point(1)] == "here"
    assert len({Point(1), Point(1, 0), Pixel(1)}) == 2


def test_a_value_never_changes() -> None:
    """`replace` gives another one; the state before a step is still there after it."""
    before = Point(1, 2)
    after = before.replace(y=3)
    assert (before, after) == (Point(1, 2), Point(1, 3))
    with pytest.raises(AttributeError, match="Point is a value"):
        before.x = 5  # type: ignore[misc]
    assert type(Point3(1).replace(z=2)) is Point3


@pytest.mark.parametrize(
    "make",
    [Point, lambda: Point(1, 2, 3), lambda: Point(1, w=2), lambda: Point(y=2), lambda: Point(1).replace(w=1)],  # type: ignore[call-arg]
)
def test_refuses_wrong_fields(make: object) -> None:
    """A missing, an unknown or one too many: a mistake of ours that shows at once."""
    with pytest.raises(TypeError, match="Point takes the fields"):
        make()  # type: ignore[operator]


def test_it_can_be_matched_and_shown() -> None:
    """`match` takes fields by position; errors show all of them."""
    match Point3(1, 2, 3):
        case Point3(x, y, z):
            assert (x, y, z) == (1, 2, 3)
    assert repr(Point3(1, 2, 3)) == "Point3(x=1, y=2, z=3)"
    assert Point3(1).fields() == {"x": 1, "y": 0, "z": 0}
