"""Changing the key of payloads, beside an engine that runs or without one.

Theory of operation: the file of keys comes first, so that an engine that runs encrypts with the new key from
then on; what is there is encrypted anew afterwards, row by row. Former keys stay in the file until somebody
has them removed, since backups of the database need them; one that something needs is never removed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from guestwright.base.record import record
from guestwright.engine.inventory.database import Database
from guestwright.engine.payloads import keys
from guestwright.engine.payloads.resealing import Resealed, keys_in_use, reseal
from guestwright.engine.process.settings import KEYS, Settings


@record
class Rekeyed:
    """How it is afterwards.

    Attributes:
        key: id of the one that encrypts.
        former: ids of those that are in the file besides.
        resealed: what was encrypted anew.
    """

    key: str
    former: tuple[str, ...]
    resealed: Resealed


def rekey(settings: Settings, key: str | None, told: Callable[[int, int], object]) -> Rekeyed:
    """Encrypt with another key from now on, and anew what is there.

    Args:
        settings: of the engine.
        key: id of a key that was staged; None for a new one.
        told: progress.

    Raises:
        BadKeyFile, NoSuchKey: the file is none, or has no such key.
        DatabaseUnusable, DatabaseTooNew: the database.
    """
    with _database(settings) as database:
        path = settings.path(KEYS)
        held = keys.rotate(path, os.urandom) if key is None else keys.use(path, key)
        done = reseal(database, held, os.urandom, told)
        return Rekeyed(key=held.first, former=_former(held), resealed=done)


def stage(settings: Settings) -> str:
    """Put a new key into the file that decrypts only; returns its id. Raises as `rekey`."""
    return keys.stage(settings.path(KEYS), os.urandom)


def former(settings: Settings) -> tuple[tuple[str, ...], frozenset[str]]:
    """Ids of the keys that do not encrypt, and of those of them that something needs. Raises as `rekey`."""
    with _database(settings) as database:
        held = _former(keys.there(settings.path(KEYS)))
        return held, keys_in_use(database) & frozenset(held)


def drop_former(settings: Settings) -> tuple[str, ...]:
    """Remove keys from the file that nothing needs; returns their ids. Raises as `rekey`."""
    with _database(settings) as database:
        return keys.drop(settings.path(KEYS), keys_in_use(database))


def _former(held: keys.Keys) -> tuple[str, ...]:
    return tuple(one for one in held.all if one != held.first)


def _database(settings: Settings) -> Database:
    keys.there(settings.path(KEYS))  # first: where there is no engine no file is made
    return Database(settings.url, clock=time.time, connections=2, make=False)
