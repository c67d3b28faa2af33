"""Names of many machines by a pattern: `web-{n}`, `db-{n:03}`. Pure."""

from __future__ import annotations

import re
from typing import Final

from guestwright.engine.templates.errors import BadTemplateRequest
from guestwright.engine.templates.request import check_name

COUNT_MAX: Final = 1000
"""Machines in one request."""
FIRST_MAX: Final = 10**9
_PLACE: Final = re.compile(r"\{n(?::0?([1-9]))?\}")


def names(pattern: str, count: int, first: int = 1) -> tuple[str, ...]:
    """The names that a pattern stands for.

    Args:
        pattern: with one `{n}`, or `{n:03}` for at least three digits; it may have none when `count` is 1.
        count: how many, 1 to 1000.
        first: number of the first one, from 0.

    Raises:
        BadTemplateRequest: the pattern, the numbers, or a name that comes of them.
    """
    if not 1 <= count <= COUNT_MAX:
        raise BadTemplateRequest(field="count", problem=f"1 to {COUNT_MAX} machines can be made at once")
    if not 0 <= first <= FIRST_MAX:
        raise BadTemplateRequest(field="first", problem=f"the first number is 0 to {FIRST_MAX}")
    places = list(_PLACE.finditer(pattern))
    plain = _PLACE.sub("", pattern)
    if len(places) > 1 or "{" in plain or "}" in plain:
        raise BadTemplateRequest(field="name", problem="{n} or {n:03} stands for the number, once")
    if not places and count > 1:
        raise BadTemplateRequest(field="name", problem="{n} must stand where the number is to be")
    found: tuple[str, ...] = (pattern,)
    if places:
        start, end = places[0].span()
        width = int(places[0].group(1) or 1)
        found = tuple(f"{pattern[:start]}{first + n:0{width}}{pattern[end:]}" for n in range(count))
    check_name("name", found[-1])
    check_name("name", found[0])
    return found
