"""The audit log, read."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Call, Endpoint
from guestwright.engine.api.lists import Limit, shown
from guestwright.engine.inventory.choices import Outcome
from guestwright.engine.inventory.database import Database

_Text = Annotated[str, msgspec.Meta(max_length=256)]


class AuditLine(msgspec.Struct, frozen=True):
    """Who did what.

    Attributes:
        number: rising.
        at: seconds since 1970.
        actor: name of the user; "" when nobody was known.
        remote: address of the caller; "" for the engine's own machine.
        action: what: the name of an operation of this API, "login" ….
        subject: id or name of what it was about.
        outcome: how it ended.
        detail: more.
    """

    number: int
    at: float
    actor: str
    remote: str
    action: str
    subject: str
    outcome: Outcome
    detail: dict[str, Any]


class AuditPage(msgspec.Struct, frozen=True):
    """Lines, the newest first; `next` is the cursor of the next page."""

    items: tuple[AuditLine, ...]
    next: str | None


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which lines.

    Attributes:
        limit: lines in a page.
        cursor: `next` of the page before.
        actor: of whom only.
        subject: about what only.
    """

    limit: Limit = 100
    cursor: Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)] = 0
    actor: _Text = ""
    subject: _Text = ""


def audit_endpoints(database: Database) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
    """

    def lines(call: Call) -> AuditPage:
        asked: AuditQuery = call.query
        with database.read() as tx:
            found = tx.audit.lines(
                before=asked.cursor, most=asked.limit, actor=asked.actor, subject=asked.subject
            )
        following = str(found[-1].number) if len(found) == asked.limit else None
        return AuditPage(items=tuple(shown(AuditLine, one) for one in found), next=following)

    return (
        Endpoint(
            name="audit",
            method="GET",
            path="/audit",
            right=Right.AUDIT,
            summary="The audit log, the newest line first.",
            handle=lines,
            reply=AuditPage,
            query=AuditQuery,
            tag="users",
        ),
    )
