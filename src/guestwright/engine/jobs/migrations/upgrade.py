"""Brings the database of the jobs to the present schema, or says that it cannot be.

It may be the inventory's database or one of its own; its chain of steps is its own in either.
"""

from __future__ import annotations

import os
from typing import Final

from sqlalchemy import Engine, MetaData

from guestwright.engine.inventory.migrations.chain import Chain

TABLE: Final = "durable_jobs_version"
_VERSIONS: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "versions")


def chain(metadata: MetaData, lock: int) -> Chain:
    """The steps; one for each use.

    Args:
        metadata: the tables as the last one leaves them.
        lock: number of PostgreSQL's advisory lock, the same for all engines.
    """
    return Chain(_VERSIONS, metadata, lock, TABLE)


def upgrade(engine: Engine, metadata: MetaData, lock: int) -> None:
    """Bring a database to the present schema.

    Raises:
        DatabaseTooNew: a later version of Guestwright has changed it.
        DatabaseUnusable: it is not whole afterwards.
    """
    chain(metadata, lock).upgrade(engine, str(engine.url.database))
