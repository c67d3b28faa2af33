"""Sizes with units as descriptors write them (DSP0004, annex C), old short words too. Pure."""

from __future__ import annotations

import re
from typing import Final

from guestwright.ovf.errors import BadDescriptor

SIZE_MAX: Final = 1 << 60
_PROGRAMMATIC: Final = re.compile(r"bytes?\s*(?:\*\s*(2|10)\s*\^\s*(\d{1,2}))?", re.IGNORECASE)
_WORDS: Final = {
    "kilobytes": 10,
    "kb": 10,
    "megabytes": 20,
    "mb": 20,
    "gigabytes": 30,
    "gb": 30,
    "terabytes": 40,
    "tb": 40,
}


def unit(text: str) -> int:
    """Bytes of one unit: `byte * 2^20`, `MegaBytes`; "" is bytes.

    Raises:
        BadDescriptor: it is none.
    """
    plain = text.strip()
    if not plain:
        return 1
    if plain.lower() in _WORDS:
        return 1 << _WORDS[plain.lower()]
    found = _PROGRAMMATIC.fullmatch(plain)
    if found is None:
        raise BadDescriptor(problem=f"{plain[:40]!r} is no unit of sizes")
    base, power = found.groups()
    return int(base) ** int(power) if base else 1


def size(number: str, units: str, what: str) -> int:
    """Bytes.

    Args:
        number: how many.
        units: of what.
        what: has this size, for errors.

    Raises:
        BadDescriptor: it is no size, or none that there is.
    """
    found = whole(number, what) * unit(units)
    if found > SIZE_MAX:
        raise BadDescriptor(problem=f"{what}: {found} bytes are too many")
    return found


def whole(number: str, what: str) -> int:
    """A number from 0.

    Raises:
        BadDescriptor: it is none.
    """
    plain = number.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 20):
        raise BadDescriptor(problem=f"{what}: {plain[:40]!r} is no number")
    return int(plain)
