"""Verb: upload a volume's file, in ranges of any size and order, over any number of connections.

Theory of operation: `begin` makes a locked volume, held by a ticket that the uploader chooses. Ranges are
written where they belong; what has arrived is noted in the metadata only after the file was flushed, so
after a crash the uploader asks for the state and sends what is missing. `finish` checks that all of it is
there and is what was announced, has qemu-img judge a qcow2 image, and makes the volume legal. The file
comes from anywhere: nothing opens it as an image before its header was checked.
"""

from __future__ import annotations

import hashlib
import os
from types import TracebackType
from typing import Final, Self

from guestwright.base.record import record, replace
from guestwright.disk.chain import check_image
from guestwright.disk.failpoints import reached
from guestwright.disk.formats import Choice, ImageFormat
from guestwright.disk.locks import lock_guard
from guestwright.host.jobs.kind import Work
from guestwright.host.volumes.content import punch, sha256, write_all
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.errand import qemu_img
from guestwright.host.volumes.errors import (
    BadVolume,
    ContentDiffers,
    NoSuchVolume,
    OutOfBounds,
    ToolFailed,
    UploadIncomplete,
    VolumeHeld,
)
from guestwright.host.volumes.metadata import Format, Holder, Kind, Metadata, State, Upload
from guestwright.host.volumes.metadata import check as check_volume
from guestwright.host.volumes.ranges import add, missing
from guestwright.host.volumes.rules import finish as finished
from guestwright.host.volumes.source import check_content, confirm

VERB: Final = "upload"
NOTE_BYTES: Final = 64 << 20
"""After how many bytes what has arrived is flushed and noted at the latest."""
RANGES_MAX: Final = 1024
_ZEROS: Final = bytes(64 << 10)


@record
class Begin:
    """What is going to be uploaded.

    Attributes:
        volume: its id.
        format: of the file.
        size: of the disk in it, bytes.
        file_size: of the file, bytes.
        sha256: of the file; "" if it is not known.
        kind: what it is once it is there.
        description: for people.
    """

    volume: str
    format: Format
    size: int
    file_size: int
    sha256: str = ""
    kind: Kind = Kind.LEAF
    description: str = ""


def begin(domain: Domain, wanted: Begin, ticket: str, *, now: float) -> Metadata:
    """Begin an upload, or go on with the one of this ticket; one that is finished is legal.

    Args:
        domain: where to.
        wanted: what.
        ticket: names the upload; who has it may go on with it.
        now: seconds since 1970.

    Raises:
        VolumeExists, VolumeHeld, BadVolume, StorageFull: it cannot be.
    """
    if wanted.format is Format.RAW and wanted.size != wanted.file_size:
        raise BadVolume(volume=wanted.volume, problem="a raw file is as large as the disk in it")
    volume = check_volume(
        Metadata(
            id=wanted.volume,
            kind=wanted.kind,
            state=State.LOCKED,
            format=wanted.format,
            size=wanted.size,
            description=wanted.description,
            created=now,
            holder=Holder(job=ticket, attempt=0, verb=VERB),
            upload=Upload(size=wanted.file_size, sha256=wanted.sha256),
            made=ticket,
        )
    )
    with domain.changing():
        try:
            former = domain.read(volume.id)
        except NoSuchVolume:
            domain.add(volume)
        else:
            volume = _same(former, volume)
            if domain.files.look(domain.data_name(volume)) is not None:
                return volume
        try:
            _make_file(domain, volume, wanted.file_size)
        except BaseException:
            domain.drop(volume.id)
            raise
    return volume


def _make_file(domain: Domain, volume: Metadata, size: int) -> None:
    fd = domain.make_data(volume)
    try:
        with domain.files.sound("beginning an upload"):
            os.ftruncate(fd, size)
    finally:
        os.close(fd)
    domain.files.flush()


