"""Frozen records: `@dataclass(frozen=True, slots=True, kw_only=True)` at a fifth of its start-up cost.

Theory of operation: `dataclasses` compiles half a dozen functions for every class; over the hundred small
value classes of this program that was a quarter of the time of a whole `seal run`. Here only `__init__` is
compiled, with the first instance, and all else is shared. Type checkers treat a record as a frozen dataclass
(PEP 681). What is mutable uses `dataclasses`. The agent in the guest uses records too: this module runs on
Python 3.8, and never imports `typing`, which alone would be a sixth of the memory that the agent may have.
"""

from __future__ import annotations

import sys
from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:  # novermin
    from collections.abc import Callable, Mapping
    from typing import Any, Final, TypeVar, dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_: object) -> Callable[[T], T]:
        """Stand for that of `typing`, which tells type checkers only."""
        return lambda function: function


_MISSING: Final = object()
_FIELDS: Final = "__record_fields__"


class Field:
    """One field of a record.

    Attributes:
        name: of the attribute.
        type: its annotation, as text.
        default: value when none is given; `factory` makes one instead if it is set.
        shown: whether `repr` shows it.
    """

    __slots__ = ("default", "factory", "name", "shown", "type")

    def __init__(self, default: Any, factory: Callable[[], Any] | None, *, shown: bool) -> None:
        self.name = self.type = ""
        self.default = default
        self.factory = factory
        self.shown = shown

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is _MISSING and self.factory is None


def field(
    *,
    default: Any = _MISSING,
    default_factory: Callable[[], Any] | None = None,
    repr: bool = True,  # noqa: A002
) -> Any:
    """Say more about a field than a plain default does; the arguments are those of `dataclasses.field`."""
    return Field(default, default_factory, shown=repr)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[T] | None = None, /, *, kw_only: bool = True) -> Any:
    """Make a class with annotated fields a frozen record with slots.

    Args:
        cls: the class; its bases may be records.
        kw_only: whether fields are given by name only.

    Returns:
        A new class of the same name. `__post_init__`, if there is one, runs after the fields are set.
    """
    if cls is None:
        return lambda one: _record(one, kw_only=kw_only)
    return _record(cls, kw_only=kw_only)


def fields(one: Any) -> tuple[Field, ...]:
    """The fields of a record or a record class, in order."""
    found: tuple[Field, ...] = getattr(one, _FIELDS)
    return found


def replace(one: T, **changes: Any) -> T:
    """A copy of a record with some fields changed."""
    values = {each.name: getattr(one, each.name) for each in fields(one)}
    return type(one)(**{**values, **changes})


def asdict(one: Any) -> dict[str, Any]:
    """A record as a dictionary; records in it, also in lists, tuples and dictionaries, likewise."""
    return {each.name: _plain(getattr(one, each.name)) for each in fields(one)}


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bytes, type(None))):
        return value
    if hasattr(value, _FIELDS):
        return asdict(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(each) for each in value)
    if hasattr(value, "items"):
        return {key: _plain(each) for key, each in value.items()}
    return value


def _record(cls: type[T], *, kw_only: bool) -> type[T]:
    body = dict(cls.__dict__)
    kinds = {name: str(kind) for name, kind in body.get("__annotations__", {}).items()}
    own = [_field(name, kind, body) for name, kind in kinds.items() if not kind.startswith("ClassVar")]
    inherited = [each for base in cls.__mro__[1:] for each in getattr(base, _FIELDS, ())]
    all_fields = tuple({each.name: each for each in (*inherited, *own)}.values())
    for name in ("__dict__", "__weakref__"):
        body.pop(name, None)
    known = {each.name for each in inherited}
    body["__slots__"] = tuple(each.name for each in own if each.name not in known)
    body[_FIELDS] = all_fields
    body["__match_args__"] = () if kw_only else tuple(each.name for each in all_fields)
    # A class that defines __eq__ has None for __hash__.
    body.update({name: one for name, one in _SHARED.items() if cls.__dict__.get(name) is None})
    body["_values"] = staticmethod(attrgetter(*(each.name for each in all_fields)) if all_fields else _none)
    metaclass: Any = type(cls)
    made: Any = metaclass(cls.__name__, cls.__bases__, body)
    made.__qualname__ = cls.__qualname__
    made.__init__ = _first(made, all_fields, kw_only=kw_only)
    finished: type[T] = made
    return finished


def _field(name: str, kind: str, body: dict[str, Any]) -> Field:
    default = body.pop(name, _MISSING)
    made = default if isinstance(default, Field) else Field(default, None, shown=True)
    made.name, made.type = name, kind
    return made


def _first(cls: Any, all_fields: tuple[Field, ...], *, kw_only: bool) -> Any:
    """The `__init__` of a class without instances, which puts the real one in its place."""

    def __init__(self: Any, *args: Any, **values: Any) -> None:  # noqa: N807
        cls.__init__ = _initialiser(cls, all_fields, kw_only=kw_only)
        cls.__init__(self, *args, **values)

    return __init__


def _initialiser(cls: Any, all_fields: tuple[Field, ...], *, kw_only: bool) -> Any:
    """Compile `__init__`: it sets each slot through its descriptor, past the frozen `__setattr__`."""
    scope: dict[str, Any] = {"_MISSING": _MISSING}
    head, lines = ["self"], []
    if kw_only and all_fields:
        head.append("*")
    for each in all_fields:
        name = each.name
        scope[f"_set_{name}"] = getattr(cls, name).__set__
        value = name
        if each.factory is not None:
            scope[f"_make_{name}"] = each.factory
            head.append(f"{name}=_MISSING")
            value = f"_make_{name}() if {name} is _MISSING else {name}"
        elif each.required:
            head.append(name)
        else:
            scope[f"_default_{name}"] = each.default
            head.append(f"{name}=_default_{name}")
        lines.append(f"    _set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("    self.__post_init__()")
    source = f"def __init__({', '.join(head)}):\n" + ("\n".join(lines) or "    pass")
    exec(source, scope)  # noqa: S102 - of names that are identifiers of this program
    made = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = sys.intern(cls.__module__)
    return made


def _none(one: Any) -> tuple[()]:
    del one
    return ()


def _repr(self: Any) -> str:
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.shown)
    return f"{type(self).__qualname__}({shown})"


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self._values(self) == self._values(other)


def _hash(self: Any) -> int:
    return hash((type(self), self._values(self)))


def _frozen(self: Any, name: str, value: object = None) -> None:
    del value
    raise AttributeError(f"{type(self).__name__}.{name} cannot be changed: records are frozen")


def _reduce(self: Any) -> Any:
    return _restore, (type(self), {each.name: getattr(self, each.name) for each in fields(self)})


def _restore(cls: Any, values: dict[str, Any]) -> Any:
    return cls(**values)


_SHARED: Final[Mapping[str, Any]] = {
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _frozen,
    "__delattr__": _frozen,
    "__reduce__": _reduce,
}
