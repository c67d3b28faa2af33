"""What one engine at a time does, of several on one database: whose it is, until when, and how far it is.

Theory of operation: whoever has a duty says so again before its time is over; when that is over, the next one
who asks has it. Time is the database's, the only clock that all engines share.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Double, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from guestwright.engine.inventory.tables import duties
from guestwright.engine.inventory.transaction import Transaction

_NOW: Final = {
    "postgresql": "extract(epoch FROM clock_timestamp())::float8",
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
}


def take(tx: Transaction, name: str, owner: str, seconds: float) -> bool:
    """Take a duty that nobody has, or keep one for longer; whether it is the owner's now.

    Args:
        tx: that writes.
        name: of the duty.
        owner: who asks.
        seconds: until somebody else may take it.
    """
    now = _now(tx)
    statement = _insert(tx).values(name=name, owner=owner, until=now + seconds, place="")
    free = or_(duties.c.owner == owner, duties.c.until <= now)
    mine = statement.on_conflict_do_update(
        index_elements=[duties.c.name], set_={"owner": owner, "until": now + seconds}, where=free
    )
    return tx.connection.execute(mine.returning(duties.c.name)).first() is not None


def leave(tx: Transaction, name: str, owner: str) -> None:
    """Give a duty back, if it is the owner's."""
    mine = update(duties).where(duties.c.name == name, duties.c.owner == owner)
    tx.connection.execute(mine.values(owner="", until=0.0))


def place(tx: Transaction, name: str) -> str:
    """How far a duty is; "" before anybody has said so."""
    found: str | None = tx.connection.scalar(select(duties.c.place).where(duties.c.name == name))
    return found or ""


def move(tx: Transaction, name: str, before: str, after: str) -> bool:
    """Say how far a duty is, unless somebody else has said so meanwhile; whether it was said.

    Args:
        tx: that writes, and does what is between the places.
        name: of the duty.
        before: its place until now.
        after: from now on.
    """
    statement = _insert(tx).values(name=name, owner="", until=0.0, place=after)
    moved = statement.on_conflict_do_update(
        index_elements=[duties.c.name], set_={"place": after}, where=duties.c.place == before
    )
    return tx.connection.execute(moved.returning(duties.c.name)).first() is not None


def _insert(tx: Transaction) -> Any:
    return (postgresql if tx.connection.dialect.name == "postgresql" else sqlite).insert(duties)


def _now(tx: Transaction) -> ColumnElement[float]:
    return literal_column(_NOW[tx.connection.dialect.name], Double)
