"""What the engine has before it works: its directory, its database, its users."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from guestwright.base.record import record
from guestwright.engine.accounts.passwords import Passwords
from guestwright.engine.accounts.tokens import Tokens
from guestwright.engine.accounts.users import Users
from guestwright.engine.inventory.database import Database
from guestwright.engine.process import directories
from guestwright.engine.process.settings import Settings

_CONNECTIONS: Final = 32


@record
class Opened:
    """All of it.

    Attributes:
        database: the inventory, brought to the present schema.
        users: of this installation.
        tokens: likewise.
        identities: directory of what the engine shows to hosts.
    """

    database: Database
    users: Users
    tokens: Tokens
    identities: str


def open_all(parts: ExitStack, settings: Settings, clock: Callable[[], float]) -> Opened:
    """Open it.

    Args:
        parts: where the end of each is noted.
        settings: of the engine.
        clock: seconds since 1970.

    Raises:
        EngineDirectoryUnfit, EngineRunsHere: the directory.
        DatabaseUnusable, DatabaseTooNew: the database.
    """
    directories.make(settings.directory)
    parts.enter_context(directories.alone(settings.directory))
    identities = settings.path("identities")
    os.makedirs(identities, mode=0o700, exist_ok=True)
    database = Database(settings.url, clock=clock, connections=_CONNECTIONS)
    parts.callback(database.close)
    return Opened(
        database=database,
        users=Users(database, Passwords()),
        tokens=Tokens(database),
        identities=identities,
    )
