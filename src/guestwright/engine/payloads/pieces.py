"""The pieces of an upload in the database: encrypted, apart from each other, the last word counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import delete, func, insert, select

from guestwright.engine.inventory.tables import payload_pieces
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.payloads.errors import TooManyPieces
from guestwright.engine.payloads.keys import Keys
from guestwright.engine.payloads.sealed import seal_piece, unseal_piece
from guestwright.host.volumes.ranges import Ranges, add, missing

PIECES_MAX: Final = 1024
Missing = tuple[tuple[int, int], ...]
_TABLE: Final = payload_pieces


class Pieces:
    """What has arrived of one upload, within a transaction.

    Args:
        tx: the transaction.
        upload: id.
        keys: all that there are.
        randomness: so many bytes, cryptographic.
    """

    def __init__(self, tx: Transaction, upload: str, keys: Keys, randomness: Callable[[int], bytes]) -> None:
        self._tx = tx
        self._upload = upload
        self._keys = keys
        self._randomness = randomness

    def put(self, start: int, data: bytes) -> None:
        """Keep a piece, in place of whatever was there; the upload is held by the transaction.

        Raises:
            TooManyPieces: the upload is in too many.
            PieceUnreadable: one that is there in part cannot be cut.
        """
        end = start + len(data)
        behind = _TABLE.c.start + _TABLE.c.length
        over = (_TABLE.c.upload_id == self._upload) & (_TABLE.c.start < end) & (behind > start)
        former = self._tx.connection.execute(select(_TABLE).where(over)).all()
        self._tx.connection.execute(delete(_TABLE).where(over))
        kept = [(start, data)]
        for row in former:
            if row.start >= start and row.start + row.length <= end:
                continue
            old = self._read(row)
            if row.start < start:
                kept.append((row.start, old[: start - row.start]))
            if row.start + row.length > end:
                kept.append((end, old[end - row.start :]))
        self._tx.connection.execute(insert(_TABLE), [self._row(*one) for one in kept])
        count = select(func.count()).where(_TABLE.c.upload_id == self._upload)
        if int(self._tx.connection.scalar(count) or 0) > PIECES_MAX:
            raise TooManyPieces(upload=self._upload, most=PIECES_MAX)

    def missing(self, size: int) -> Missing:
        """What has not arrived of so many bytes."""
        asked = select(_TABLE.c.start, _TABLE.c.length).where(_TABLE.c.upload_id == self._upload)
        ranges: Ranges = ()
        for start, length in self._tx.connection.execute(asked.order_by(_TABLE.c.start)):
            ranges = add(ranges, (start, start + length))
        return tuple(missing(ranges, size))

    def all(self) -> bytes:
        """All of it, of an upload of which nothing is missing.

        Raises:
            PieceUnreadable: a piece cannot be decrypted.
        """
        asked = select(_TABLE).where(_TABLE.c.upload_id == self._upload).order_by(_TABLE.c.start)
        return b"".join(self._read(row) for row in self._tx.connection.execute(asked))

    def _read(self, row: Any) -> bytes:
        return unseal_piece(self._keys, row.key, self._upload, row.start, row.sealed)

    def _row(self, start: int, data: bytes) -> dict[str, Any]:
        return {
            "upload_id": self._upload,
            "start": start,
            "length": len(data),
            "key": self._keys.first,
            "sealed": seal_piece(self._keys, self._upload, start, data, self._randomness(12)),
        }
