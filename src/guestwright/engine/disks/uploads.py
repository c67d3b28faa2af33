"""Uploads of disks: recorded here, written on hosts.

Theory of operation: an upload is three rows, of a disk, its volume (locked) and the upload itself, which are
kept before the host hears of it. Its id is the ticket that the host knows it by, and the host is told anew
whenever somebody writes, so that it does not matter which of the two was killed in between. What has arrived
is the host's to know, durably: nothing of it is in the engine. A job (`finish`) ends it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from sqlalchemy import update

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record
from guestwright.engine.disks.errors import (
    BadUpload,
    DiskHostLost,
    NoRoomForDisk,
    UploadEnding,
)
from guestwright.engine.disks.hosts import DiskHosts, File, HostLine, Missing
from guestwright.engine.inventory.choices import DiskFormat
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.ids import new_id
from guestwright.engine.inventory.model import Disk, StorageDomain, Upload, Volume
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.tables import uploads as table
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.templates.host_port import Place
from guestwright.host.client.errors import HostRefused
from guestwright.host.volumes.metadata import SECTOR, SIZE_MAX

NAME_MAX: Final = 255
_HELD: Final = "volume-held"  # of an upload that the host has finished, and the engine does not know of it


@record
class Wanted:
    """What is going to be uploaded.

    Attributes:
        name: of the disk.
        host: id.
        storage: name of a storage domain there.
        format: of the file.
        size: of the disk in it, bytes.
        file_size: of the file, bytes.
        sha256: of the file; "" if it is not known.
        description: for people.
    """

    name: str
    host: str
    storage: str
    format: DiskFormat
    size: int
    file_size: int
    sha256: str = ""
    description: str = ""


@record
class Known:
    """An upload as it is recorded, with the disk's name and what the host is told of it."""

    upload: Upload
    name: str
    file: File


