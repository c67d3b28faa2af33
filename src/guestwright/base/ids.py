"""Identifiers: sortable, unguessable, and made from values that the caller passes in."""

from __future__ import annotations

from typing import Final, NewType

RunId = NewType("RunId", str)

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_TIME_CHARS: Final = 10
_RANDOM_BYTES: Final = 10


def new_run_id(now: float, randomness: bytes) -> RunId:
    """Make an id for one run of a job: time first, so that ids sort by age.

    Args:
        now: seconds since the epoch.
        randomness: 10 bytes from a cryptographic source.

    Returns:
        26 characters of Crockford base 32: 48 bits of milliseconds, then 80 random bits (the layout of ULID).

    Raises:
        ValueError: when `randomness` is not 10 bytes or `now` is outside 1970..10889.
    """
    millis = int(now * 1000)
    if len(randomness) != _RANDOM_BYTES or not 0 <= millis < 1 << 48:
        raise ValueError("a run id takes a time since 1970 and 10 random bytes")
    head = _encode(millis, _TIME_CHARS)
    return RunId(head + _encode(int.from_bytes(randomness, "big"), 16))


def _encode(value: int, length: int) -> str:
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range((length - 1) * 5, -1, -5))
