"""Lists: filters, one order, pages by key.

Theory of operation: a page ends with a cursor that holds the sort value and the id of its last row, and the
next page begins behind these. So a page costs the same wherever it is, and rows that come or go meanwhile
shift nothing. A cursor is no secret and is not trusted: it is checked like every other input.
"""

from __future__ import annotations

import base64
import json
import math
import operator
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Boolean, ColumnElement, Double, Integer, and_, or_, tuple_

from guestwright.base.record import record
from guestwright.engine.inventory.columns import Choice, storable
from guestwright.engine.inventory.errors import BadQuery

T = TypeVar("T")

PAGE_MAX: Final = 1000
FILTERS_MAX: Final = 16
VALUE_MAX: Final = 1024
_CURSOR_MAX: Final = 4096
_NUMBER_MAX: Final = (1 << 63) - 1
_COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Op(StrEnum):
    """How a filter compares."""

    IS = "="
    IS_NOT = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    LIKE = "~"  # `*` stands for anything; capitals do not matter
    HAS = "has"  # one of the words of a text, whole


@record(kw_only=False)
class Filter:
    """One condition.

    Attributes:
        field: what is compared.
        op: how.
        value: with what, as text; "" is nothing where a field may be nothing.
    """

    field: str
    op: Op
    value: str


@record
class Query:
    """What list to make.

    Attributes:
        filters: all must hold.
        sort: field to order by; the id decides between equals.
        descending: the other way round.
        limit: rows of a page, 1 to 1000.
        cursor: of the page before; "" for the first page.
    """

    filters: tuple[Filter, ...] = ()
    sort: str = ""
    descending: bool = False
    limit: int = 100
    cursor: str = ""


class Page(Generic[T]):
    """A part of a list.

    Attributes:
        items: in order.
        cursor: where the next page begins; "" when this is the last.
    """

    __slots__ = ("cursor", "items")

    def __init__(self, items: tuple[T, ...], cursor: str) -> None:
        self.items = items
        self.cursor = cursor


def condition(one: Filter, fields: Mapping[str, ColumnElement[Any]]) -> ColumnElement[bool]:
    """SQL of a filter.

    Raises:
        BadQuery: an unknown field, or a value that its field cannot have.
    """
    column = fields.get(one.field)
    if column is None:
        raise _bad("field", one.field, "there is none of this name", fields)
    if len(one.value) > VALUE_MAX or not storable(one.value):
        raise _bad("value", one.value[:64], f"at most {VALUE_MAX} characters that can be kept", fields)
    if one.op in (Op.LIKE, Op.HAS):
        return _matching(one, column, fields)
    value = _typed(one, column)
    return _compared(column, one.op, value)


def after(
    query: Query, column: ColumnElement[Any], identity: ColumnElement[Any]
) -> ColumnElement[bool] | None:
    """SQL of where a page begins; None for the first.

    Raises:
        BadQuery: the cursor belongs to another list, or is none.
    """
    if not query.cursor:
        return None
    sort, descending, value, last = _read(query.cursor)
    if sort != query.sort or descending is not query.descending:
        problem = f"it belongs to a list in the order of {sort or 'another field'}"
        raise BadQuery(
            part="cursor", value=query.cursor[:64], problem=problem, known="ask for the first page"
        )
    if isinstance(column.type, Integer | Double) is isinstance(value, str):
        raise _no_cursor(query.cursor)
    here, there = tuple_(column, identity), tuple_(value, last)
    return here < there if query.descending else here > there


def cursor(query: Query, value: Any, last: str) -> str:
    """The cursor behind a row.

    Args:
        query: of the list.
        value: of the row's sort field.
        last: its id.
    """
    text = json.dumps([query.sort, query.descending, value, last], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def check(query: Query) -> None:
    """Raise `BadQuery` for a page or a number of filters that cannot be."""
    if not 1 <= query.limit <= PAGE_MAX:
        raise BadQuery(part="limit", value=query.limit, problem="out of range", known=f"1 to {PAGE_MAX}")
    if len(query.filters) > FILTERS_MAX:
        count = len(query.filters)
        raise BadQuery(part="filters", value=count, problem="too many", known=f"at most {FILTERS_MAX}")


def all_of(conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """All conditions together; at least one."""
    return and_(*conditions)


def _compared(column: ColumnElement[Any], op: Op, value: Any) -> ColumnElement[bool]:
    nullable = bool(getattr(column, "nullable", False))
    if op in (Op.IS, Op.IS_NOT) and value == "" and nullable:
        return column.is_(None) if op is Op.IS else column.is_not(None)
    if op is Op.IS_NOT and nullable:
        return or_(column.is_(None), column != value)
    found: ColumnElement[bool] = _COMPARE[op](column, value)
    return found


def _matching(
    one: Filter, column: ColumnElement[Any], fields: Mapping[str, ColumnElement[Any]]
) -> ColumnElement[bool]:
    if isinstance(column.type, Choice | Integer | Double | Boolean):
        raise _bad("filter", f"{one.field} {one.op}", "it is for texts only", fields)
    escaped = one.value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    if one.op is Op.HAS:
        if not one.value or any(char.isspace() for char in one.value):
            raise _bad("value", one.value, "one word is looked for", fields)
        return column.like(f"% {escaped} %", escape="\\")
    return column.ilike(escaped.replace("*", "%"), escape="\\")


def _typed(one: Filter, column: ColumnElement[Any]) -> Any:
    """The value as its column has it."""
    kind = column.type
    try:
        if isinstance(kind, Choice):
            return kind.choices(one.value)
        if isinstance(kind, Boolean):
            return {"true": True, "false": False}[one.value]
        if isinstance(kind, Double):
            return _finite(one.value)
        if isinstance(kind, Integer):
            return _number(one.value)
    except (ValueError, KeyError):
        known = ", ".join(kind.choices) if isinstance(kind, Choice) else type(kind).__name__.lower()
        raise BadQuery(
            part=one.field, value=one.value, problem="it cannot have this value", known=f"possible: {known}"
        ) from None
    return one.value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _number(text: str) -> int:
    if len(text) > 20:
        raise ValueError(text)
    value = int(text)
    if abs(value) > _NUMBER_MAX:
        raise ValueError(text)
    return value


def _read(text: str) -> tuple[str, bool, str | float, str]:
    if len(text) > _CURSOR_MAX:
        raise _no_cursor(text)
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        sort, descending, value, last = found
    except (ValueError, TypeError, RecursionError):
        raise _no_cursor(text) from None
    numeric = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _NUMBER_MAX
    texts = [one for one in (sort, last, value) if not (one is value and numeric)]
    if not isinstance(descending, bool) or not all(isinstance(one, str) and storable(one) for one in texts):
        raise _no_cursor(text)
    return sort, descending, value, last


def _no_cursor(text: str) -> BadQuery:
    return BadQuery(part="cursor", value=text[:64], problem="it is none", known="use one that a list gave")


def _bad(part: str, value: str, problem: str, fields: Mapping[str, Any]) -> BadQuery:
    return BadQuery(part=part, value=value, problem=problem, known=f"fields: {', '.join(sorted(fields))}")
