from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import pytest

from guestwright.base.record import asdict, field, fields, record, replace

R = TypeVar("R")


@record
class Point:
    """A point."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)
    secret: str = field(default="", repr=False)

    @property
    def sum(self) -> int:
        return self.x + self.y


@record
class Point3(Point):
    """One dimension more."""

    z: int = 0


@record(kw_only=False)
class Pair(Generic[R]):
    """Two."""

    left: R
    right: R


@record
class Checked:
    """Refuses."""

    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("size")


@record
class Empty:
    """Nothing."""


def test_values_and_defaults() -> None:
    point = Point(x=1)
    assert (point.x, point.y, point.tags, point.sum, point.kind) == (1, 0, [], 1, "point")
    assert Point(x=1).tags is not point.tags


def test_keywords_only() -> None:
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(x=1, unknown=2)  # type: ignore[call-arg]
    assert Pair(1, 2) == Pair(left=1, right=2)


def test_frozen_and_slotted() -> None:
    point = Point(x=1)
    for name in ("x", "other"):
        with pytest.raises(AttributeError, match="frozen"):
            setattr(point, name, 3)
    with pytest.raises(AttributeError, match="frozen"):
        del point.x
    assert not hasattr(point, "__dict__")


def test_equality_hash_and_repr() -> None:
    assert Pair(1, 2) == Pair(1, 2) != Pair(2, 1)
    assert Pair(1, 2) != (1, 2)  # type: ignore[comparison-overlap]
    assert len({Pair(1, 2), Pair(1, 2), Pair(2, 1)}) == 2
    assert repr(Point(x=1, secret="s")) == "Point(x=1, y=0, tags=[])"
    assert Empty() == Empty()
    assert Empty() != Checked(size=0)  # type: ignore[comparison-overlap]


def test_inheritance_keeps_order() -> None:
    assert [one.name for one in fields(Point3)] == ["x", "y", "tags", "secret", "z"]
    assert Point3(x=1, z=3).z == 3


def test_post_init() -> None:
    with pytest.raises(ValueError, match="size"):
        Checked(size=-1)


def test_replace_asdict_copy() -> None:
    point = Point(x=1, tags=["a"])
    assert replace(point, y=5) == Point(x=1, y=5, tags=["a"])
    assert asdict(Pair(point, (Empty(), {"k": [Pair(1, None)]}))) == {
        "left": {"x": 1, "y": 0, "tags": ["a"], "secret": ""},
        "right": ({}, {"k": [{"left": 1, "right": None}]}),
    }
    assert copy.deepcopy(point) == point


def test_patterns() -> None:
    match Pair(1, 2):
        case Pair(left, right):
            assert (left, right) == (1, 2)
    match Point(x=4):
        case Point(x=4):
            pass
        case _:
            pytest.fail("keyword pattern")


def test_same_as_a_dataclass() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Other:
        x: int
        y: str = "d"

    @record
    class Mine:
        x: int
        y: str = "d"

    assert repr(Mine(x=1)).split("(", 1)[1] == repr(Other(x=1)).split("(", 1)[1]
    assert Mine.__init__.__kwdefaults__ == Other.__init__.__kwdefaults__
