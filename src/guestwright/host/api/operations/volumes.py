"""Operations on storage domains: volumes, their attributes, upload and download; what takes long is a job."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from guestwright.base.record import record
from guestwright.host.api import transfer
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.enrol.roles import Role
from guestwright.host.volumes import upload
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.download import Download
from guestwright.host.volumes.errors import (
    GenerationMismatch,
    NoSuchDomain,
    NoSuchVolume,
    OutOfBounds,
    VolumeExists,
    VolumeHeld,
    WrongState,
)
from guestwright.host.volumes.metadata import Format, Kind, Metadata
from guestwright.host.volumes.rules import Update
from guestwright.host.volumes.update import update
from guestwright.http_api.errors import Busy

TRANSFERS_MAX: Final = 16
_TAG: Final = "volumes"
_ONE: Final = "/v1/storage/{storage}/volumes/{volume}"
_BYTES: Final = "application/octet-stream"
_NO_UPLOAD: Final = (NoSuchDomain, NoSuchVolume, VolumeHeld)
_Text = Annotated[str, msgspec.Meta(max_length=4096)]
_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Bytes = Annotated[int, msgspec.Meta(ge=0)]


@record
class StorageDetail:
    """A storage domain.

    Attributes:
        name: by which the service knows it.
        directory: where it is on the host.
        capacity: bytes of its file system.
        free: bytes of these that the service may still write; 0 for both when nobody can say.
    """

    name: str
    directory: str
    capacity: int
    free: int


@record
class Storages:
    """Storage domains of the host.

    Attributes:
        storage: their names.
        details: each of them.
    """

    storage: tuple[str, ...]
    details: tuple[StorageDetail, ...]


@record
class Volumes:
    """Volumes of a storage domain, by name.

    Attributes:
        volumes: each of them.
    """

    volumes: tuple[Metadata, ...]


@record
class Missing:
    """What of an upload has not arrived.

    Attributes:
        missing: first byte, and the one after the last, of each piece; none when all is there.
    """

    missing: tuple[tuple[int, int], ...]


@record
class Removed:
    """An upload that was given up.

    Attributes:
        volume: its name; it is gone.
    """

    volume: str


class UpdateBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which attributes to change; what is left out stays.

    Attributes:
        generation: that the caller has seen; another one is refused.
        legal: whether the volume shall be fit for use.
        shared: true makes a leaf shared.
        description: for people.
        next_generation: in place of the one that follows.
    """

    generation: int
    legal: bool | None = None
    shared: bool | None = None
    description: _Text | None = None
    next_generation: int | None = None


class UploadBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is going to be uploaded.

    Attributes:
        volume: its name.
        ticket: names the upload; the uploader's choice. It is no secret: the volume's metadata shows it.
        format: of the file.
        size: of the disk in it, bytes.
        file_size: of the file, bytes.
        sha256: of the file; "" if it is not known.
        kind: what it is once it is there.
        description: for people.
    """

    volume: _Word
    ticket: _Word
    format: Format
    size: _Bytes
    file_size: _Bytes
    sha256: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    kind: Kind = Kind.LEAF
    description: _Text = ""


class TicketQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which upload.

    Attributes:
        ticket: of it.
    """

    ticket: _Word


class _Operations:
    """What the table calls."""

    def __init__(self, storages: Mapping[str, Domain]) -> None:
        self._storages = storages
        self._places = threading.BoundedSemaphore(TRANSFERS_MAX)

    def storages(self, call: Call) -> Storages:
        del call
        names = tuple(sorted(self._storages))
        return Storages(storage=names, details=tuple(_detail(one, self._storages[one].path) for one in names))

    def listed(self, call: Call) -> Volumes:
        return Volumes(volumes=tuple(self._storage(call).volumes()))

    def volume(self, call: Call) -> Metadata:
        return self._storage(call).read(call.path["volume"])

    def update(self, call: Call) -> Metadata:
        body: UpdateBody = call.body
        wanted = Update(
            legal=body.legal,
            shared=body.shared,
            description=body.description,
            generation=body.next_generation,
        )
        return update(self._storage(call), call.path["volume"], body.generation, wanted)

    def download(self, call: Call) -> transfer.Download:
        storage = self._storage(call)
        self._take_place()
        try:
            source = Download(storage, call.path["volume"])
        except BaseException:
            self._places.release()
            raise
        return transfer.Download(source, call.headers, self._places.release)

    def begin(self, call: Call) -> Metadata:
        body: UploadBody = call.body
        values = {name: getattr(body, name) for name in body.__struct_fields__ if name != "ticket"}
        return upload.begin(self._storage(call), upload.Begin(**values), body.ticket, now=time.time())

    def write(self, call: Call) -> transfer.Upload:
        storage, volume, ticket = self._storage(call), call.path["volume"], call.query.ticket
        self._take_place()
        try:
            return transfer.Upload(
                "volume-upload",
                lambda: upload.Writer(storage, volume, ticket),
                lambda: _missing(storage, volume),
                call.headers,
                self._places.release,
            )
        except BaseException:
            self._places.release()
            raise

    def status(self, call: Call) -> Missing:
        return _missing(self._storage(call), call.path["volume"])

    def abandon(self, call: Call) -> Removed:
        upload.abandon(self._storage(call), call.path["volume"], call.query.ticket)
        return Removed(volume=call.path["volume"])

    def _storage(self, call: Call) -> Domain:
        name = call.path["storage"]
        found = self._storages.get(name)
        if found is None:
            raise NoSuchDomain(domain=name[:80])
        return found

    def _take_place(self) -> None:
        if not self._places.acquire(blocking=False):
            raise Busy(what="transfers", most=TRANSFERS_MAX)


