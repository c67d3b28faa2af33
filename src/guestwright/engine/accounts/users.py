"""Local users: made, changed, removed, logged in."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import select

from guestwright.base.secret import Secret
from guestwright.engine.accounts import failures
from guestwright.engine.accounts.errors import AlreadyBegun, BadUserName, LastAdmin, LoginRefused
from guestwright.engine.accounts.passwords import Passwords
from guestwright.engine.accounts.rights import Principal, Right
from guestwright.engine.inventory.choices import Outcome, Role
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.ids import new_id
from guestwright.engine.inventory.model import User
from guestwright.engine.inventory.tables import tokens, users
from guestwright.engine.inventory.transaction import Transaction

NAME_MAX: Final = 64
_NAME: Final = re.compile(rf"[a-z0-9][a-z0-9._@-]{{0,{NAME_MAX - 1}}}")
_CHANGES: Final = frozenset({"full_name", "role", "payload_contents", "guest_exec", "enabled"})
_REMOTE_MAX: Final = 64


class Users:
    """The users of an installation.

    Args:
        database: where they are.
        passwords: how passwords are kept.
        randomness: so many bytes, cryptographic.
    """

    def __init__(
        self, database: Database, passwords: Passwords, randomness: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._randomness = randomness

    def begin(self, name: str, password: Secret) -> User:
        """Make the first user, an administrator, when there is none.

        Raises:
            AlreadyBegun: there are users.
            BadUserName, BadPassword: it was not made.
        """
        check_name(name)
        hashed = self._passwords.made(password)
        with self._database.write() as tx:
            if tx.users.count():
                raise AlreadyBegun
            user = tx.users.add(self._new(tx, name, Role.ADMIN, hashed))
            tx.audit.write("user-added", actor="", subject=name, detail={"role": Role.ADMIN, "first": True})
            return user

    def add(self, by: Principal, name: str, password: Secret, role: Role, **more: Any) -> User:
        """Make a user.

        Args:
            by: who does it.
            name: of the user.
            password: of the user.
            role: of the user.
            more: `full_name`, `payload_contents`, `guest_exec`, `enabled`.

        Raises:
            MayNot, BadUserName, BadPassword, NameTaken, BrokenRule: it was not made.
        """
        by.require(Right.USERS)
        check_name(name)
        if more.keys() - _CHANGES:
            raise ValueError(f"no fields of a user: {sorted(more.keys() - _CHANGES)}")
        hashed = self._passwords.made(password)
        with self._database.write() as tx:
            user = tx.users.add(self._new(tx, name, role, hashed, **more))
            detail = {"role": role, **_shown(more)}
            tx.audit.write("user-added", actor=by.name, remote=by.remote, subject=name, detail=detail)
            return user

    def change(self, by: Principal, user: str, version: int | None, **values: Any) -> User:
        """Change a user's name for people, role, rights, or whether they may log in.

        Raises:
            LastAdmin: nobody would be left who could change users.
            MayNot, NotInInventory, ChangedMeanwhile, BrokenRule: it was not changed.
        """
        by.require(Right.USERS)
        if values.keys() - _CHANGES:
            raise ValueError(f"not to be changed like this: {sorted(values.keys() - _CHANGES)}")
        with self._database.write() as tx:
            if values.get("role", Role.ADMIN) != Role.ADMIN or not values.get("enabled", True):
                _others_rule(tx, tx.users.get(user))
            changed = tx.users.change(user, version, **values)
            detail = _shown(values)
            tx.audit.write(
                "user-changed", actor=by.name, remote=by.remote, subject=changed.name, detail=detail
            )
            return changed

    def remove(self, by: Principal, user: str, version: int | None = None) -> None:
        """Remove a user and their tokens; machines that they own stay.

        Raises:
            LastAdmin, MayNot, NotInInventory, ChangedMeanwhile: they were not removed.
        """
        by.require(Right.USERS)
        with self._database.write() as tx:
            gone = tx.users.get(user)
            _others_rule(tx, gone)
            tx.users.remove(user, version)
            tx.audit.write("user-removed", actor=by.name, remote=by.remote, subject=gone.name)

    def set_password(self, by: Principal, user: str, new: Secret, *, old: Secret | None = None) -> None:
        """Give a user another password; all their tokens end.

        Args:
            by: an administrator, or the user.
            user: id.
            new: the password.
            old: the present one, which users must give for their own; wrong ones count as failed logins.

        Raises:
            MayNot, LoginRefused, TooManyAttempts, BadPassword, NotInInventory: it was not changed.
        """
        if by.user == user:
            by.require(Right.OWN_TOKENS)
            self.login(by.name, old or Secret(""), by.remote)
        else:
            by.require(Right.USERS)
        hashed = self._passwords.made(new)
        with self._database.write() as tx:
            changed = tx.users.change(user, None, password=hashed)
            tx.connection.execute(tokens.delete().where(tokens.c.user_id == user))
            tx.audit.write("password-changed", actor=by.name, remote=by.remote, subject=changed.name)

    def login(self, name: str, password: Secret, remote: str) -> Principal:
        """Who somebody is, by name and password.

        Args:
            name: as given.
            password: as given.
            remote: address of the caller; "" for this machine.

        Raises:
            LoginRefused: nobody, whatever the cause; it takes as long for a name that nobody has.
            TooManyAttempts: not before some seconds have passed.
        """
        name, remote = name[:NAME_MAX].lower(), remote[:_REMOTE_MAX]
        if not _NAME.fullmatch(name):
            name = "?"  # all that are no names count together
        with self._database.write() as tx:
            failures.begin(tx, name, remote)
            user = tx.users.named(name)
        right = self._passwords.right(None if user is None else user.password, password)
        if user is None or not right or not user.enabled:
            with self._database.write() as tx:
                tx.audit.write("login", actor=name, remote=remote, outcome=Outcome.DENIED)
            raise LoginRefused
        again = self._passwords.made(password) if self._passwords.outdated(user.password) else ""
        with self._database.write() as tx:
            failures.good(tx, name, remote)
            if again:
                tx.connection.execute(users.update().where(users.c.id == user.id).values(password=again))
            tx.audit.write("login", actor=name, remote=remote)
        return principal(user, remote)

    def _new(self, tx: Transaction, name: str, role: Role, hashed: str, **more: Any) -> User:
        return User(id=new_id(tx.now, self._randomness(10)), name=name, role=role, password=hashed, **more)


def principal(user: User, remote: str) -> Principal:
    """A user as a caller with all their rights."""
    return Principal(
        user=user.id,
        name=user.name,
        role=user.role,
        payload_contents=user.payload_contents,
        guest_exec=user.guest_exec,
        remote=remote,
    )


def check_name(name: str) -> None:
    """Raise `BadUserName` unless a user can have this name."""
    if not _NAME.fullmatch(name):
        raise BadUserName(name=name[:NAME_MAX])


def _others_rule(tx: Transaction, user: User) -> None:
    """Raise `LastAdmin` if nobody else could change users; who looks holds all administrators."""
    rule = select(users.c.id).where(users.c.role == Role.ADMIN, users.c.enabled).order_by(users.c.id)
    rulers = set(tx.connection.scalars(rule.with_for_update()))
    if rulers <= {user.id}:
        raise LastAdmin(name=user.name)


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "full_name"}
