"""Uploads of disks: begun, written by ranges, finished by a job, given up."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint, Pool
from guestwright.engine.api.lists import ListQuery, listed, query_of
from guestwright.engine.api.operations.jobs import Accepted, accepted
from guestwright.engine.api.parts import Parts
from guestwright.engine.api.placing import place_of
from guestwright.engine.api.streaming import BYTES, Incoming
from guestwright.engine.disks.errors import (
    BadUpload,
    DiskHostLost,
    DiskHostRefuses,
    DiskHostSilent,
    NoRoomForDisk,
    OutsideUpload,
    UploadEnding,
)
from guestwright.engine.disks.finish import KIND
from guestwright.engine.disks.hosts import DiskHosts, Missing
from guestwright.engine.disks.uploads import Known, Uploads, Wanted, Writer, known_of
from guestwright.engine.inventory.choices import DiskFormat
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.jobs.errors import JobBookUnreachable, NoSuchDurableJob
from guestwright.http_api.errors import Busy

TRANSFERS_MAX: Final = 16
SECONDS: Final = 300.0
"""Longer than a host is waited for."""
_TAG: Final = "storage"
_MANY: Final = "/disks/uploads"
_ONE: Final = "/disks/uploads/{id}"
_WRITE: Final = "disk-upload-write"
_HOST: Final = (DiskHostSilent, DiskHostLost, DiskHostRefuses)
_Text = Annotated[str, msgspec.Meta(max_length=4096)]
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_Bytes = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class UploadBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A disk that is going to be uploaded.

    Attributes:
        name: of the disk.
        host: id of a host.
        storage: name of a storage domain there.
        format: of the file.
        size: of the disk in it, bytes.
        file_size: of the file, bytes.
        sha256: of the file, to be compared at the end; "" without.
        description: for people.
    """

    name: _Id
    host: _Id
    storage: _Id
    format: DiskFormat
    size: _Bytes
    file_size: _Bytes
    sha256: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    description: _Text = ""


class UploadReply(msgspec.Struct, frozen=True):
    """An upload.

    Attributes:
        id: its own.
        version: rises with each change.
        created: seconds since 1970, as the next.
        changed: last time.
        name: of the disk.
        disk: id of the disk that it becomes.
        volume: id of its volume.
        host: id of the host.
        storage: name of the storage domain there.
        format: of the file.
        size: of the disk in it, bytes.
        file_size: of the file, bytes.
        sha256: of the file, as announced.
        job: that finishes it, or did last; "" for none.
        missing: first byte, and the one after the last, of each piece that has not arrived; null in lists.
    """

    id: str
    version: int
    created: float
    changed: float
    name: str
    disk: str
    volume: str
    host: str
    storage: str
    format: DiskFormat
    size: int
    file_size: int
    sha256: str
    job: str
    missing: tuple[tuple[int, int], ...] | None


class UploadList(msgspec.Struct, frozen=True):
    """A page of uploads; `next` is the cursor of the next one."""

    items: tuple[UploadReply, ...]
    next: str | None


