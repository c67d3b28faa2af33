"""Values as they stand in the store: printable, on one line, bounded."""

from __future__ import annotations

SIZE_MAX = 255  # bytes; far below the 2048 of a node
TOKEN_MAX = 64
_TOKEN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_DECIMAL = frozenset("0123456789")


def text(value: str, size: int = SIZE_MAX) -> bytes:
    """UTF-8 without control characters, cut between two characters; b"" when nothing is left.

    Args:
        value: anything that the guest's system said.
        size: most bytes.
    """
    if not value.isprintable():
        value = "".join(one if one.isprintable() else "?" for one in value[: size + 64])
    found = value.strip().encode("utf-8", "replace")
    if len(found) > size:
        found = found[:size].decode("utf-8", "ignore").encode("utf-8")
    return found


def token(value: str) -> bytes:
    """Lower-case letters, digits, ".", "_" and "-"; anything else is left out."""
    return "".join(one for one in value.lower()[:TOKEN_MAX] if one in _TOKEN).encode("ascii")


def digits(value: str) -> bytes:
    """A decimal number that readers convert; b"" for anything else."""
    return value.encode("ascii") if 0 < len(value) <= 9 and _DECIMAL.issuperset(value) else b""


def is_name(value: str) -> bool:
    """Whether this may be a segment of a path: what xenstore admits, without "@", and not long."""
    return 0 < len(value) <= TOKEN_MAX and _NAME.issuperset(value)
