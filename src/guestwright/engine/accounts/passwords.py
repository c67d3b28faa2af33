"""Passwords as Argon2id hashes (RFC 9106). A hash holds its parameters, so that they can be raised later."""

from __future__ import annotations

import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from guestwright.base.secret import Secret
from guestwright.engine.accounts.errors import BadPassword

LEAST: Final = 12
MOST: Final = 1024
"""Characters: a limit, so that nobody has us hash megabytes."""
_AT_ONCE: Final = 2


class Passwords:
    """Hashes and judges passwords; at most two at once, because each takes 64 MiB.

    Args:
        hasher: with other parameters than RFC 9106's second choice (64 MiB, 3 passes, 4 lanes).
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._place = threading.BoundedSemaphore(_AT_ONCE)
        self._nobody = self._hasher.hash("nobody's")

    def made(self, password: Secret) -> str:
        """The hash of a new password.

        Raises:
            BadPassword: it is too short or too long, or no text.
        """
        text = password.reveal()
        if not LEAST <= len(text) <= MOST:
            raise BadPassword(problem=f"it has {len(text)} characters", least=LEAST, most=MOST)
        if not _is_text(text):
            raise BadPassword(problem="it holds half of a surrogate pair", least=LEAST, most=MOST)
        with self._place:
            return self._hasher.hash(text)

    def right(self, hashed: str | None, password: Secret) -> bool:
        """Whether a password is the one.

        Args:
            hashed: its hash; None when there is no such user, which takes as long.
            password: what was given.
        """
        text = password.reveal()
        if len(text) > MOST or not _is_text(text):
            return False
        with self._place:
            try:
                self._hasher.verify(hashed or self._nobody, text)
            except (VerificationError, InvalidHashError):
                return False
        return hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Whether a hash was made with other parameters than the present ones."""
        return self._hasher.check_needs_rehash(hashed)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