class Uploads:
    """The uploads of an engine. Its calls may come from any thread.

    Args:
        database: the inventory.
        hosts: see there.
        clock: seconds since 1970.
        randomness: so many bytes, cryptographic.
    """

    def __init__(
        self,
        database: Database,
        hosts: DiskHosts,
        clock: Callable[[], float],
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._database = database
        self._hosts = hosts
        self._clock = clock
        self._randomness = randomness

    def begin(self, wanted: Wanted) -> Known:
        """Begin an upload.

        Raises:
            BadUpload, NoRoomForDisk, NotInInventory: it cannot be, as described.
            DiskHostSilent, HostRefused: the host does not take it; nothing is left of it.
            DiskHostLost: the host may have begun; the upload is listed.
        """
        _check(wanted)
        with self._database.write() as tx:
            id_ = self._record(tx, wanted, _storage(tx, wanted))
            known = known_of(tx, tx.uploads.get(id_))
        try:
            with self._hosts.to(wanted.host) as line:
                line.begin(known.file)
        except DiskHostLost:
            raise
        except GuestwrightError:
            self._forget(known)
            raise
        return known

    def get(self, upload: str) -> Known:
        """One upload.

        Raises:
            NotInInventory: there is none.
        """
        with self._database.read() as tx:
            return known_of(tx, tx.uploads.get(upload))

    def missing(self, known: Known) -> Missing:
        """What of it has not arrived; raises as `HostLine.begin`."""
        with self._hosts.to(known.file.place.host) as line:
            return self._missing(line, known.file)

    def _missing(self, line: HostLine, file: File) -> Missing:
        try:
            line.begin(file)
            return line.missing(file)
        except HostRefused as error:
            if error.code == _HELD:
                return ()
            raise

    def writer(self, upload: str) -> Writer:
        """What writes ranges of it; the caller closes that.

        Raises:
            NotInInventory, UploadEnding: there is no such upload, or not any more. And as `HostLine.begin`.
        """
        known = self._going_on(upload)
        line = self._hosts.line(known.file.place.host)
        try:
            line.begin(known.file)
        except BaseException:
            line.close()
            raise
        return Writer(line, known)

    def _going_on(self, upload: str) -> Known:
        """An upload that is written to; it is known from when, so that others can be given up."""
        with self._database.write() as tx:
            held = tx.uploads.hold(upload)
            if held.job:
                raise UploadEnding(upload=upload, job=held.job)
            moved = update(table).where(table.c.id == upload).values(changed=tx.now)
            tx.connection.execute(moved)  # told by no event: pieces are many
            return known_of(tx, held)

    def abandon(self, upload: str) -> None:
        """Give it up, with all that has arrived.

        Raises:
            NotInInventory, UploadEnding: there is none, or not any more. And as `HostLine.begin`: it stays.
        """
        known = self.get(upload)
        if known.upload.job:
            raise UploadEnding(upload=upload, job=known.upload.job)
        with self._hosts.to(known.file.place.host) as line:
            line.abandon(known.file)
        self._forget(known)

    def _record(self, tx: Transaction, wanted: Wanted, storage: StorageDomain) -> str:
        upload = self._id()
        volume = tx.volumes.add(
            Volume(
                id=self._id(),
                domain_id=storage.id,
                format=wanted.format,
                size=wanted.size,
                job=upload,
                reason="it is being uploaded",
            )
        )
        disk = tx.disks.add(
            Disk(id=self._id(), name=wanted.name, description=wanted.description, volume_id=volume.id)
        )
        tx.uploads.add(Upload(id=upload, disk_id=disk.id, file_size=wanted.file_size, sha256=wanted.sha256))
        return upload

    def _forget(self, known: Known) -> None:
        with self._database.write() as tx:
            tx.uploads.remove(known.upload.id)
            tx.disks.remove(known.upload.disk_id)
            tx.volumes.remove(known.file.place.volume)

    def _id(self) -> str:
        return new_id(self._clock(), self._randomness(10))


class Writer:
    """Writes ranges of an upload; for one thread at a time.

    Args:
        line: to its host.
        known: the upload.

    Attributes:
        known: likewise.
        missing: what has not arrived; None before anything was written.
    """

    def __init__(self, line: HostLine, known: Known) -> None:
        self.known = known
        self.missing: Missing | None = None
        self._line = line

    def write(self, offset: int, data: bytes) -> None:
        """Write a range; on return it has arrived, durably. Raises as `HostLine.begin`."""
        self.missing = self._line.write(self.known.file, offset, data)

    def left(self) -> Missing:
        """What has not arrived. Raises as `HostLine.begin`."""
        return self._line.missing(self.known.file) if self.missing is None else self.missing

    def close(self) -> None:
        """Let go of the host."""
        self._line.close()


def known_of(tx: Transaction, upload: Upload) -> Known:
    """An upload with what it refers to."""
    disk = tx.disks.get(upload.disk_id)
    volume = tx.volumes.get(str(disk.volume_id))
    storage = tx.storage.get(volume.domain_id)
    file = File(
        place=Place(host=storage.host_id, domain=storage.name, volume=volume.id),
        ticket=upload.id,
        format=volume.format,
        size=volume.size,
        file_size=upload.file_size,
        sha256=upload.sha256,
    )
    return Known(upload=upload, name=disk.name, file=file)


def _storage(tx: Transaction, wanted: Wanted) -> StorageDomain:
    host = tx.hosts.get(wanted.host)
    found = tx.storage.all(Filter("host_id", Op.IS, host.id), Filter("name", Op.IS, wanted.storage), most=1)
    if not found:
        raise BadUpload(field="storage", problem=f"host {host.name} has no storage {wanted.storage}")
    storage = found[0]
    if storage.capacity and wanted.file_size > storage.free:
        raise NoRoomForDisk(storage=storage.name, free=storage.free, needed=wanted.file_size)
    return storage


def _check(wanted: Wanted) -> None:
    name = wanted.name
    if not 0 < len(name) <= NAME_MAX or name != name.strip() or not name.isprintable():
        problem = f"1 to {NAME_MAX} printable characters, no blanks at the ends"
        raise BadUpload(field="name", problem=problem)
    if not 0 < wanted.size <= SIZE_MAX or wanted.size % SECTOR:
        raise BadUpload(field="size", problem=f"a multiple of {SECTOR}, at most {SIZE_MAX}")
    if not 0 < wanted.file_size <= SIZE_MAX:
        raise BadUpload(field="file_size", problem=f"1 to {SIZE_MAX} bytes")
    if wanted.format is DiskFormat.RAW and wanted.size != wanted.file_size:
        raise BadUpload(field="size", problem="a raw file is as large as the disk in it")
