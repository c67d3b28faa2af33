"""Encrypting anew what was encrypted with a former key: versions of payloads, and pieces of uploads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, select, update

from guestwright.base.record import record
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.tables import payload_pieces, payload_versions
from guestwright.engine.payloads.errors import ContentsDamaged, KeyMissing, PieceUnreadable
from guestwright.engine.payloads.keys import Keys
from guestwright.engine.payloads.sealed import seal, seal_piece, unseal, unseal_piece

Again = Callable[[Keys, Any, bytes], bytes]
"""What a row is to hold: from all keys, the row, and a nonce."""


@record
class Resealed:
    """What came of it.

    Attributes:
        count: versions and pieces that were encrypted anew.
        unreadable: why others were not, in words.
    """

    count: int
    unreadable: tuple[str, ...]


def reseal(
    database: Database,
    keys: Keys,
    randomness: Callable[[int], bytes],
    told: Callable[[int, int], object] = lambda *_: None,
) -> Resealed:
    """Encrypt with the first key whatever was encrypted with another one; engines may run meanwhile.

    Each in a transaction of its own: a kill loses nothing, and the rest is done the next time.

    Args:
        database: the inventory.
        keys: all that there are.
        randomness: so many bytes, cryptographic.
        told: how many were looked at, and how many there are.
    """
    rows = [(table, own) for table in _AGAIN for own in _others(database, table, keys.first)]
    count, unreadable = 0, []
    for number, (table, own) in enumerate(rows, start=1):
        try:
            count += _reseal(database, keys, randomness(12), table, own)
        except (KeyMissing, ContentsDamaged, PieceUnreadable) as error:
            unreadable.append(error.message)
        told(number, len(rows))
    return Resealed(count=count, unreadable=tuple(unreadable))


def keys_in_use(database: Database) -> frozenset[str]:
    """Ids of the keys that something is encrypted with."""
    with database.read() as tx:
        return frozenset(
            str(key) for one in _AGAIN for key in tx.connection.scalars(select(one.c.key).distinct())
        )


def _others(database: Database, table: Table, first: str) -> list[list[ColumnElement[bool]]]:
    """How each row is found that another key encrypts."""
    names = table.primary_key.columns
    with database.read() as tx:
        found = tx.connection.execute(select(*names).where(table.c.key != first)).all()
    return [[column == value for column, value in zip(names, row, strict=True)] for row in found]


def _reseal(
    database: Database, keys: Keys, nonce: bytes, table: Table, own: list[ColumnElement[bool]]
) -> int:
    with database.write() as tx:
        row = tx.connection.execute(select(table).where(*own).with_for_update()).first()
        if row is None or row.key == keys.first:
            return 0
        new = {"key": keys.first, "sealed": _AGAIN[table](keys, row, nonce)}
        tx.connection.execute(update(table).where(*own).values(new))
        return 1


def _version(keys: Keys, row: Any, nonce: bytes) -> bytes:
    files = unseal(keys, row.key, row.payload_id, row.number, row.sealed)
    return seal(keys, row.payload_id, row.number, files, nonce)


def _piece(keys: Keys, row: Any, nonce: bytes) -> bytes:
    data = unseal_piece(keys, row.key, row.upload_id, row.start, row.sealed)
    return seal_piece(keys, row.upload_id, row.start, data, nonce)


_AGAIN: Final[dict[Table, Again]] = {payload_versions: _version, payload_pieces: _piece}
