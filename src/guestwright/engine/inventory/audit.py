"""Who did what, when, from where, and how it ended; nothing secret. Lines are added, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from guestwright.base.printable import printable
from guestwright.base.record import record
from guestwright.engine.inventory.choices import Outcome
from guestwright.engine.inventory.tables import audit

_TEXT_MAX: Final = 256
MOST: Final = 1000


@record
class Line:
    """One line.

    Attributes:
        number: rising.
        at: seconds since 1970.
        actor: name of the user; "" when nobody was known.
        remote: address of the caller; "" for this machine.
        action: "login", "payload-read", "user-changed" ….
        subject: id or name of what it was about.
        outcome: how it ended.
        detail: more, as JSON.
    """

    number: int
    at: float
    actor: str
    remote: str
    action: str
    subject: str
    outcome: Outcome
    detail: Mapping[str, Any]


class Audit:
    """The audit log, within a transaction.

    Args:
        connection: of the transaction.
        now: its time, seconds since 1970.
    """

    def __init__(self, connection: Connection, now: float) -> None:
        self._connection = connection
        self._now = now

    def write(
        self,
        action: str,
        *,
        actor: str,
        subject: str = "",
        remote: str = "",
        outcome: Outcome = Outcome.DONE,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a line; texts that callers choose are cut at 256 characters and made printable."""
        row = {
            "at": self._now,
            "action": action,
            "actor": _fit(actor),
            "subject": _fit(subject),
            "remote": _fit(remote),
            "outcome": outcome,
            "detail": dict(detail or {}),
        }
        self._connection.execute(insert(audit), row)

    def lines(
        self, *, before: int = 0, most: int = 100, actor: str = "", subject: str = ""
    ) -> tuple[Line, ...]:
        """Lines, the newest first.

        Args:
            before: number of the line that the page before ended with; 0 for the first page.
            most: of them, 1 to 1000.
            actor: of whom only.
            subject: about what only.
        """
        statement = select(audit).order_by(audit.c.number.desc()).limit(max(1, min(most, MOST)))
        if before:
            statement = statement.where(audit.c.number < before)
        if actor:
            statement = statement.where(audit.c.actor == _fit(actor))
        if subject:
            statement = statement.where(audit.c.subject == _fit(subject))
        return tuple(Line(**row) for row in self._connection.execute(statement).mappings())

    def prune(self, *, older: float) -> int:
        """Forget lines from before a time (seconds since 1970); returns how many."""
        return int(self._connection.execute(delete(audit).where(audit.c.at < older)).rowcount)


def _fit(text: str) -> str:
    return printable(text[:_TEXT_MAX])
