"""Who calls: the engine about itself, logging in and out."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Annotated, Final

import msgspec

from guestwright.base.ids import new_run_id
from guestwright.base.record import replace
from guestwright.base.secret import Secret
from guestwright.engine.accounts.errors import BadToken, LoginRefused, TooManyAttempts
from guestwright.engine.accounts.rights import Principal, Right
from guestwright.engine.accounts.tokens import PER_USER
from guestwright.engine.api.endpoint import Call, Endpoint, Pool
from guestwright.engine.api.parts import Parts
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.model import Token

_TAG: Final = "session"
_LOGIN: Final = "login "


class About(msgspec.Struct, frozen=True):
    """The engine.

    Attributes:
        product: "guestwright".
        version: of the program.
        api: of this interface.
        time: of the engine, seconds since 1970.
    """

    product: str
    version: str
    api: str
    time: float


class LoginBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Name and password.

    Attributes:
        name: of the user.
        password: of the user.
    """

    name: Annotated[str, msgspec.Meta(max_length=256)]
    password: Annotated[str, msgspec.Meta(max_length=4096)]


class Whoami(msgspec.Struct, frozen=True):
    """Who calls.

    Attributes:
        user: id.
        name: of the user.
        role: the lesser of the user's and the token's.
        rights: all that they may do with this token.
        token: id of the token.
    """

    user: str
    name: str
    role: Role
    rights: tuple[Right, ...]
    token: str


class LoggedIn(msgspec.Struct, frozen=True):
    """A new token.

    Attributes:
        token: to be sent as `Authorization: Bearer TOKEN`; it cannot be had again.
        user: whose it is.
        expires: seconds since 1970.
    """

    token: str
    user: Whoami
    expires: float


class _Operations:
    """What the table calls."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def about(self, _: Call) -> About:
        now = self._parts.clock()
        return About(product="guestwright", version=version("guestwright"), api="v1", time=now)

    def login(self, call: Call) -> LoggedIn:
        body: LoginBody = call.body
        by = self._parts.users.login(body.name, Secret(body.password), call.remote)
        try:
            token, text = self._issue(by)
        except BadToken:  # too many of them
            self._end_oldest(by)
            token, text = self._issue(by)
        return LoggedIn(token=text.reveal(), user=_whoami(replace(by, token=token.id)), expires=token.expires)

    def whoami(self, call: Call) -> Whoami:
        return _whoami(call.who)

    def logout(self, call: Call) -> None:
        self._parts.tokens.revoke(call.who, call.who.token)

    def _issue(self, by: Principal) -> tuple[Token, Secret]:
        name = _LOGIN + new_run_id(self._parts.clock(), os.urandom(10))
        return self._parts.tokens.issue(
            by,
            name,
            self._parts.session,
            payload_contents=by.payload_contents,
            guest_exec=by.guest_exec,
        )

    def _end_oldest(self, by: Principal) -> None:
        """A new login ends the oldest, so that nobody is shut out by logins that were never logged out."""
        logins = [one for one in self._parts.tokens.of(by, by.user) if one.name.startswith(_LOGIN)]
        for one in sorted(logins, key=lambda token: token.created)[: PER_USER // 10]:
            self._parts.tokens.revoke(by, one.id)


def _whoami(by: Principal) -> Whoami:
    return Whoami(user=by.user, name=by.name, role=by.role, rights=tuple(sorted(by.rights)), token=by.token)


def session_endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        parts: of the engine.
    """
    do = _Operations(parts)
    return (*_open(do), *_logged_in(do))


def _open(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="about",
            method="GET",
            path="/about",
            right=None,
            summary="The engine and its version.",
            handle=do.about,
            reply=About,
            tag=_TAG,
        ),
        Endpoint(
            name="login",
            method="POST",
            path="/login",
            right=None,
            summary="A token for name and password; failures slow the next attempts.",
            handle=do.login,
            reply=LoggedIn,
            body=LoginBody,
            errors=(LoginRefused, TooManyAttempts),
            tag=_TAG,
            pool=Pool.PASSWORDS,
            audited=True,
            secret=True,
        ),
    )


def _logged_in(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="whoami",
            method="GET",
            path="/whoami",
            right=Right.OWN_TOKENS,
            summary="Who calls, and what they may do.",
            handle=do.whoami,
            reply=Whoami,
            tag=_TAG,
        ),
        Endpoint(
            name="logout",
            method="POST",
            path="/logout",
            right=Right.OWN_TOKENS,
            summary="End the token that this is called with.",
            handle=do.logout,
            reply=None,
            status=204,
            tag=_TAG,
            audited=True,
        ),
    )
