"""The stream of events, in the database: numbered in the order of the commits, without gaps.

Theory of operation: whoever follows the stream asks for what comes after a number, so a number must never
appear behind one that was already read. A sequence of PostgreSQL does not give that: transactions commit in
another order than they took their numbers. Here one row holds the last number. A transaction takes it at its
end, when it has all its events, and holds the row until it commits, so numbers and commits have one order;
who commits meanwhile waits for that moment only. In SQLite there is one writer anyway.

A token is `epoch.sequence`; the epoch is a random word of this database, so that a token of another one is
recognised (as in `host.event_ring`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, update

from guestwright.base.record import record
from guestwright.engine.inventory.errors import BadResumeToken
from guestwright.engine.inventory.tables import events, stream
from guestwright.engine.inventory.upsert import put_all

Told = Callable[[str, str, Mapping[str, Any]], None]
"""Takes an event: kind, id of what it is about, and more about it, as JSON. Never anything secret."""

_TOKEN: Final = re.compile(r"([0-9a-z]{1,32})\.(0|[1-9][0-9]{0,17})")
MOST: Final = 1000


@record
class Event:
    """Something happened.

    Attributes:
        sequence: its number, from 1.
        at: when, seconds since 1970.
        kind: what: "vm-changed", "facts-changed" ….
        subject: id of what it is about.
        body: more about it.
    """

    sequence: int
    at: float
    kind: str
    subject: str
    body: Mapping[str, Any]


@record
class Batch:
    """What a reader gets.

    Attributes:
        events: in order.
        token: where to go on.
        missed: whether events between the reader's token and these are gone or unknown: it must read anew
            what it knows.
        more: whether there may be more already.
    """

    events: tuple[Event, ...]
    token: str
    missed: bool
    more: bool


class Events:
    """The stream, within a transaction.

    Args:
        connection: of the transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def token(self) -> str:
        """The present end of the stream."""
        epoch, last = self._end()
        return f"{epoch}.{last}"

    def after(
        self, token: str, *, most: int = 256, kinds: Collection[str] = (), subjects: Collection[str] = ()
    ) -> Batch:
        """What comes after a place in the stream.

        Args:
            token: the place; "" for the oldest event that is kept.
            most: events to return, 1 to 1000.
            kinds: which; all when empty.
            subjects: about what; everything when empty.

        Raises:
            BadResumeToken: it is no token.
        """
        # The end first: what commits while this runs comes with the next call.
        epoch, last = self._end()
        start, missed = self._place(token, epoch, last)
        statement = select(events).where(events.c.sequence > start, events.c.sequence <= last)
        if kinds:
            statement = statement.where(events.c.kind.in_(kinds))
        if subjects:
            statement = statement.where(events.c.subject.in_(subjects))
        most = max(1, min(most, MOST))
        rows = (
            self._connection.execute(statement.order_by(events.c.sequence).limit(most + 1)).mappings().all()
        )
        more = len(rows) > most
        found = tuple(Event(**row) for row in rows[:most])
        reached = found[-1].sequence if more else last
        return Batch(events=found, token=f"{epoch}.{reached}", missed=missed, more=more)

    def prune(self, *, keep: int) -> int:
        """Forget the oldest events.

        Args:
            keep: how many stay.

        Returns:
            How many are gone.
        """
        _, last = self._end()
        gone = self._connection.execute(delete(events).where(events.c.sequence <= last - keep))
        return int(gone.rowcount)

    def append(self, now: float, told: Sequence[tuple[str, str, Mapping[str, Any]]]) -> int:
        """Number and keep events; the transaction's last act.

        Args:
            now: seconds since 1970.
            told: kind, subject and body of each.

        Returns:
            The number of the last one.
        """
        took = update(stream).values(last=stream.c.last + len(told)).returning(stream.c.last)
        last = int(self._connection.execute(took).scalar_one())
        first = last - len(told) + 1
        rows = [
            {"sequence": first + at, "at": now, "kind": kind, "subject": subject, "body": body}
            for at, (kind, subject, body) in enumerate(told)
        ]
        put_all(self._connection, events, rows)
        return last

    def _end(self) -> tuple[str, int]:
        epoch, last = self._connection.execute(select(stream.c.epoch, stream.c.last)).one()
        return str(epoch), int(last)

    def _place(self, token: str, epoch: str, last: int) -> tuple[int, bool]:
        """Number that was seen last, and whether anything after it is missing."""
        if not token:
            return 0, False
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            raise BadResumeToken(token=token[:64])
        number = int(parts[2])
        if parts[1] != epoch or number > last:
            return 0, True
        oldest = self._connection.scalar(select(func.min(events.c.sequence)))
        first = last + 1 if oldest is None else int(oldest)
        return number, number < first - 1