def _same(former: Metadata, volume: Metadata) -> Metadata:
    if former.holder is None and former.made == volume.made:
        return former  # it is finished already; its uploader did not hear of it
    _uploading(former, volume.holder.job if volume.holder else "")
    assert former.upload is not None
    assert volume.upload is not None
    announced = (former.format, former.size, former.kind, former.upload.size, former.upload.sha256)
    if announced != (volume.format, volume.size, volume.kind, volume.upload.size, volume.upload.sha256):
        raise BadVolume(volume=volume.id, problem="another upload than the one that was begun")
    return former


class Writer:
    """Writes ranges of an upload. Use it as a context manager: leaving it notes what has arrived.

    Args:
        domain: where to.
        volume: its id.
        ticket: of the upload.

    Raises:
        NoSuchVolume, VolumeHeld: there is no such upload.
    """

    def __init__(self, domain: Domain, volume: str, ticket: str) -> None:
        self._domain = domain
        self._ticket = ticket
        self._volume = domain.read(volume)
        self._size = _uploading(self._volume, ticket).size
        self._fd = domain.open_data(self._volume, writable=True)
        try:
            self._lock()
        except BaseException:
            os.close(self._fd)
            raise
        self._new: list[tuple[int, int]] = []
        self._unnoted = 0

    def _lock(self) -> None:
        """Keep it an upload: `finish` waits for no writer, and after it nobody writes."""
        lock_guard(self._fd, path=self._domain.data_path(self._volume), writable=False)
        _uploading(self._domain.read(self._volume.id), self._ticket)
        confirm(self._domain, self._volume, self._fd)
        if os.fstat(self._fd).st_size != self._size:  # who began it was killed just then
            with self._domain.files.sound("beginning an upload"):
                os.ftruncate(self._fd, self._size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.note()
        finally:
            os.close(self._fd)

    def write(self, offset: int, data: bytes | memoryview, *, sha256: str = "") -> None:
        """Write a range.

        Args:
            offset: where, bytes.
            data: what.
            sha256: of the range; "" to believe it.

        Raises:
            OutOfBounds, ContentDiffers, StorageFull: nothing of it counts as arrived.
        """
        view = memoryview(data)
        if offset < 0 or offset + len(view) > self._size:
            raise OutOfBounds(volume=self._volume.id, offset=offset, length=len(view), size=self._size)
        if sha256 and (found := hashlib.sha256(view).hexdigest()) != sha256:
            raise ContentDiffers(
                volume=self._volume.id, what="a range's checksum", found=found, expected=sha256
            )
        if not view:
            return
        with self._domain.files.sound("writing an upload"):
            for start in range(0, len(view), len(_ZEROS)):
                piece = view[start : start + len(_ZEROS)]
                if piece != _ZEROS[: len(piece)] or not punch(self._fd, offset + start, len(piece)):
                    write_all(self._fd, offset + start, piece)
        self._arrived(offset, len(view))

    def zero(self, offset: int, length: int) -> None:
        """Make a range zeros, which are not sent.

        Raises:
            OutOfBounds, StorageFull: nothing of it counts as arrived.
        """
        if offset < 0 or length < 0 or offset + length > self._size:
            raise OutOfBounds(volume=self._volume.id, offset=offset, length=length, size=self._size)
        with self._domain.files.sound("writing an upload"):
            if length and not punch(self._fd, offset, length):
                for start in range(offset, offset + length, len(_ZEROS)):
                    piece = _ZEROS[: min(len(_ZEROS), offset + length - start)]
                    write_all(self._fd, start, memoryview(piece))
        if length:
            self._arrived(offset, length)

    def note(self) -> None:
        """Flush what has arrived, and note that it has; durable on return.

        Raises:
            VolumeHeld, NoSuchVolume: the upload is over.
            BadVolume: it came in too many pieces.
            StorageFull, StorageFailed: what came since the last note has to be sent again.
        """
        if not self._new:
            return
        with self._domain.files.sound("flushing an upload"):
            os.fdatasync(self._fd)
        reached("volume-upload-flushed")
        new, self._new, self._unnoted = self._new, [], 0
        self._domain.change(self._volume.id, lambda now: _noted(now, self._ticket, new))
        reached("volume-upload-noted")

    def _arrived(self, offset: int, length: int) -> None:
        self._new = list(add(tuple(self._new), (offset, offset + length)))
        self._unnoted += length
        if self._unnoted >= NOTE_BYTES or len(self._new) >= RANGES_MAX:
            self.note()


def status(domain: Domain, volume: str) -> list[tuple[int, int]]:
    """What has not arrived yet: (start, end), ascending, bytes.

    Raises:
        NoSuchVolume, VolumeHeld: there is no such upload.
    """
    upload = _uploading(domain.read(volume), "")
    return missing(upload.ranges, upload.size)


def finish(domain: Domain, volume: str, ticket: str, work: Work) -> Metadata:
    """Judge what has arrived, and make the volume legal.

    Raises:
        UploadIncomplete: not all is there.
        ImageInUse: somebody still writes.
        ContentDiffers: it is not what was announced; everything has to be sent again.
        GuestwrightError: it is no image of its format, or one that must not be; it can only be abandoned.
    """
    found = domain.read(volume)
    if found.holder is None and found.made == ticket:
        return found  # an earlier attempt did it
    _uploading(found, ticket)
    fd = domain.open_data(found, writable=True)
    try:
        lock_guard(fd, path=domain.data_path(found), writable=True)
        confirm(domain, found, fd)
        found = domain.read(volume)
        upload = _uploading(found, ticket)
        _check_complete(volume, upload)
        _judge(domain, found, upload, fd, work)
        with domain.files.sound("flushing an upload"):
            os.fsync(fd)
        work.commit()
        reached("volume-upload-judged")
        holder = Holder(job=ticket, attempt=0, verb=VERB)
        return domain.change(volume, lambda now: finished(now, holder))
    finally:
        os.close(fd)


def _check_complete(volume: str, upload: Upload) -> None:
    left = missing(upload.ranges, upload.size)
    if left:
        total = sum(end - start for start, end in left)
        raise UploadIncomplete(volume=volume, missing=total, first=left[0][0])


def abandon(domain: Domain, volume: str, ticket: str) -> None:
    """Remove an upload and what has arrived of it. One that is gone is no failure."""
    domain.abandon(volume, Holder(job=ticket, attempt=0, verb=VERB))


def _judge(domain: Domain, volume: Metadata, upload: Upload, fd: int, work: Work) -> None:
    with domain.files.sound("reading an upload"):
        if upload.sha256 and (found := sha256(fd, upload.size, work)) != upload.sha256:
            os.ftruncate(fd, 0)
            os.ftruncate(fd, upload.size)
            domain.change(volume.id, lambda now: replace(now, upload=replace(upload, ranges=())))
            raise ContentDiffers(volume=volume.id, what="its checksum", found=found, expected=upload.sha256)
    if volume.format is Format.RAW:
        return
    path = domain.data_path(volume)
    check_image(fd, path, Choice(ImageFormat.QCOW2, stated=True), allow_snapshots=True)
    check_content(domain, volume, fd)
    status_, out = qemu_img(["check", "-q", "-f", "qcow2", path], work, read=(path,))
    if status_ not in {0, 3}:  # 3: clusters that nothing refers to, which costs room only (qemu-img(1))
        raise ToolFailed(tool="qemu-img check", detail=f"status {status_}: {' '.join(out.split())[:300]}")


def _noted(volume: Metadata, ticket: str, new: list[tuple[int, int]]) -> Metadata:
    upload = _uploading(volume, ticket)
    ranges = upload.ranges
    for one in new:
        ranges = add(ranges, one)
    if len(ranges) > RANGES_MAX:
        raise BadVolume(volume=volume.id, problem=f"more than {RANGES_MAX} separate pieces")
    return replace(volume, upload=replace(upload, ranges=ranges))


def _uploading(volume: Metadata, ticket: str) -> Upload:
    """The upload of a volume, if it is this ticket's ("" for anybody's)."""
    holder = volume.holder
    if volume.upload is None or holder is None or (ticket and holder.job != ticket):
        job, verb = (holder.job, holder.verb) if holder else ("nobody", "idle")
        raise VolumeHeld(volume=volume.id, job="another ticket" if verb == VERB else job, verb=verb)
    return volume.upload
