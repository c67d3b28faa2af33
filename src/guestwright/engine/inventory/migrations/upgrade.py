"""Brings the inventory's database to the present schema, or says that it cannot be; see `chain`."""

from __future__ import annotations

import os
from functools import partial
from typing import Final

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, insert, select

from guestwright.engine.inventory.columns import METADATA
from guestwright.engine.inventory.migrations.chain import Chain
from guestwright.engine.inventory.tables import stream

_LOCK: Final = 0x67777470  # any number; the same for all engines
_VERSIONS: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "versions")


def scripts() -> ScriptDirectory:
    """The steps."""
    return _chain().scripts()


def upgrade(engine: Engine, name: str, epoch: str, *, change: bool = True, to: str = "head") -> None:
    """Bring a database to a schema.

    Args:
        engine: of the database.
        name: how it is called in messages.
        epoch: a random word, for the stream of events of a new database.
        change: whether it may be changed; else it must be at the schema.
        to: number of the schema, or "head"; a lower number than the present one goes back.

    Raises:
        DatabaseTooNew: a later version of Guestwright has changed it.
        DatabaseUnusable: it is older and must not be changed, or is not whole afterwards.
    """
    _chain().upgrade(engine, name, change=change, to=to, finish=partial(_begin_stream, epoch))


def _chain() -> Chain:
    """One for each use: it holds the connection meanwhile."""
    return Chain(_VERSIONS, METADATA, _LOCK)


def _begin_stream(epoch: str, connection: Connection) -> None:
    there = connection.dialect.has_table(connection, stream.name)
    if there and connection.execute(select(stream.c.one)).first() is None:
        connection.execute(insert(stream).values(one=1, epoch=epoch, last=0))
