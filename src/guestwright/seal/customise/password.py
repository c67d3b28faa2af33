"""Passwords in /etc/shadow."""

from __future__ import annotations

from collections.abc import Iterator

from guestwright.seal.changes import Change
from guestwright.seal.customise.directives import LockAccount, SetPassword
from guestwright.seal.customise.looking import content, put
from guestwright.seal.guest import Guest
from guestwright.seal.passwords import shadow
from guestwright.seal.passwords.errors import NoShadowFile, UserUnknown
from guestwright.seal.passwords.hashing import check_guest

SHADOW = "/etc/shadow"


def plan_password(directive: SetPassword, guest: Guest) -> Iterator[Change]:
    """Set a user's password field.

    Raises:
        NoShadowFile: the guest has no /etc/shadow.
        UserUnknown: no such user in it.
        HashUnsupported: the guest cannot verify this kind of hash.
    """
    data = _shadow(guest)
    check_guest(guest, directive.hash.lstrip("!"))
    new = shadow.set_password(data, directive.user, directive.hash, directive.day)
    yield from _write(guest, new, directive.user, "password as asked for")


def plan_lock(directive: LockAccount, guest: Guest) -> Iterator[Change]:
    """Lock a user's password; errors as in `plan_password`."""
    new = shadow.lock(_shadow(guest), directive.user)
    yield from _write(guest, new, directive.user, "account locked as asked for")


def _shadow(guest: Guest) -> bytes:
    data = content(guest.fs, SHADOW)
    if data is None:
        raise NoShadowFile
    return data


def _write(guest: Guest, data: bytes | None, user: str, what: str) -> Iterator[Change]:
    if data is None:
        raise UserUnknown(user=user, file=SHADOW)
    yield from put(guest.fs, SHADOW, data, mode=0o640, secret=True, reason=f"{user}: {what}")
