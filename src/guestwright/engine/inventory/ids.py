"""Ids of things: UUIDs that sort by age, made from values that the caller passes in."""

from __future__ import annotations

from typing import Final

_RANDOM_BYTES: Final = 10
_DIGITS: Final = 9  # both databases keep these in 32 bits


def new_id(now: float, randomness: bytes) -> str:
    """An id.

    Args:
        now: seconds since 1970.
        randomness: 10 bytes from a cryptographic source.

    Returns:
        A UUID of version 7 in lower case (RFC 9562, 5.7): 48 bits of milliseconds, 74 random bits.

    Raises:
        ValueError: when `randomness` is not 10 bytes, or `now` is outside 1970 to 10889.
    """
    millis = int(now * 1000)
    if len(randomness) != _RANDOM_BYTES or not 0 <= millis < 1 << 48:
        raise ValueError("an id takes a time since 1970 and 10 random bytes")
    random = int.from_bytes(randomness, "big")
    value = millis << 80 | random
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def number_of(text: str) -> int | None:
    """The number of a version that a caller names; None for what cannot be one."""
    plain = text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return int(text) if plain else None
