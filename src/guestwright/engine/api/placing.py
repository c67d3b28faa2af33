"""Where the bytes of an upload's request belong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record
from guestwright.host.api.transfer import given_start

_TOTAL: Final = re.compile(r"/([0-9]{1,19})\s*$")


@record
class Place:
    """A place in what is uploaded: its `start`, and how many bytes are announced, None without a word."""

    start: int
    length: int | None


def place_of(
    headers: Mapping[str, str], operation: str, size: int, outside: Callable[[str], GuestwrightError]
) -> Place:
    """Read `Content-Range` (RFC 9110, 14.4); without it the bytes begin at 0.

    Args:
        headers: of the request.
        operation: its name.
        size: bytes of all that is uploaded.
        outside: makes the error of a range that does not lie within, of the problem in words.

    Raises:
        BadRequest: it is no range. And what `outside` makes.
    """
    start, length = given_start(headers, operation)
    total = _TOTAL.search(headers.get("content-range", ""))
    if total is not None and int(total[1]) != size:
        raise outside("Content-Range has another size")
    if start >= size or start + (length or 0) > size:
        raise outside("the range ends behind it")
    return Place(start=start, length=length)
