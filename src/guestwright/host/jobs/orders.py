"""Jobs that are orders of somebody else's job: which of those may still order, and what each has ordered.

Theory of operation: an engine's job runs on one worker at a time, and its epoch rises whenever another one
takes it up. Each order names the job and the epoch; the highest that came is kept, and whoever comes with a
lower one is a worker that has lost the job and does not know it. Within an epoch a job goes forward until it
undoes, and never forward again, so an order to undo also outranks those to do. Rows are forgotten after 90
days without an order; the jobs of engines do not live that long.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from guestwright.base.record import record
from guestwright.host.jobs.errors import OrderTooLate

TABLES: Final = """
CREATE TABLE IF NOT EXISTS orders (
  job TEXT PRIMARY KEY, epoch INTEGER NOT NULL, undo INTEGER NOT NULL, seen INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS ordered (
  id TEXT PRIMARY KEY, job TEXT NOT NULL, undo INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS ordered_by ON ordered (job);
DELETE FROM orders WHERE seen < unixepoch('now') - 7776000;
DELETE FROM ordered WHERE id NOT IN (SELECT id FROM jobs);
"""
"""Made, and tidied, whenever the store is opened; a store of an earlier version has none of it."""
_MADE_ROOM: Final = 100


@record
class Order:
    """Who orders.

    Attributes:
        job: id of the job for which something is ordered.
        epoch: how often that was taken up.
        undo: whether it undoes what it did.
    """

    job: str
    epoch: int
    undo: bool = False


def admit(database: sqlite3.Connection, order: Order) -> None:
    """Note that somebody orders. Within a transaction.

    Raises:
        OrderTooLate: the job was taken up by another, or undoes already what it did.
    """
    found = database.execute("SELECT epoch, undo FROM orders WHERE job = ?", (order.job,)).fetchone()
    if found is not None and (found[0], bool(found[1])) > (order.epoch, order.undo):
        raise OrderTooLate(job=order.job, epoch=order.epoch, seen=found[0])
    database.execute(
        "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, unixepoch('now'))",
        (order.job, order.epoch, order.undo),
    )


def note(database: sqlite3.Connection, job: str, order: Order) -> None:
    """Note whose order a job is. Within a transaction."""
    database.execute("INSERT OR REPLACE INTO ordered VALUES (?, ?, ?)", (job, order.job, order.undo))


def forget(database: sqlite3.Connection, job: str) -> None:
    """A job is forgotten. Within a transaction."""
    database.execute("DELETE FROM ordered WHERE id = ?", (job,))


def make_room(database: sqlite3.Connection) -> int:
    """Forget the oldest ended jobs that were orders, whose results nobody came for; how many."""
    ended = "SELECT id FROM jobs JOIN ordered USING (id) WHERE ended > 0 ORDER BY ended LIMIT ?"
    gone = [row[0] for row in database.execute(ended, (_MADE_ROOM,)).fetchall()]
    for job in gone:
        database.execute("DELETE FROM jobs WHERE id = ?", (job,))
        forget(database, job)
    return len(gone)
