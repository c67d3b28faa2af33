"""Uploads of payloads: begun, written by ranges, finished, given up."""

from __future__ import annotations

import threading
from functools import partial
from typing import Annotated, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint, Pool
from guestwright.engine.api.lists import ListQuery, listed, query_of, shown
from guestwright.engine.api.operations.payloads import PayloadReply
from guestwright.engine.api.placing import place_of
from guestwright.engine.api.streaming import BYTES, Incoming
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import ChangedMeanwhile, NameTaken, NotInInventory
from guestwright.engine.inventory.model import PayloadUpload
from guestwright.engine.payloads.errors import (
    BadPayloadUpload,
    OutsidePayloadUpload,
    PayloadDiffers,
    PayloadIncomplete,
    PayloadUploadChanging,
    PieceUnreadable,
    TooManyPayloadUploads,
    TooManyPieces,
)
from guestwright.engine.payloads.payloads import Payloads
from guestwright.engine.payloads.pieces import Missing
from guestwright.engine.payloads.uploads import Known, PayloadUploads, Wanted
from guestwright.media.sources.errors import BadPayload
from guestwright.media.sources.files import DEFAULT_LABEL

SECONDS: Final = 300.0
_TAG: Final = "payloads"
_MANY: Final = "/payloads/uploads"
_ONE: Final = "/payloads/uploads/{id}"
_WRITE: Final = "payload-upload-write"
_BODY_MAX: Final = 512 << 10


class FileBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A file of a payload.

    Attributes:
        name: relative.
        size: bytes.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    size: Annotated[int, msgspec.Meta(ge=0, lt=1 << 40)]


class PayloadUploadBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A payload that is going to be uploaded: either a new one with a name, or a version of one.

    Attributes:
        files: in the order in which their contents follow each other.
        label: of the volume; with the names it says which form it has.
        name: of the new payload.
        description: of the new payload, for people.
        payload: id of the payload that gets a further version.
        payload_version: that it must have at the end; null for whichever.
    """

    files: Annotated[tuple[FileBody, ...], msgspec.Meta(min_length=1, max_length=1024)]
    label: Annotated[str, msgspec.Meta(min_length=1, max_length=32)] = DEFAULT_LABEL
    name: Annotated[str, msgspec.Meta(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    description: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    payload: Annotated[str, msgspec.Meta(max_length=255)] = ""
    payload_version: Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)] | None = None


class FinishBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The end of an upload.

    Attributes:
        sha256: of all bytes, to be compared; "" without.
    """

    sha256: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""


class FileReply(msgspec.Struct, frozen=True):
    """A file of a payload, by its name from the root of the medium, with its size in bytes."""

    name: str
    size: int


class PayloadUploadReply(msgspec.Struct, frozen=True):
    """An upload of a payload.

    Attributes:
        id: its own.
        version: of this record.
        created: seconds since 1970, as the next.
        changed: last time that something arrived.
        author: name of the user who began it.
        name: of the payload that it becomes; "" for a version.
        payload: id of the payload that gets a version; "" for a new one.
        label: of the volume.
        files: in the order of their bytes.
        size: of all files, bytes.
        missing: first byte, and the one after the last, of each piece that has not arrived; null in lists.
    """

    id: str
    version: int
    created: float
    changed: float
    author: str
    name: str
    payload: str
    label: str
    files: tuple[FileReply, ...]
    size: int
    missing: tuple[tuple[int, int], ...] | None


class PayloadUploadList(msgspec.Struct, frozen=True):
    """A page of uploads; `next` is the cursor of the next one."""

    items: tuple[PayloadUploadReply, ...]
    next: str | None


class _Operations:
    """What the table calls."""

    def __init__(self, database: Database, payloads: Payloads) -> None:
        self._database = database
        self._uploads = PayloadUploads(database, payloads)
        self._alone = threading.Lock()  # all of a payload is in memory while it is finished

    def all(self, call: Call) -> PayloadUploadList:
        with self._database.read() as tx:
            page = tx.payload_uploads.page(query_of(call.query))
        return listed(PayloadUploadList, page, lambda one: _shown(one, None))

    def begin(self, call: Call) -> Answer:
        body: PayloadUploadBody = call.body
        wanted = Wanted(
            files=[(one.name, one.size) for one in body.files],
            label=body.label,
            name=body.name,
            description=body.description,
            payload=body.payload,
            expected=body.payload_version,
        )
        known = self._uploads.begin(call.who, wanted)
        return Answer(value=_known(known), location=f"{_MANY}/{known.upload.id}")

    def one(self, call: Call) -> PayloadUploadReply:
        return _known(self._uploads.get(call.path["id"]))

    def write(self, call: Call) -> Incoming:
        upload = self._uploads.get(call.path["id"]).upload
        outside = partial(_outside, upload)
        place = place_of(call.headers, _WRITE, upload.size, outside)
        return Incoming(
            operation=_WRITE,
            start=place.start,
            length=place.length,
            most=upload.size - place.start,
            write=lambda at, data: self._written(upload.id, at, data),
            after=lambda: _known(self._uploads.get(upload.id)),
            close=lambda: None,
        )

    def _written(self, upload: str, start: int, data: bytes) -> None:
        self._uploads.write(upload, start, data)

    def finish(self, call: Call) -> Answer:
        body: FinishBody = call.body
        with self._alone:
            made = self._uploads.finish(call.who, call.path["id"], body.sha256)
        return Answer(value=shown(PayloadReply, made), version=made.version, location=f"/payloads/{made.id}")

    def abandon(self, call: Call) -> None:
        self._uploads.abandon(call.who, call.path["id"])


