"""Finishing or discarding a change that was interrupted.

Theory of operation: a log without a valid commit mark changed nothing yet, so it is discarded. A log with
one is written to its images again. Before that, each image must be the one that the log was made for: the
same file (an inode number can be used again, so its generation counts too), of the same size, and in every
sector that the log writes it must hold either the old content, by checksum, or the new. So a log is never
applied to another image that came to lie at the path, nor to one that was used since.

Only who holds the image's lock exclusively may judge a log, since a log being written looks unfinished too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from enum import StrEnum
from zlib import crc32

from guestwright.base.block import BlockDevice
from guestwright.disk import redo_format as form
from guestwright.disk.errors import (
    ImageNotFound,
    OutOfRange,
    RedoDamaged,
    RedoRefused,
)
from guestwright.disk.formats import Choice, ImageFormat
from guestwright.disk.handle import Image, open_unrecovered
from guestwright.disk.locks import lock_guard
from guestwright.disk.raw import open_image_file
from guestwright.disk.redo import finish
from guestwright.disk.redo_file import RedoReader, read_pointer, storage_error
from guestwright.disk.redo_names import SUFFIX, log_path, state_directory


class Recovered(StrEnum):
    """What `recover` found and did."""

    NONE = "none"
    FINISHED = "finished"
    DISCARDED = "discarded"


def recover(path: str) -> Recovered:
    """Finish or discard the interrupted change that an image's redo log describes.

    Args:
        path: of the image, which must not be open here.

    Returns:
        NONE without a log; DISCARDED when the log was not complete; FINISHED when it was applied.

    Raises:
        ImageInUse: somebody has one of the images open.
        RedoRefused: the log does not fit what lies at the path, or its owner has no say over the images.
        RedoDamaged: the log has a commit mark, but its content fails its checks.
        CommitPending: the host cannot store all of it.
    """
    own = log_path(path)
    if not os.path.lexists(own):
        return Recovered.NONE
    log, index = _judge(path, own)
    if not log:
        return Recovered.DISCARDED
    return _finish(path, own, log, index)


def _judge(path: str, own: str) -> tuple[str, int]:
    """The log to finish and the image's index in it; ("", 0) when it was discarded."""
    fd = open_image_file(os.path.realpath(path), writable=True)
    try:
        lock_guard(fd, path=path, writable=True)
        pointer = read_pointer(own)
        log = own if pointer is None else pointer.log
        if _is_complete(log, path, pointer):
            return log, 0 if pointer is None else pointer.index
        for name in _own_files(own, path):
            _remove(name)
        return "", 0
    finally:
        os.close(fd)


def _is_complete(log: str, path: str, pointer: form.Pointer | None) -> bool:
    """Whether a log is there and has its commit mark. One that was damaged after its mark is an error."""
    try:
        reader = RedoReader(log)
    except FileNotFoundError as error:
        if pointer is not None and not _log_would_be_there(log):
            raise RedoRefused(log=log, path=path, detail="neither the log nor its image is there") from error
        return False
    try:
        try:
            if pointer is not None and reader.header().id != pointer.id:
                return False  # the pointer of an older change that ended before its removal
            for _ in reader.entries():
                pass
        except form.FormatError as error:
            if reader.has_mark():
                raise RedoDamaged(path=path, log=log, detail=str(error)) from error
            return False
        return True
    finally:
        reader.close()


def _log_would_be_there(log: str) -> bool:
    """Whether a log that is missing is really gone, rather than on storage that is not mounted now."""
    if os.path.dirname(log) == state_directory():
        return os.path.isdir(state_directory())
    return os.path.lexists(log.removesuffix(SUFFIX))


def _own_files(own: str, path: str) -> Iterator[str]:
    """The unfinished log or stale pointer at `own`, and the pointers of other images to that log."""
    yield own
    try:
        reader = RedoReader(own)
    except FileNotFoundError:
        return
    try:
        header = reader.header()
    except form.FormatError:
        return
    finally:
        reader.close()
    for image in header.images[1:]:
        name = log_path(image.path)
        try:
            pointer = read_pointer(name)
        except (FileNotFoundError, RedoRefused):
            continue
        if pointer is not None and pointer.id == header.id and os.path.realpath(path) != image.path:
            yield name


def _finish(path: str, own: str, log: str, index: int) -> Recovered:
    reader = RedoReader(log)
    with ExitStack() as stack:
        stack.callback(reader.close)
        header = reader.header()
        if index >= len(header.images):
            raise RedoRefused(log=log, path=path, detail="it has no such image")
        images = [
            stack.enter_context(
                _open(os.path.realpath(path) if number == index else logged.path, logged, log)
            )
            for number, logged in enumerate(header.images)
        ]
        if not os.path.lexists(own):
            return Recovered.FINISHED  # another run was quicker, before we held the locks
        for image, logged in zip(images, header.images, strict=True):
            _check_identity(image, logged, log, reader.owner)
        try:
            for entry in reader.entries():
                _check_content(images[entry.head.disk], entry.head, entry.table, entry.data, log)
        except form.FormatError as error:
            raise RedoDamaged(path=path, log=log, detail=str(error)) from error
        pointers = [
            own if number == index else log_path(images[number].path) for number in range(1, len(images))
        ]
        finish([log, *pointers], images)
    return Recovered.FINISHED


def _open(path: str, logged: form.LoggedImage, log: str) -> Image:
    try:
        choice = Choice(ImageFormat(logged.format), stated=True)
    except ValueError as error:
        raise RedoRefused(log=log, path=path, detail=f"unknown format {logged.format}") from error
    try:
        return open_unrecovered(
            path,
            choice,
            writable=True,
            allow_backing=logged.allow_backing,
            allow_snapshots=logged.allow_snapshots,
        )
    except ImageNotFound as error:
        raise RedoRefused(log=log, path=path, detail="the image is not there") from error


def _check_identity(image: Image, logged: form.LoggedImage, log: str, owner: int) -> None:
    """Refuse another file than the log was made for.

    The device number is not compared: it may be another one after the host was started again.
    """
    found = image.identity()
    if (found.inode, found.generation) != (logged.inode, logged.generation):
        raise RedoRefused(log=log, path=image.path, detail="another file lies there now (copied or replaced)")
    if image.device.size != logged.disk_size or (
        image.format is ImageFormat.RAW and found.size != logged.file_size
    ):
        raise RedoRefused(log=log, path=image.path, detail="its size is another one")
    if owner not in {0, os.geteuid(), os.stat(image.path).st_uid}:
        raise RedoRefused(log=log, path=image.path, detail=f"it belongs to user {owner}, the image does not")


def _check_content(image: Image, head: form.RecordHead, table: bytes, data: bytes, log: str) -> None:
    """Refuse an image whose sectors are neither as before the change nor as after it."""
    device: BlockDevice = image.device
    try:
        found = device.read(head.offset, head.length)
    except OutOfRange as error:
        raise RedoRefused(log=log, path=image.path, detail="it writes past the end of the disk") from error
    if found == data:
        return
    old = form.decode_checksums(table)
    for number, start in enumerate(range(0, head.length, form.SECTOR)):
        sector = found[start : start + form.SECTOR]
        if sector != data[start : start + form.SECTOR] and crc32(sector) != old[number]:
            raise RedoRefused(
                log=log,
                path=image.path,
                detail=f"the disk was changed since, at offset {head.offset + start}",
            )


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise storage_error(path, "removing the redo log", error) from error
