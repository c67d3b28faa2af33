"""Records as JSON, and the types of that JSON, from the same classes.

Theory of operation: the service's values are records, which msgspec does not know. `encode` writes them field
by field. `wire_type` makes from a record class the `msgspec.Struct` of the same fields and types, all the way
down; the OpenAPI document comes from these, and the tests read every answer with them. So what is documented
is what is sent, and neither is written twice.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from functools import cache, reduce
from operator import or_
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from guestwright.base.record import asdict, fields
from guestwright.host.facts.decode import Told
from guestwright.host.facts.observations import Source
from guestwright.host.service.port import Guest

T = TypeVar("T")
_UNIONS: Final = (Union, types.UnionType)


def _plain(value: Any) -> Any:
    try:
        fields(value)
    except AttributeError:
        raise NotImplementedError(f"the API shows no {type(value).__name__}") from None
    return asdict(value)


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_plain, order="deterministic")


def encode(value: Any) -> bytes:
    """A value as JSON.

    Raises:
        NotImplementedError: it holds what is never shown, a `Secret` for example.
    """
    return _ENCODER.encode(value)


def wire_type(kind: Any) -> Any:
    """The type of what `encode` makes of a value.

    Args:
        kind: a record class, or any type built of them.
    """
    if _is_record(kind):
        return _struct(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is None or not inner:
        return kind
    made = tuple(one if one is Ellipsis else wire_type(one) for one in inner)
    if origin in _UNIONS:
        return reduce(or_, made)
    if origin is frozenset:
        return types.GenericAlias(tuple, (made[0], ...))
    if origin is Mapping:
        return types.GenericAlias(dict, made)
    return types.GenericAlias(origin, made)


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and hasattr(kind, "__record_fields__")


@cache
def _struct(kind: type[Any]) -> type[msgspec.Struct]:
    hints = get_type_hints(kind)
    rows = []
    for each in fields(kind):
        inner = _facts() if (kind, each.name) == (Guest, "facts") else wire_type(hints[each.name])
        rows.append((each.name, inner))
    return _make(kind.__name__, rows, kind)


def _facts() -> Any:
    """`Guest.facts`: of each name only the values that a fact of this name can have."""
    hints = get_type_hints(Told)
    rows: list[Any] = []
    for each in fields(Told):
        name = "Fact" + each.name.capitalize()
        inner = [("name", str), ("value", wire_type(hints[each.name])), ("source", Source)]
        fact = _make(name, [*inner, ("since", float), ("seen", float)], Told)
        rows.append((each.name, fact | msgspec.UnsetType, msgspec.UNSET))
    return _make("Facts", rows, Told)


def _make(name: str, rows: list[Any], source: type[Any]) -> type[msgspec.Struct]:
    about = (source.__doc__ or "").partition("\n")[0]
    space = {"__doc__": about} if source.__name__ == name else None
    return msgspec.defstruct(name, rows, module=source.__module__, namespace=space, frozen=True)
