"""Tokens for programs and sessions: shown once, kept as a hash, with an end, and no more rights than asked.

Theory of operation: a token is `gwt_<id>_<secret>`; the secret has 256 random bits, so a plain SHA-256 of it
is enough to keep (there is nothing to guess), and the id finds the row without comparing secrets in SQL. A
token may do what its row and its user's row both allow at the moment of the call.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Callable
from typing import Final

from guestwright.base.secret import Secret
from guestwright.engine.accounts import failures
from guestwright.engine.accounts.errors import BadToken, MayNot, TokenRefused
from guestwright.engine.accounts.rights import Principal, Right, covers, lesser
from guestwright.engine.accounts.slowing import Scope
from guestwright.engine.inventory.choices import Outcome, Role
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.ids import new_id
from guestwright.engine.inventory.model import Token, User
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.tables import tokens
from guestwright.engine.inventory.transaction import Transaction

LONGEST: Final = 366 * 86400.0
"""Seconds that a token may live."""
PER_USER: Final = 100
_TEXT: Final = re.compile(r"gwt_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@:-]{0,63}")
_USED_STEP: Final = 60.0
_REMOTE_MAX: Final = 64
_COUNTED: Final = (Scope.REMOTE,)


class Tokens:
    """The tokens of all users.

    Args:
        database: where they are.
        randomness: so many bytes, cryptographic.
    """

    def __init__(self, database: Database, randomness: Callable[[int], bytes] = os.urandom) -> None:
        self._database = database
        self._randomness = randomness

    def issue(
        self,
        by: Principal,
        name: str,
        seconds: float,
        *,
        role: Role | None = None,
        payload_contents: bool = False,
        guest_exec: bool = False,
    ) -> tuple[Token, Secret]:
        """Make a token for the caller.

        Args:
            by: whose.
            name: by which they know it.
            seconds: how long it lives.
            role: at most the caller's; None: the caller's.
            payload_contents: whether it may read payloads; only if the caller may.
            guest_exec: whether it may reach into guests; only if the caller may.

        Returns:
            The token, and its text, which cannot be had again.

        Raises:
            MayNot, BadToken, NameTaken: it was not made.
        """
        role = by.role if role is None else role
        _check(by, name, seconds, role, payload_contents=payload_contents, guest_exec=guest_exec)
        secret = base64.urlsafe_b64encode(self._randomness(32)).decode().rstrip("=")
        with self._database.write() as tx:
            _expire(tx, by.user)
            if tx.tokens.count(Filter("user_id", Op.IS, by.user)) >= PER_USER:
                raise BadToken(name=name, problem=f"{PER_USER} are the most; revoke some")
            token = tx.tokens.add(
                Token(
                    id=new_id(tx.now, self._randomness(10)),
                    user_id=by.user,
                    name=name,
                    role=role,
                    digest=_digest(secret),
                    expires=tx.now + seconds,
                    payload_contents=payload_contents,
                    guest_exec=guest_exec,
                )
            )
            detail = {"role": role, "payload_contents": payload_contents, "guest_exec": guest_exec}
            detail |= {"name": name, "expires": token.expires}
            tx.audit.write("token-issued", actor=by.name, remote=by.remote, subject=token.id, detail=detail)
        return token, Secret(f"gwt_{token.id}_{secret}")

    def accept(self, text: Secret, remote: str) -> Principal:
        """Who somebody is, by a token.

        Args:
            text: as given.
            remote: address of the caller; "" for this machine.

        Raises:
            TokenRefused: nobody, whatever the cause.
            TooManyAttempts: too many tokens from this address were wrong; good ones are accepted still.
        """
        remote = remote[:_REMOTE_MAX]
        parts = _TEXT.fullmatch(text.reveal())
        if parts is not None:
            with self._database.read() as tx:
                token = tx.tokens.find(parts[1])
                good = token is not None and hmac.compare_digest(token.digest, _digest(parts[2]))
                user = tx.users.find(token.user_id) if good and token is not None else None
            if token is not None and user is not None and user.enabled and token.expires > tx.now:
                self._use(token, tx.now)
                return _principal(token, user, remote)
        with self._database.write() as tx:
            failures.begin(tx, "", remote, _COUNTED)
            tx.audit.write("token", actor="", remote=remote, outcome=Outcome.DENIED)
        raise TokenRefused

    def of(self, by: Principal, user: str) -> tuple[Token, ...]:
        """The tokens of a user; of others for those who may change users.

        Raises:
            MayNot: they may not.
        """
        by.require(Right.OWN_TOKENS if by.user == user else Right.USERS)
        with self._database.read() as tx:
            return tx.tokens.all(Filter("user_id", Op.IS, user))

    def revoke(self, by: Principal, token: str) -> None:
        """End a token.

        Raises:
            MayNot: it is somebody else's.
            NotInInventory: there is none.
        """
        with self._database.write() as tx:
            found = tx.tokens.get(token)
            by.require(Right.OWN_TOKENS if by.user == found.user_id else Right.USERS)
            tx.tokens.remove(token)
            tx.audit.write("token-revoked", actor=by.name, remote=by.remote, subject=token)

    def _use(self, token: Token, now: float) -> None:
        """Note that a token was used; once a minute is enough, and no change that anybody has to hear of."""
        if now - token.used >= _USED_STEP:
            with self._database.write() as tx:
                used = tokens.update().where(tokens.c.id == token.id).values(used=now)
                tx.connection.execute(used)


def _check(
    by: Principal, name: str, seconds: float, role: Role, *, payload_contents: bool, guest_exec: bool
) -> None:
    """Raise `MayNot` or `BadToken` unless a caller may have such a token."""
    by.require(Right.OWN_TOKENS)
    if not covers(by.role, role):
        raise MayNot(name=by.name, right=role)
    for wanted, right in ((payload_contents, Right.PAYLOAD_CONTENTS), (guest_exec, Right.GUEST_EXEC)):
        if wanted:
            by.require(right)
    if not _NAME.fullmatch(name):
        raise BadToken(name=name[:64], problem="a name has 1 to 64 letters, digits, blanks and . _ @ : -")
    if not 0 < seconds <= LONGEST:
        raise BadToken(name=name, problem=f"it may live up to {LONGEST:.0f} s")


def _expire(tx: Transaction, user: str) -> None:
    tx.connection.execute(tokens.delete().where(tokens.c.user_id == user, tokens.c.expires <= tx.now))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _principal(token: Token, user: User, remote: str) -> Principal:
    return Principal(
        user=user.id,
        name=user.name,
        role=lesser(token.role, user.role),
        payload_contents=token.payload_contents and user.payload_contents,
        guest_exec=token.guest_exec and user.guest_exec,
        token=token.id,
        remote=remote,
    )
