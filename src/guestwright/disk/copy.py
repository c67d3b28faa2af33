"""Copy an image file: shared blocks where the filesystem can, else only the data, holes kept."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import Final

from guestwright.disk.errors import DiskIO, HostNoSpace

_FICLONE: Final = 0x40049409  # linux/fs.h
_CHUNK: Final = 64 << 20


def copy_image(source: str, target: str) -> None:
    """Copy a file and make the copy durable; a target that exists is replaced.

    Args:
        source: a regular file or a block device.
        target: where to; gets mode 0600 before any content.

    Raises:
        HostNoSpace: no room.
        DiskIO: any other failure of the host's storage.
    """
    try:
        _copy(source, target)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise HostNoSpace(path=target, action="copying the image") from error
        detail = error.strerror or "unknown error"
        raise DiskIO(path=target, action="copy the image", detail=detail) from error


def _copy(source: str, target: str) -> None:
    read = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.path.lexists(target):
            os.unlink(target)
        write = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if not _clone(read, write):
                _copy_data(read, write)
            os.fsync(write)
        finally:
            os.close(write)
    finally:
        os.close(read)


def _clone(read: int, write: int) -> bool:
    try:
        fcntl.ioctl(write, _FICLONE, read)
    except OSError:
        return False
    return True


def _copy_data(read: int, write: int) -> None:
    size = os.lseek(read, 0, os.SEEK_END)
    os.ftruncate(write, size)
    position = 0
    while position < size:
        try:
            start = os.lseek(read, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            raise
        end = os.lseek(read, start, os.SEEK_HOLE)
        while start < end:
            moved = os.copy_file_range(read, write, min(end - start, _CHUNK), start, start)
            if moved == 0:
                return
            start += moved
        position = end
