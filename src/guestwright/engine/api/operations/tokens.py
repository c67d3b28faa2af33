"""Operations on tokens."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from guestwright.engine.accounts.errors import BadToken, MayNot
from guestwright.engine.accounts.rights import Right
from guestwright.engine.accounts.tokens import LONGEST, Tokens
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.lists import shown
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.errors import NameTaken, NotInInventory

_TAG: Final = "users"


class TokenReply(msgspec.Struct, frozen=True):
    """A token, without its text.

    Attributes:
        id: its own.
        created: seconds since 1970.
        user_id: whose it is.
        name: by which they know it.
        role: at most which.
        payload_contents: whether it may read payloads.
        guest_exec: whether it may reach into guests.
        expires: seconds since 1970.
        used: last time, to the minute; 0 for never.
    """

    id: str
    created: float
    user_id: str
    name: str
    role: Role
    payload_contents: bool
    guest_exec: bool
    expires: float
    used: float


class NewToken(TokenReply, frozen=True):
    """A token that was just made.

    Attributes:
        token: its text, which cannot be had again.
    """

    token: str


class TokenList(msgspec.Struct, frozen=True):
    """The tokens of a user."""

    items: tuple[TokenReply, ...]


class TokensQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whose tokens.

    Attributes:
        user: id; the caller's without it.
    """

    user: Annotated[str, msgspec.Meta(max_length=64)] = ""


class TokenBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A token to be made for the caller.

    Attributes:
        name: by which they know it.
        seconds: how long it lives.
        role: at most the caller's; the caller's without it.
        payload_contents: whether it may read payloads.
        guest_exec: whether it may reach into guests.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    seconds: Annotated[float, msgspec.Meta(gt=0, le=LONGEST)]
    role: Role | None = None
    payload_contents: bool = False
    guest_exec: bool = False


class _Operations:
    """What the table calls."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def all(self, call: Call) -> TokenList:
        found = self._tokens.of(call.who, call.query.user or call.who.user)
        return TokenList(items=tuple(shown(TokenReply, one) for one in found))

    def issue(self, call: Call) -> Answer:
        body: TokenBody = call.body
        token, text = self._tokens.issue(
            call.who,
            body.name,
            body.seconds,
            role=body.role,
            payload_contents=body.payload_contents,
            guest_exec=body.guest_exec,
        )
        values = msgspec.structs.asdict(shown(TokenReply, token))
        return Answer(value=NewToken(**values, token=text.reveal()), location=f"/tokens/{token.id}")

    def revoke(self, call: Call) -> None:
        self._tokens.revoke(call.who, call.path["id"])


def token_endpoints(tokens: Tokens) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        tokens: of the engine.
    """
    do = _Operations(tokens)
    return (
        Endpoint(
            name="tokens",
            method="GET",
            path="/tokens",
            right=Right.OWN_TOKENS,
            summary="The caller's tokens, without their texts; somebody else's for administrators.",
            handle=do.all,
            reply=TokenList,
            query=TokensQuery,
            errors=(MayNot,),
            tag=_TAG,
        ),
        Endpoint(
            name="token-issue",
            method="POST",
            path="/tokens",
            right=Right.OWN_TOKENS,
            summary="Make a token for the caller; its text is shown this once.",
            handle=do.issue,
            reply=NewToken,
            body=TokenBody,
            status=201,
            errors=(BadToken, NameTaken),
            tag=_TAG,
            kept=True,
            audited=True,
            secret=True,
        ),
        Endpoint(
            name="token-revoke",
            method="DELETE",
            path="/tokens/{id}",
            right=Right.OWN_TOKENS,
            summary="End a token.",
            handle=do.revoke,
            reply=None,
            status=204,
            errors=(NotInInventory,),
            tag=_TAG,
            audited=True,
        ),
    )
