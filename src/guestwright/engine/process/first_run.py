"""The first administrator, and the token with which the command line on this machine comes in.

Theory of operation: an engine without users gets an administrator whose password is random and told once.
Whoever starts the engine on this machine owns its database, so a token is made for them at each start that
finds no good one in `admin.token` (mode 0600). So a run that was killed between any two steps is made good by
the next one, and a token that is about to end is replaced. Several engines on one database have a token each.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from collections.abc import Callable
from typing import Final

from guestwright.base.record import record
from guestwright.base.secret import Secret
from guestwright.engine.accounts.errors import AccountError
from guestwright.engine.accounts.rights import Principal
from guestwright.engine.accounts.tokens import Tokens
from guestwright.engine.accounts.users import Users, principal
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.query import Filter, Op
from guestwright.host.enrol.files import read_whole, write_whole

ADMIN: Final = "admin"
_YEAR: Final = 365 * 86400.0
_RENEW: Final = 30 * 86400.0


@record
class Begun:
    """Who may come in.

    Attributes:
        name: of the administrator.
        token: for the command line.
        password: of an administrator that was made just now; None otherwise.
        issued: whether the token is new.
    """

    name: str
    token: Secret
    password: Secret | None
    issued: bool


def begin(
    database: Database,
    users: Users,
    tokens: Tokens,
    path: str,
    *,
    randomness: Callable[[int], bytes] = os.urandom,
) -> Begun | None:
    """Make sure of both.

    Args:
        database: the inventory.
        users: of this installation.
        tokens: likewise.
        path: of the file with the token.
        randomness: so many bytes, cryptographic.

    Returns:
        Them; None when somebody else is administrator: then they give out tokens.
    """
    password: Secret | None = None
    with database.read() as tx:
        empty = not tx.users.count()
    if empty:
        password = Secret(base64.urlsafe_b64encode(randomness(18)).decode())
        users.begin(ADMIN, password)
    with database.write() as tx:
        owner = tx.users.named(ADMIN)
        if (
            owner is not None
            and not tx.tokens.count(Filter("user_id", Op.IS, owner.id))
            and not os.path.exists(path)
        ):
            # Nobody has come in yet. The owner of the machine owns what is in it.
            owner = tx.users.change(owner.id, None, payload_contents=True, guest_exec=True)
            tx.audit.write("user-changed", actor="", subject=ADMIN, detail={"first": True})
        if owner is None or owner.role is not Role.ADMIN or not owner.enabled:
            return None
    who = principal(owner, "")
    present = _present(database, tokens, path)
    if present is not None:
        return Begun(name=owner.name, token=present, password=password, issued=False)
    text = _issued(database, tokens, who, path)
    write_whole(path, text.reveal().encode() + b"\n")
    return Begun(name=owner.name, token=text, password=password, issued=True)


def _present(database: Database, tokens: Tokens, path: str) -> Secret | None:
    """The token in the file, if it is good for a while."""
    try:
        text = Secret((read_whole(path) or b"").decode("ascii", "replace").strip())
    except OSError:
        return None
    if not text.reveal():
        return None
    try:
        found = tokens.accept(text, "")
    except AccountError:
        return None
    with database.read() as tx:
        good = tx.tokens.get(found.token).expires - tx.now > _RENEW
    return text if good else None


def _issued(database: Database, tokens: Tokens, who: Principal, path: str) -> Secret:
    """A new token in place of those of this engine that were lost or end soon."""
    place = hashlib.sha256(f"{socket.gethostname()}:{os.path.realpath(path)}".encode())
    name = f"this machine {place.hexdigest()[:12]}"
    with database.read() as tx:
        former = tx.tokens.all(Filter("user_id", Op.IS, who.user), Filter("name", Op.IS, name))
    for one in former:
        tokens.revoke(who, one.id)
    _, text = tokens.issue(
        who,
        name,
        _YEAR,
        payload_contents=who.payload_contents,
        guest_exec=who.guest_exec,
    )
    return text