class Places:
    """So many transfers at once."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(TRANSFERS_MAX)

    def take(self) -> None:
        """Take a place.

        Raises:
            Busy: there is none.
        """
        if not self._free.acquire(blocking=False):
            raise Busy(what="transfers", most=TRANSFERS_MAX)

    def leave(self) -> None:
        """Give it back."""
        self._free.release()


class _Operations:
    """What the table calls."""

    def __init__(self, parts: Parts, places: Places) -> None:
        self._parts = parts
        self._places = places

    @property
    def _uploads(self) -> Uploads:
        return Uploads(self._parts.database, DiskHosts(self._parts.addresses), self._parts.clock)

    def all(self, call: Call) -> UploadList:
        with self._parts.database.read() as tx:
            page = tx.uploads.page(query_of(call.query))
            return listed(UploadList, page, lambda one: _shown(known_of(tx, one), None))

    def begin(self, call: Call) -> Answer:
        body: UploadBody = call.body
        wanted = Wanted(**{name: getattr(body, name) for name in body.__struct_fields__})
        known = self._uploads.begin(wanted)
        return _answer(known, ((0, known.file.file_size),), location=f"{_MANY}/{known.upload.id}")

    def one(self, call: Call) -> Answer:
        known = self._uploads.get(call.path["id"])
        return _answer(known, self._uploads.missing(known))

    def write(self, call: Call) -> Incoming:
        self._places.take()
        try:
            writer = self._uploads.writer(call.path["id"])
        except BaseException:
            self._places.leave()
            raise
        try:
            return self._incoming(writer, call.headers)
        except BaseException:
            self._leave(writer)
            raise

    def _incoming(self, writer: Writer, headers: Mapping[str, str]) -> Incoming:
        known = writer.known
        size = known.file.file_size
        place = place_of(headers, _WRITE, size, partial(_outside, known))
        return Incoming(
            operation=_WRITE,
            start=place.start,
            length=place.length,
            most=size - place.start,
            write=writer.write,
            after=lambda: _answer(known, writer.left()),
            close=lambda: self._leave(writer),
        )

    def _leave(self, writer: Writer) -> None:
        writer.close()
        self._places.leave()

    def finish(self, call: Call) -> Answer:
        upload = self._uploads.get(call.path["id"]).upload
        if upload.job and (begun := self._begun(upload.job)) is not None:
            return begun
        key = f"{upload.id}/{upload.version}"  # whoever asks meanwhile gets the same job
        return accepted(self._parts.jobs.submit(KIND, {"upload": upload.id}, key=key))

    def _begun(self, job: str) -> Answer | None:
        """The answer about a job that ends an upload; None if there is none that may still."""
        try:
            found = self._parts.jobs.get(job)
        except NoSuchDurableJob:
            return None
        if found.status.ended and found.result is None:
            return None
        return accepted(found)

    def abandon(self, call: Call) -> None:
        self._uploads.abandon(call.path["id"])


def _outside(known: Known, problem: str) -> OutsideUpload:
    return OutsideUpload(upload=known.upload.id, size=known.file.file_size, problem=problem)


def _answer(known: Known, missing: Missing, location: str = "") -> Answer:
    return Answer(value=_shown(known, missing), location=location)


def _shown(known: Known, missing: Missing | None) -> UploadReply:
    upload, file = known.upload, known.file
    return UploadReply(
        id=upload.id,
        version=upload.version,
        created=upload.created,
        changed=upload.changed,
        name=known.name,
        disk=upload.disk_id,
        volume=file.place.volume,
        host=file.place.host,
        storage=file.place.domain,
        format=DiskFormat(file.format),
        size=file.size,
        file_size=upload.file_size,
        sha256=upload.sha256,
        job=upload.job,
        missing=missing,
    )


def upload_endpoints(parts: Parts, places: Places) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        parts: of the engine.
        places: for transfers.
    """
    do = _Operations(parts, places)
    return (*_looks(do), *_changes(do), *_ends(do))


def _looks(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="disk-uploads",
            method="GET",
            path=_MANY,
            right=Right.DISK_CHANGE,
            summary="Uploads of disks that are under way, of everybody.",
            handle=do.all,
            reply=UploadList,
            query=ListQuery,
            tag=_TAG,
        ),
        Endpoint(
            name="disk-upload",
            method="GET",
            path=_ONE,
            right=Right.DISK_CHANGE,
            summary="One upload, and what of it has not arrived.",
            handle=do.one,
            reply=UploadReply,
            seconds=SECONDS,
            errors=(NotInInventory, *_HOST),
            tag=_TAG,
            pool=Pool.TRANSFERS,
        ),
    )


def _changes(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="disk-upload-begin",
            method="POST",
            path=_MANY,
            right=Right.DISK_CHANGE,
            summary="Begin to upload a disk.",
            handle=do.begin,
            reply=UploadReply,
            body=UploadBody,
            status=201,
            seconds=SECONDS,
            errors=(NotInInventory, BadUpload, NoRoomForDisk, *_HOST),
            tag=_TAG,
            pool=Pool.TRANSFERS,
            kept=True,
        ),
        Endpoint(
            name=_WRITE,
            method="PUT",
            path=f"{_ONE}/content",
            right=Right.DISK_CHANGE,
            summary="Bytes of a disk, where Content-Range says; once answered they have arrived for good.",
            handle=do.write,
            reply=UploadReply,
            body=bytes,
            media=BYTES,
            streams=True,
            seconds=SECONDS,
            errors=(NotInInventory, OutsideUpload, UploadEnding, *_HOST),
            tag=_TAG,
            pool=Pool.TRANSFERS,
            audited=True,  # by its beginning and its end: pieces are many
        ),
    )


def _ends(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="disk-upload-finish",
            method="POST",
            path=f"{_ONE}/finish",
            right=Right.DISK_CHANGE,
            summary="Have a disk judged that has arrived; then it is there. Asked again: the same job.",
            handle=do.finish,
            reply=Accepted,
            status=202,
            errors=(NotInInventory, JobBookUnreachable),
            tag=_TAG,
            kept=True,
        ),
        Endpoint(
            name="disk-upload-abandon",
            method="DELETE",
            path=_ONE,
            right=Right.DISK_CHANGE,
            summary="Give an upload up; what has arrived goes.",
            handle=do.abandon,
            reply=None,
            status=204,
            seconds=SECONDS,
            errors=(NotInInventory, UploadEnding, *_HOST),
            tag=_TAG,
            pool=Pool.TRANSFERS,
        ),
    )