def _outside(upload: PayloadUpload, problem: str) -> OutsidePayloadUpload:
    return OutsidePayloadUpload(upload=upload.id, size=upload.size, problem=problem)


def _known(known: Known) -> PayloadUploadReply:
    return _shown(known.upload, known.missing)


def _shown(upload: PayloadUpload, missing: Missing | None) -> PayloadUploadReply:
    return PayloadUploadReply(
        id=upload.id,
        version=upload.version,
        created=upload.created,
        changed=upload.changed,
        author=upload.author,
        name=upload.name,
        payload=upload.payload_id or "",
        label=upload.label,
        files=tuple(FileReply(name=name, size=size) for name, size in upload.files),
        size=upload.size,
        missing=missing,
    )


def payload_upload_endpoints(database: Database, payloads: Payloads) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
        payloads: of the engine.
    """
    do = _Operations(database, payloads)
    return (*_looks(do), *_changes(do), *_ends(do))


def _looks(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="payload-uploads",
            method="GET",
            path=_MANY,
            right=Right.PAYLOAD_CHANGE,
            summary="Uploads of payloads that are under way, of everybody.",
            handle=do.all,
            reply=PayloadUploadList,
            query=ListQuery,
            tag=_TAG,
        ),
        Endpoint(
            name="payload-upload",
            method="GET",
            path=_ONE,
            right=Right.PAYLOAD_CHANGE,
            summary="One upload of a payload, and what of it has not arrived.",
            handle=do.one,
            reply=PayloadUploadReply,
            errors=(NotInInventory,),
            tag=_TAG,
        ),
    )


def _changes(do: _Operations) -> tuple[Endpoint, ...]:
    refusals = (NotInInventory, BadPayload, BadPayloadUpload, NameTaken, ChangedMeanwhile)
    return (
        Endpoint(
            name="payload-upload-begin",
            method="POST",
            path=_MANY,
            right=Right.PAYLOAD_CHANGE,
            summary="Begin to upload a payload by ranges, a new one or a version.",
            handle=do.begin,
            reply=PayloadUploadReply,
            body=PayloadUploadBody,
            body_max=_BODY_MAX,
            status=201,
            errors=(*refusals, TooManyPayloadUploads),
            tag=_TAG,
            kept=True,
        ),
        Endpoint(
            name=_WRITE,
            method="PUT",
            path=f"{_ONE}/content",
            right=Right.PAYLOAD_CHANGE,
            summary="Bytes of a payload, where Content-Range says; once answered they have arrived for good.",
            handle=do.write,
            reply=PayloadUploadReply,
            body=bytes,
            media=BYTES,
            streams=True,
            seconds=SECONDS,
            errors=(NotInInventory, OutsidePayloadUpload, TooManyPieces, PieceUnreadable),
            tag=_TAG,
            pool=Pool.TRANSFERS,
            audited=True,  # by its beginning and its end: pieces are many
        ),
    )


def _ends(do: _Operations) -> tuple[Endpoint, ...]:
    wrong = (PayloadIncomplete, PayloadDiffers, PayloadUploadChanging, PieceUnreadable)
    return (
        Endpoint(
            name="payload-upload-finish",
            method="POST",
            path=f"{_ONE}/finish",
            right=Right.PAYLOAD_CHANGE,
            summary="Keep a payload that has arrived; when it is refused the upload is as before.",
            handle=do.finish,
            reply=PayloadReply,
            body=FinishBody,
            status=201,
            seconds=SECONDS,
            errors=(NotInInventory, *wrong, BadPayload, NameTaken, ChangedMeanwhile),
            tag=_TAG,
            pool=Pool.TRANSFERS,
            kept=True,
            audited=True,
        ),
        Endpoint(
            name="payload-upload-abandon",
            method="DELETE",
            path=_ONE,
            right=Right.PAYLOAD_CHANGE,
            summary="Give an upload of a payload up; what has arrived goes.",
            handle=do.abandon,
            reply=None,
            status=204,
            errors=(NotInInventory,),
            tag=_TAG,
        ),
    )
