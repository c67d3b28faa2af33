"""Uploads of payloads by ranges: announced, written in any order, made a payload at once.

Theory of operation: what is uploaded is the contents of all files, one after the other in the order in which
they were announced. Whatever has arrived lies in the database, encrypted like payloads, so that any engine
takes the next range and any engine ends it. The end is one transaction: the payload is there and the upload
is not, or the other way round. What it is checked for is found out before, outside of it; that nobody wrote
meanwhile is known from a count of writes. No checksum of contents is ever kept: it could be guessed from.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import update

from guestwright.base.record import record
from guestwright.engine.accounts.rights import Principal, Right
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import ChangedMeanwhile, NameTaken
from guestwright.engine.inventory.ids import new_id
from guestwright.engine.inventory.model import PayloadObject, PayloadUpload
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.tables import payload_uploads
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.payloads.errors import (
    BadPayloadUpload,
    OutsidePayloadUpload,
    PayloadDiffers,
    PayloadIncomplete,
    PayloadUploadChanging,
    TooManyPayloadUploads,
)
from guestwright.engine.payloads.payloads import Payloads
from guestwright.engine.payloads.pieces import Missing, Pieces
from guestwright.media.sources.files import build
from guestwright.media.tree import FileSource

UPLOADS_MAX: Final = 32
"""Of one user at a time."""


@record
class Wanted:
    """What is going to be uploaded.

    Attributes:
        files: names and sizes in bytes, in the order in which their contents follow each other.
        label: of the volume.
        name: of the new payload; "" for a version of one that is there.
        description: of a new one.
        payload: id of the one that is there; "" for a new one.
        expected: the version that it must have at the end; None for whichever.
    """

    files: Sequence[tuple[str, int]]
    label: str
    name: str = ""
    description: str = ""
    payload: str = ""
    expected: int | None = None


@record
class Known:
    """An upload, and what of it has not arrived: first byte, and the one after the last, of each piece."""

    upload: PayloadUpload
    missing: Missing


class PayloadUploads:
    """The uploads of payloads. Its calls may come from any thread.

    Args:
        database: the inventory.
        payloads: where they end.
        randomness: so many bytes, cryptographic.
    """

    def __init__(
        self,
        database: Database,
        payloads: Payloads,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._database = database
        self._payloads = payloads
        self._randomness = randomness

    def begin(self, by: Principal, wanted: Wanted) -> Known:
        """Begin an upload.

        Raises:
            BadPayload: a name or a size is not allowed.
            BadPayloadUpload, NameTaken, NotInInventory, ChangedMeanwhile: it can become nothing.
            TooManyPayloadUploads, MayNot: not by this user.
        """
        by.require(Right.PAYLOAD_CHANGE)
        _check(wanted)
        files = [(name, FileSource(size=size)) for name, size in wanted.files]
        build(files, label=wanted.label, limits=self._payloads.limits)
        with self._database.write() as tx:
            if tx.payload_uploads.count(Filter("author", Op.IS, by.name)) >= UPLOADS_MAX:
                raise TooManyPayloadUploads(name=by.name, most=UPLOADS_MAX)
            _fits(tx, wanted)
            made = PayloadUpload(
                id=new_id(tx.now, self._randomness(10)),
                author=by.name,
                files=tuple(wanted.files),
                size=sum(size for _, size in wanted.files),
                label=wanted.label,
                name=wanted.name,
                description=wanted.description,
                payload_id=wanted.payload or None,
                expected=wanted.expected,
            )
            return self._known(tx, tx.payload_uploads.add(made))

    def get(self, upload: str) -> Known:
        """One upload.

        Raises:
            NotInInventory: there is none.
        """
        with self._database.read() as tx:
            return self._known(tx, tx.payload_uploads.get(upload))

    def write(self, upload: str, start: int, data: bytes) -> Missing:
        """Write a range, over whatever is there; on return it has arrived, durably.

        Returns:
            What has not.

        Raises:
            NotInInventory, OutsidePayloadUpload, TooManyPieces, PieceUnreadable: nothing of it was kept.
        """
        with self._database.write() as tx:
            held = tx.payload_uploads.hold(upload)
            if start < 0 or start + len(data) > held.size:
                raise OutsidePayloadUpload(upload=upload, size=held.size, problem="the range ends behind it")
            pieces = self._pieces(tx, upload)
            if data:
                pieces.put(start, data)
            table = payload_uploads
            moved = {"changed": tx.now, "writes": held.writes + 1}  # told by no event: pieces are many
            tx.connection.execute(update(table).where(table.c.id == upload).values(moved))
            return pieces.missing(held.size)

    def finish(self, by: Principal, upload: str, sha256: str = "") -> PayloadObject:
        """Make it a payload, or a version of one; when that is refused the upload is as before.

        Args:
            by: who does it.
            upload: id.
            sha256: of all bytes, in hexadecimal; "" if they are not to be compared.

        Raises:
            PayloadIncomplete, PayloadDiffers, PieceUnreadable: of what has arrived.
            BadPayload: the contents break a rule of their form.
            NotInInventory, NameTaken, ChangedMeanwhile: of what it should become.
            PayloadUploadChanging: somebody writes.
            MayNot: not by this user.
        """
        by.require(Right.PAYLOAD_CHANGE)
        with self._database.read() as tx:
            held = tx.payload_uploads.get(upload)
            pieces = self._pieces(tx, upload)
            missing = pieces.missing(held.size)
            data = b"" if missing else pieces.all()
        if missing:
            count = sum(end - start for start, end in missing)
            raise PayloadIncomplete(upload=upload, count=count, first=missing[0][0])
        if len(data) != held.size:
            raise PayloadUploadChanging(upload=upload)
        if sha256 and not hmac.compare_digest(hashlib.sha256(data).hexdigest(), sha256):
            raise PayloadDiffers(upload=upload)
        checked = self._payloads.checked(held.label, _split(held.files, data))
        with self._database.write() as tx:
            if tx.payload_uploads.hold(upload).writes != held.writes:
                raise PayloadUploadChanging(upload=upload)
            tx.payload_uploads.remove(upload)
            if held.payload_id is None:
                return self._payloads.add_in(tx, by, held.name, checked, held.description)
            return self._payloads.replace_in(tx, by, held.payload_id, held.expected, checked)

    def abandon(self, by: Principal, upload: str) -> None:
        """Give it up, with all that has arrived.

        Raises:
            NotInInventory, MayNot: there is none, or not by this user.
        """
        by.require(Right.PAYLOAD_CHANGE)
        with self._database.write() as tx:
            tx.payload_uploads.remove(upload)

    def _known(self, tx: Transaction, upload: PayloadUpload) -> Known:
        return Known(upload=upload, missing=self._pieces(tx, upload.id).missing(upload.size))

    def _pieces(self, tx: Transaction, upload: str) -> Pieces:
        return Pieces(tx, upload, self._payloads.keys(), self._randomness)


def forget_uploads(tx: Transaction, before: float) -> int:
    """Give up those that nobody has written to since a moment (seconds since 1970); returns how many."""
    old = tx.payload_uploads.all(Filter("changed", Op.LESS, str(before)))
    for one in old:
        tx.payload_uploads.remove(one.id)
    return len(old)


def _check(wanted: Wanted) -> None:
    if bool(wanted.name) is bool(wanted.payload):
        raise BadPayloadUpload(field="name", problem="either a name for a new payload, or the id of one")
    if wanted.payload and wanted.description:
        raise BadPayloadUpload(field="description", problem="it is for a new payload only")
    if wanted.name and wanted.expected is not None:
        raise BadPayloadUpload(field="payload_version", problem="a new payload has none yet")


def _fits(tx: Transaction, wanted: Wanted) -> None:
    """Raise if it is clear already that it can become nothing."""
    if not wanted.payload:
        if tx.payloads.named(wanted.name) is not None:
            raise NameTaken(what="payload", field="name")
        return
    there = tx.payloads.get(wanted.payload)
    if wanted.expected not in (None, there.version):
        raise ChangedMeanwhile(what="payload", id=there.id, version=wanted.expected)


def _split(files: Sequence[tuple[str, int]], data: bytes) -> dict[str, bytes]:
    found, at = {}, 0
    for name, size in files:
        found[name] = data[at : at + size]
        at += size
    return found
