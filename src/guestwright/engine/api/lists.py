"""Lists: what is asked of them, and what they answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import msgspec

from guestwright.engine.api.endpoint import Call
from guestwright.engine.inventory.errors import ChangedMeanwhile
from guestwright.engine.inventory.model import Thing
from guestwright.engine.inventory.query import PAGE_MAX, Filter, Op, Page, Query
from guestwright.http_api.errors import BadRequest
from guestwright.http_api.shapes import shaped

T = TypeVar("T", bound=Thing)
R = TypeVar("R", bound=msgspec.Struct)

Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)]
_FILTER: Final = re.compile(r"([a-z_]{1,64})(!=|<=|>=|=|<|>|~|:has:)(.*)", re.DOTALL)


class ListQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which part of which list.

    Attributes:
        limit: things in a page.
        cursor: `next` of the page before.
        sort: field to order by; "-" before it for the other way round.
        filter: conditions that all must hold, each FIELD, operator, VALUE: =, !=, <, <=, >, >=,
            ~ (`*` stands for anything), :has: (one of the words of a text).
    """

    limit: Limit = 100
    cursor: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    sort: Annotated[str, msgspec.Meta(max_length=65)] = ""
    filter: tuple[Annotated[str, msgspec.Meta(max_length=1200)], ...] = ()


def query_of(asked: ListQuery, *also: Filter) -> Query:
    """A query of the inventory.

    Args:
        asked: by the caller.
        also: further conditions.

    Raises:
        BadRequest: a filter is none.
    """
    filters = []
    for text in asked.filter:
        parts = _FILTER.fullmatch(text)
        if parts is None:
            problem = "a filter is FIELD, one of = != < <= > >= ~ :has:, and VALUE"
            raise BadRequest(what="query", operation="a list", problem=problem)
        filters.append(Filter(parts[1], Op(parts[2].strip(":")), parts[3]))
    return Query(
        filters=(*filters, *also),
        sort=asked.sort.removeprefix("-"),
        descending=asked.sort.startswith("-"),
        limit=asked.limit,
        cursor=asked.cursor,
    )


def shown(kind: type[R], thing: Any) -> R:
    """A thing as the API shows it: what the reply has of its attributes."""
    return shaped(thing, kind, from_attributes=True)


def matching(call: Call, held: T, what: str) -> T:
    """A thing that is held, if it is at the version that `If-Match` names.

    Args:
        call: with the version.
        held: the thing.
        what: it is.

    Raises:
        ChangedMeanwhile: it is at another.
    """
    if call.match is not None and held.version != call.match:
        raise ChangedMeanwhile(what=what, id=held.id, version=call.match)
    return held


def listed(reply: type[R], page: Page[T], show: Callable[[T], Any]) -> R:
    """A page as an answer.

    Args:
        reply: of the answer, with `items` and `next`.
        page: of the inventory.
        show: a thing as the API shows it.
    """
    return reply(items=tuple(map(show, page.items)), next=page.cursor or None)