def _detail(name: str, directory: str) -> StorageDetail:
    try:
        found = os.statvfs(directory)
    except OSError:
        return StorageDetail(name=name, directory=directory, capacity=0, free=0)
    return StorageDetail(
        name=name,
        directory=directory,
        capacity=found.f_blocks * found.f_frsize,
        free=found.f_bavail * found.f_frsize,
    )


def volume_endpoints(storages: Mapping[str, Domain]) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        storages: name to storage domain.
    """
    do = _Operations(storages)
    return (*_reads(do), *_changes(do), *_uploads(do), *_upload_states(do))


def _reads(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="storage",
            method="GET",
            path="/v1/storage",
            role=Role.VIEWER,
            summary="The storage domains.",
            handle=do.storages,
            reply=Storages,
            tag=_TAG,
        ),
        Endpoint(
            name="volumes",
            method="GET",
            path="/v1/storage/{storage}/volumes",
            role=Role.VIEWER,
            summary="All volumes of a storage domain.",
            handle=do.listed,
            reply=Volumes,
            errors=(NoSuchDomain,),
            tag=_TAG,
        ),
        Endpoint(
            name="volume",
            method="GET",
            path=_ONE,
            role=Role.VIEWER,
            summary="One volume.",
            handle=do.volume,
            reply=Metadata,
            errors=(NoSuchDomain, NoSuchVolume),
            tag=_TAG,
        ),
    )


def _changes(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="volume-update",
            method="PATCH",
            path=_ONE,
            role=Role.OPERATOR,
            summary="Change attributes of a volume that is as the caller has seen it.",
            handle=do.update,
            reply=Metadata,
            body=UpdateBody,
            errors=(NoSuchDomain, NoSuchVolume, GenerationMismatch, WrongState, VolumeHeld),
            tag=_TAG,
        ),
        Endpoint(
            name="volume-download",
            method="GET",
            path=f"{_ONE}/content",
            role=Role.OPERATOR,
            summary="The volume's file, or one Range of it; go on with If-Range after a break.",
            handle=do.download,
            reply=bytes,
            media=_BYTES,
            errors=(NoSuchDomain, NoSuchVolume, WrongState, VolumeHeld),
            tag=_TAG,
        ),
    )


def _uploads(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="upload-begin",
            method="POST",
            path="/v1/storage/{storage}/uploads",
            role=Role.OPERATOR,
            summary="Begin an upload, or go on with the one of this ticket.",
            handle=do.begin,
            reply=Metadata,
            body=UploadBody,
            errors=(NoSuchDomain, VolumeExists, VolumeHeld),
            tag=_TAG,
        ),
        Endpoint(
            name="volume-upload",
            method="PUT",
            path=f"{_ONE}/content",
            role=Role.OPERATOR,
            summary="Bytes of an upload, where Content-Range says; a job volume.upload-finish ends it.",
            handle=do.write,
            reply=Missing,
            body=bytes,
            query=TicketQuery,
            streams=True,
            media=_BYTES,
            errors=(*_NO_UPLOAD, OutOfBounds),
            tag=_TAG,
        ),
    )


def _upload_states(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="upload",
            method="GET",
            path=f"{_ONE}/upload",
            role=Role.OPERATOR,
            summary="What of an upload has not arrived.",
            handle=do.status,
            reply=Missing,
            errors=_NO_UPLOAD,
            tag=_TAG,
        ),
        Endpoint(
            name="upload-abandon",
            method="DELETE",
            path=f"{_ONE}/upload",
            role=Role.OPERATOR,
            summary="Give an upload up; the volume goes.",
            handle=do.abandon,
            reply=Removed,
            query=TicketQuery,
            errors=_NO_UPLOAD,
            tag=_TAG,
        ),
    )


def _missing(storage: Domain, volume: str) -> Missing:
    return Missing(missing=tuple(upload.status(storage, volume)))
