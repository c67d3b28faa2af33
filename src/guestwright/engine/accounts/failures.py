"""Failed attempts, counted in the database, so that all engines of an installation count together.

Theory of operation: an attempt is counted as failed before it is judged, and taken back when it was good. So
attempts that run at the same time cannot all be judged as if they were the first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from sqlalchemy import case, delete, select, update

from guestwright.engine.accounts.errors import TooManyAttempts
from guestwright.engine.accounts.slowing import FORGOTTEN, Scope, key, wait
from guestwright.engine.inventory.tables import login_failures
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.inventory.upsert import upsert


def begin(tx: Transaction, name: str, remote: str, scopes: Iterable[Scope] = tuple(Scope)) -> None:
    """Count an attempt, if it may be made now.

    Args:
        tx: a transaction that writes.
        name: that was given, at most 64 characters.
        remote: address of the caller.
        scopes: what it counts for.

    Raises:
        TooManyAttempts: it may not; it was not counted either.
    """
    table = login_failures
    keys = {key(scope, name, remote): scope for scope in scopes}
    held = select(table).where(table.c.key.in_(keys)).order_by(table.c.key).with_for_update()
    rows = {row.key: row for row in tx.connection.execute(held)}
    waits = [wait(keys[at], row.failures, row.last, tx.now) for at, row in rows.items()]
    if max(waits, default=0.0) > 0:
        raise TooManyAttempts(seconds=math.ceil(max(waits)))
    for one in sorted(keys):
        row = rows.get(one)
        before = row.failures if row is not None and tx.now - row.last < FORGOTTEN else 0
        counted = {"key": one, "failures": before + 1, "last": tx.now}
        tx.connection.execute(upsert(tx.connection, table, ("failures", "last")), counted)


def good(tx: Transaction, name: str, remote: str, scopes: Iterable[Scope] = tuple(Scope)) -> None:
    """Take an attempt back: it was good. Its name begins anew from there; the others lose this one count."""
    table = login_failures
    tx.connection.execute(delete(table).where(table.c.key == key(Scope.PAIR, name, remote)))
    others = [key(scope, name, remote) for scope in scopes if scope is not Scope.PAIR]
    less = case((table.c.failures > 0, table.c.failures - 1), else_=0)
    for one in sorted(others):
        tx.connection.execute(update(table).where(table.c.key == one).values(failures=less))


def prune(tx: Transaction) -> int:
    """Forget counts that count no more; returns how many."""
    table = login_failures
    return int(tx.connection.execute(delete(table).where(table.c.last < tx.now - FORGOTTEN)).rowcount)
