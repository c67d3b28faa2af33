"""Committing the writes of a run to its images: all of them or none, whatever happens meanwhile.

Theory of operation: the new content goes to a log file beside the first image, then a commit mark, each
made durable; then it goes to the images; then the log is removed. A kill before the mark leaves the images
as they were, and the next open discards the log; a kill after it leaves a complete log, and the next open
writes it out again. Writing it twice does no harm. Images of other paths get a pointer file to the log
first, so that opening any of them finds it. Room in sparse raw images is reserved before the mark, so that
a full disk shows while there is still a way back. The images stay locked all the time; see `recovery` for
the way back in.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final

from guestwright.base.block import BlockDevice, TakesMany
from guestwright.base.record import record
from guestwright.base.undo import UndoStack
from guestwright.disk import redo_format as form
from guestwright.disk.errors import CommitPending, DiskError
from guestwright.disk.failpoints import reached
from guestwright.disk.handle import Image
from guestwright.disk.raw import RawDevice
from guestwright.disk.redo_file import RedoReader, RedoWriter, storage_error, sync_directory, write_pointer
from guestwright.disk.redo_names import log_path, state_directory
from guestwright.disk.room import check_room

FAILPOINTS: Final = (
    "pointers-written",
    "log-created",
    "log-half",
    "log-written",
    "log-synced",
    "reserved",
    "committed",
    "applied-one",
    "applied",
    "flushed",
    "log-removed",
    "pointers-removed",
)

Failpoint = Callable[[str], None]


@record
class CommitPart:
    """One image, open for writing, and the extents to write to its disk: (offset, bytes), not overlapping."""

    image: Image
    writes: Iterable[tuple[int, bytes]]


@record
class Committed:
    """What a commit wrote: bytes of changed extents, number of extents."""

    size: int
    extents: int


def commit(parts: Iterable[CommitPart], *, failpoint: Failpoint = reached) -> Committed:
    """Write all parts to their images, all or nothing.

    Args:
        parts: each image once. Extents that the disk already holds are skipped.
        failpoint: called with a name of `FAILPOINTS` at each boundary, for tests.

    Returns:
        How much was written. The images are flushed; they stay open.

    Raises:
        HostNoSpace, DiskIO, ImageDenied, NbdFailed: before the commit mark; no image was touched.
        CommitPending: after it; the next `open_image` finishes the change, which is decided now.
        ValueError: no image, one twice, or one that is open for reading.
    """
    parts = tuple(parts)
    paths = [part.image.path for part in parts]
    if not 0 < len(parts) <= form.MAX_IMAGES or len(set(paths)) != len(paths):
        raise ValueError("a commit takes each image once")
    if not all(part.image.writable for part in parts):
        raise ValueError("a commit takes images that are open for writing")
    header = form.Header(id=os.urandom(form.ID_SIZE), images=tuple(_logged(part.image) for part in parts))
    logs = [_prepare(path) for path in paths]
    with UndoStack() as undo:
        writer = _write_log(header, logs, parts, undo, failpoint)
        if writer.records:
            undo.success()
    if writer.records:
        finish(logs, [part.image for part in parts], failpoint=failpoint, check=False)
    return Committed(size=writer.size, extents=writer.records)


def _write_log(
    header: form.Header, logs: list[str], parts: tuple[CommitPart, ...], undo: UndoStack, failpoint: Failpoint
) -> RedoWriter:
    """Everything up to and with the commit mark. Leaves how to take it back in `undo`."""
    for index, path in enumerate(logs[1:], 1):
        write_pointer(path, form.Pointer(id=header.id, index=index, log=logs[0]))
        undo.add(partial(_unlink, path))
    failpoint("pointers-written")
    writer = RedoWriter(logs[0], header)
    undo.add(partial(_unlink, logs[0]))
    try:
        failpoint("log-created")
        extents: list[list[tuple[int, int]]] = []
        for index, part in enumerate(parts):
            extents.append([])
            for offset, old, data in _changed(part):
                writer.add(index, offset, old, data)
                extents[index].append((offset, len(data)))
                if writer.records == 1:
                    failpoint("log-half")
        failpoint("log-written")
        if writer.records:
            writer.sync()
            for directory in {os.path.dirname(path): path for path in logs}.values():
                sync_directory(directory)
            failpoint("log-synced")
            for part, wanted in zip(parts, extents, strict=True):
                _reserve(part.image, wanted)
            failpoint("reserved")
            writer.seal()
            failpoint("committed")
    finally:
        writer.close()
    return writer


def _changed(part: CommitPart) -> Iterator[tuple[int, bytes, bytes]]:
    """(offset, old, new) of the extents that differ from what the disk holds, in pieces of at most 1 MiB."""
    device = part.image.reader
    for offset, data in part.writes:
        for start in range(0, len(data), form.MAX_RECORD):
            piece = bytes(data[start : start + form.MAX_RECORD])
            old = device.read(offset + start, len(piece))
            if old != piece:
                yield offset + start, old, piece


def _reserve(image: Image, extents: list[tuple[int, int]]) -> None:
    if isinstance(image.device, RawDevice):
        image.device.reserve(extents)
    else:
        check_room(image.path, image.device, extents)


def finish(
    logs: list[str], images: list[Image], *, failpoint: Failpoint = reached, check: bool = True
) -> None:
    """Write a complete log to its images, make them durable, and remove it.

    Args:
        logs: path of the log, then those of its pointers.
        images: in the order of the log, open for writing.
        failpoint: as of `commit`.
        check: compare the checksums in the log; needless right after writing it.

    Raises:
        CommitPending: the host cannot store all of it; the log stays.
    """
    try:
        reader = RedoReader(logs[0])
        try:
            entries = reader.entries(check=check)
            for first in itertools.islice(entries, 1):
                images[first.head.disk].device.write(first.head.offset, first.data)
                failpoint("applied-one")
            for disk, several in itertools.groupby(entries, key=lambda entry: entry.head.disk):
                _write(images[disk].device, ((entry.head.offset, entry.data) for entry in several))
        finally:
            reader.close()
        failpoint("applied")
        for image in images:
            image.device.flush()
        failpoint("flushed")
        _unlink(logs[0])
        sync_directory(logs[0])
    except (DiskError, form.FormatError, OSError) as error:
        text = getattr(error, "message", str(error))
        raise CommitPending(path=images[0].path, detail=text, log=logs[0]) from error
    failpoint("log-removed")
    for path in logs[1:]:
        _unlink(path)
    failpoint("pointers-removed")


def _write(device: BlockDevice, writes: Iterable[tuple[int, bytes]]) -> None:
    if isinstance(device, TakesMany):
        device.write_all(writes)
        return
    for offset, data in writes:
        device.write(offset, data)


def _logged(image: Image) -> form.LoggedImage:
    identity = image.identity()
    return form.LoggedImage(
        path=image.path,
        format=str(image.format),
        allow_backing=image.allow_backing,
        allow_snapshots=image.allow_snapshots,
        disk_size=image.device.size,
        file_size=identity.size,
        device=identity.device,
        inode=identity.inode,
        generation=identity.generation,
    )


def _prepare(path: str) -> str:
    """Path of an image's log; the directory for those of block devices is made on first use."""
    log = log_path(path)
    if os.path.dirname(log) == state_directory():
        try:
            os.makedirs(state_directory(), mode=0o700, exist_ok=True)
        except OSError as error:
            raise storage_error(log, "creating the redo log", error) from error
    return log


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
