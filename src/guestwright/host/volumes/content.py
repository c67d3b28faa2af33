"""Copying the content of files: shared blocks where the file system can, else the data alone, holes kept."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from guestwright.base.progress import Step
from guestwright.base.record import record
from guestwright.host.jobs.kind import Work

CHUNK: Final = 16 << 20
"""Bytes between two looks at whether the work is still wanted."""
_READ: Final = 1 << 20
_FICLONE: Final = 0x40049409  # linux/fs.h
_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # linux/falloc.h
_NOT_HERE: Final = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class Method(StrEnum):
    """How a content was copied: sharing blocks, range by range, by qemu-img, or by a killed attempt."""

    CLONE = "clone"
    RANGES = "ranges"
    CONVERT = "convert"
    EARLIER = "earlier"


@record(kw_only=False)
class Copied:
    """How, and how many bytes were moved (0 when blocks are shared)."""

    method: Method
    moved: int


def copy(source: int, target: int, work: Work, *, clone: bool = True) -> Copied:
    """Copy a whole file into an empty one.

    Args:
        source: descriptor of the one.
        target: descriptor of the other; made durable by the caller.
        work: told where it is, asked whether to go on.
        clone: share blocks if the file system can (ioctl_ficlone(2)).

    Raises:
        OSError: the host's storage failed, or is full.
        JobError: see `Work.check`.
    """
    if clone and _clone(source, target):
        return Copied(Method.CLONE, 0)
    size = os.fstat(source).st_size
    os.ftruncate(target, size)
    moved = 0
    ranged = True
    for start, end in extents(source, 0, size):
        while start < end:
            work.check()
            count = min(end - start, CHUNK)
            ranged = ranged and _move(source, target, start, count)
            if not ranged:
                _carry(source, target, start, count)
            start += count  # noqa: PLW2901 - the rest of this extent
            moved += count
            work.progress(Step(name="copy", done=start, total=size, text="copying"))
    return Copied(Method.RANGES, moved)


def extents(fd: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where data lies between two offsets of a file: (start, end) of each piece, ascending (lseek(2))."""
    while start < end:
        try:
            data = os.lseek(fd, start, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            raise
        if data >= end:
            return
        start = min(os.lseek(fd, data, os.SEEK_HOLE), end)
        yield data, start


def punch(fd: int, offset: int, length: int) -> bool:
    """Make a range of a file a hole, which reads as zeros; False where the file system has none."""
    done = _LIBC.fallocate(fd, _KEEP_SIZE | _PUNCH_HOLE, ctypes.c_longlong(offset), ctypes.c_longlong(length))
    if done == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_HERE:
        return False
    raise OSError(number, os.strerror(number))


def write_all(fd: int, offset: int, data: memoryview) -> None:
    """Write all of it."""
    while data:
        count = os.pwrite(fd, data, offset)
        data, offset = data[count:], offset + count


def sha256(fd: int, size: int, work: Work) -> str:
    """The checksum of a file's first `size` bytes; holes cost no reading."""
    digest = hashlib.sha256()
    zeros = bytes(_READ)
    position = 0
    for start, end in [*extents(fd, 0, size), (size, size)]:
        while position < end:
            work.check()
            hole = position < start
            count = min((start if hole else end) - position, _READ)
            piece = memoryview(zeros)[:count] if hole else _read(fd, position, count)
            digest.update(piece)
            position += count
            work.progress(Step(name="checksum", done=position, total=size, text="computing the checksum"))
    return digest.hexdigest()


def _read(fd: int, offset: int, count: int) -> bytes:
    piece = os.pread(fd, count, offset)
    if len(piece) == count:
        return piece
    rest = piece
    while len(rest) < count:
        more = os.pread(fd, count - len(rest), offset + len(rest))
        if not more:
            raise OSError(errno.EIO, "the file became shorter")
        rest += more
    return rest


def _clone(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}:
            raise
        return False
    return True


def _move(source: int, target: int, start: int, count: int) -> bool:
    """Let the kernel copy a range (copy_file_range(2)); False where it cannot between these two."""
    end = start + count
    while start < end:
        try:
            moved = os.copy_file_range(source, target, end - start, start, start)
        except OSError as error:
            if error.errno in _NOT_HERE:
                return False
            raise
        if moved == 0:
            return False  # some file systems say so instead of refusing (the manual page, BUGS)
        start += moved
    return True


def _carry(source: int, target: int, start: int, count: int) -> None:
    end = start + count
    while start < end:
        piece = _read(source, start, min(_READ, end - start))
        write_all(target, start, memoryview(piece))
        start += len(piece)
