"""Edits of /etc/shadow (shadow(5)): one field of one user, everything else byte for byte as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

PASSWORD: Final = 1
LAST_CHANGE: Final = 2

Edit = Callable[[bytes], bytes]


def set_password(data: bytes, user: str, password: str, day: int) -> bytes | None:
    """Put a hash, or another value, in a user's password field.

    Args:
        data: content of /etc/shadow.
        user: account name.
        password: the field's new content: crypt(5) text, "*", "!*"…
        day: days since 1970-01-01, for the field "last change"; used only when the password field changes.

    Returns:
        The new content; None when there is no such user.
    """
    return _edit(data, user, lambda _: password.encode("ascii"), day)


def lock(data: bytes, user: str) -> bytes | None:
    """Put "!" before a user's password field unless it begins so already; None when there is no such user."""
    return _edit(data, user, lambda old: old if old.startswith(b"!") else b"!" + old, None)


def _edit(data: bytes, user: str, edit: Edit, day: int | None) -> bytes | None:
    """Edit every line of the user: a second one would keep the old password in the template."""
    name = user.encode("utf-8", "surrogateescape")
    lines = data.splitlines(keepends=True)
    found = False
    for number, line in enumerate(lines):
        body = line.rstrip(b"\r\n")
        fields = body.split(b":")
        if fields[0] != name or len(fields) <= PASSWORD:
            continue
        found = True
        new = edit(fields[PASSWORD])
        if new == fields[PASSWORD]:
            continue
        fields[PASSWORD] = new
        if day is not None and len(fields) > LAST_CHANGE:
            fields[LAST_CHANGE] = str(day).encode("ascii")
        lines[number] = b":".join(fields) + line[len(body) :]
    return b"".join(lines) if found else None
