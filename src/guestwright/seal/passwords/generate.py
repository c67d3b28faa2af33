"""Passwords made by us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guestwright.base.secret import Secret

ALPHABET: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Letters and digits that cannot be taken for one another: no l, o, I, O, 0, 1."""

LENGTH: Final = 20
_FAIR: Final = 256 - 256 % len(ALPHABET)


def random_password(random_bytes: Callable[[int], bytes]) -> Secret:
    """Make a password of 20 characters (116 bits).

    Args:
        random_bytes: gives so many bytes from a cryptographic source (`os.urandom`, `secrets.token_bytes`).
    """
    text = ""
    while len(text) < LENGTH:
        fair = [
            byte for byte in random_bytes(2 * LENGTH) if byte < _FAIR
        ]  # no character likelier than others
        text += "".join(ALPHABET[byte % len(ALPHABET)] for byte in fair)
    return Secret(text[:LENGTH])
