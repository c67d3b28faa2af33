"""Operations on users."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from guestwright.base.secret import Secret
from guestwright.engine.accounts.errors import (
    BadPassword,
    BadUserName,
    LastAdmin,
    LoginRefused,
    TooManyAttempts,
)
from guestwright.engine.accounts.rights import Right
from guestwright.engine.accounts.users import Users
from guestwright.engine.api.endpoint import Answer, Call, Endpoint, Pool
from guestwright.engine.api.lists import ListQuery, listed, query_of, shown
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import ChangedMeanwhile, NameTaken, NotInInventory
from guestwright.engine.inventory.model import User

_TAG: Final = "users"
_ONE: Final = "/users/{id}"
_Password = Annotated[str, msgspec.Meta(max_length=4096)]
_Text = Annotated[str, msgspec.Meta(max_length=255)]


class UserReply(msgspec.Struct, frozen=True):
    """A user.

    Attributes:
        id: their own.
        version: rises with each change.
        created: seconds since 1970, as the next.
        changed: last time.
        name: that they log in with.
        full_name: for people.
        role: what they may do.
        payload_contents: whether they may read payloads besides.
        guest_exec: whether they may reach into guests besides.
        enabled: whether they may log in.
    """

    id: str
    version: int
    created: float
    changed: float
    name: str
    full_name: str
    role: Role
    payload_contents: bool
    guest_exec: bool
    enabled: bool


class UserList(msgspec.Struct, frozen=True):
    """A page of users; `next` is the cursor of the next one."""

    items: tuple[UserReply, ...]
    next: str | None


class UserBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A user to be made.

    Attributes:
        name: that they log in with.
        password: 12 to 1024 characters.
        role: what they may do.
        full_name: for people.
        payload_contents: whether they may read payloads besides.
        guest_exec: whether they may reach into guests besides.
        enabled: whether they may log in.
    """

    name: Annotated[str, msgspec.Meta(max_length=256)]
    password: _Password
    role: Role = Role.VIEWER
    full_name: _Text = ""
    payload_contents: bool = False
    guest_exec: bool = False
    enabled: bool = True


class UserChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What to change of a user; what is not given stays.

    Attributes:
        role: what they may do.
        full_name: for people.
        payload_contents: whether they may read payloads besides.
        guest_exec: whether they may reach into guests besides.
        enabled: whether they may log in.
    """

    role: Role | msgspec.UnsetType = msgspec.UNSET
    full_name: _Text | msgspec.UnsetType = msgspec.UNSET
    payload_contents: bool | msgspec.UnsetType = msgspec.UNSET
    guest_exec: bool | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET


class PasswordBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Another password.

    Attributes:
        new: 12 to 1024 characters.
        old: the present one, of users who change their own.
    """

    new: _Password
    old: _Password = ""


class _Operations:
    """What the table calls."""

    def __init__(self, database: Database, users: Users) -> None:
        self._database = database
        self._users = users

    def all(self, call: Call) -> UserList:
        with self._database.read() as tx:
            page = tx.users.page(query_of(call.query))
        return listed(UserList, page, lambda one: shown(UserReply, one))

    def one(self, call: Call) -> Answer:
        with self._database.read() as tx:
            return _answer(tx.users.get(call.path["id"]))

    def add(self, call: Call) -> Answer:
        values = msgspec.structs.asdict(call.body)
        name, password, role = values.pop("name"), Secret(values.pop("password")), values.pop("role")
        made = self._users.add(call.who, name, password, role, **values)
        return _answer(made, location=f"/users/{made.id}")

    def change(self, call: Call) -> Answer:
        given: dict[str, Any] = msgspec.structs.asdict(call.body)
        values = {name: value for name, value in given.items() if value is not msgspec.UNSET}
        return _answer(self._users.change(call.who, call.path["id"], call.match, **values))

    def remove(self, call: Call) -> None:
        self._users.remove(call.who, call.path["id"], call.match)

    def password(self, call: Call) -> None:
        body: PasswordBody = call.body
        self._users.set_password(call.who, call.path["id"], Secret(body.new), old=Secret(body.old))


def _answer(user: User, location: str = "") -> Answer:
    return Answer(value=shown(UserReply, user), version=user.version, location=location)


def user_endpoints(database: Database, users: Users) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
        users: of the engine.
    """
    do = _Operations(database, users)
    return (*_looks(do), *_changes(do), _password(do))


def _looks(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="users",
            method="GET",
            path="/users",
            right=Right.USERS,
            summary="Users.",
            handle=do.all,
            reply=UserList,
            query=ListQuery,
            tag=_TAG,
        ),
        Endpoint(
            name="user",
            method="GET",
            path=_ONE,
            right=Right.USERS,
            summary="One user.",
            handle=do.one,
            reply=UserReply,
            errors=(NotInInventory,),
            tag=_TAG,
        ),
    )


def _changes(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="user-add",
            method="POST",
            path="/users",
            right=Right.USERS,
            summary="Make a user.",
            handle=do.add,
            reply=UserReply,
            body=UserBody,
            status=201,
            errors=(NameTaken, BadUserName, BadPassword),
            tag=_TAG,
            kept=True,
            pool=Pool.PASSWORDS,
            audited=True,
        ),
        Endpoint(
            name="user-change",
            method="PATCH",
            path=_ONE,
            right=Right.USERS,
            summary="Change what a user may do.",
            handle=do.change,
            reply=UserReply,
            body=UserChange,
            errors=(NotInInventory, LastAdmin, ChangedMeanwhile),
            tag=_TAG,
            matched=True,
            audited=True,
        ),
        Endpoint(
            name="user-remove",
            method="DELETE",
            path=_ONE,
            right=Right.USERS,
            summary="Remove a user and their tokens; machines that they own stay.",
            handle=do.remove,
            reply=None,
            status=204,
            errors=(NotInInventory, LastAdmin, ChangedMeanwhile),
            tag=_TAG,
            matched=True,
            audited=True,
        ),
    )


def _password(do: _Operations) -> Endpoint:
    return Endpoint(
        name="user-password",
        method="POST",
        path=f"{_ONE}/password",
        right=Right.OWN_TOKENS,
        summary="Give oneself, or as an administrator somebody, another password; all their tokens end.",
        handle=do.password,
        reply=None,
        body=PasswordBody,
        status=204,
        errors=(NotInInventory, BadPassword, LoginRefused, TooManyAttempts),
        tag=_TAG,
        pool=Pool.PASSWORDS,
        audited=True,
    )
