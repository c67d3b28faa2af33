"""Image locks as QEMU takes them, so that a running machine and we refuse each other.

Theory of operation (QEMU block/file-posix.c, raw_apply_lock_bytes and raw_check_lock_bytes): locks are open
file description locks on single bytes of the image. A shared lock on byte 100+p says "I use permission p",
one on byte 200+p says "I do not let others use permission p". An opener first takes its locks, then looks
whether anybody else uses what it does not share, or does not share what it uses. Permissions: 0 consistent
read, 1 write, 2 write unchanged, 3 resize.

A QEMU opener that only reads a qcow2 image shares all but write and resize; so do we, for raw images too,
where QEMU's tools share everything. A writer additionally uses write. We share neither write nor resize
with others, but we share reading: whoever reads a raw image without minding writers may go on.

Beyond QEMU's bytes there is a byte of our own, which only Guestwright looks at: exclusive for a writer,
shared for a reader. We hold it on images that qemu-nbd opens for us too, where QEMU's bytes are qemu-nbd's
to take. So no run can start between the end of one qemu-nbd and the start of the next, and whoever holds it
exclusively knows that no commit to that image is under way.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from typing import Final

from guestwright.disk.errors import DiskIO, ImageInUse

_USES: Final = 100
_DENIES: Final = 200
_OURS: Final = 300
CONSISTENT_READ: Final = 0
WRITE: Final = 1
RESIZE: Final = 3
_NAMES: Final = {0: "read", 1: "write", 2: "write unchanged", 3: "resize"}
_FLOCK: Final = struct.Struct("hhqqi4x")  # struct flock of Linux on 64 bit; also of 32 bit with large files
_UNAVAILABLE: Final = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})
_HELD: Final = frozenset({errno.EAGAIN, errno.EACCES})


def lock_guard(fd: int, *, path: str, writable: bool) -> bool:
    """Exclude other Guestwright runs: a writer all of them, a reader the writers.

    Args:
        fd: of the image; open for writing if `writable`. The lock lives as long as the open file.
        path: for messages.
        writable: whether to lock as a writer.

    Returns:
        False when the filesystem has no such locks (NFS version 3 without a lock daemon, for one).

    Raises:
        ImageInUse: another run holds the image.
    """
    try:
        return _set(fd, fcntl.F_WRLCK if writable else fcntl.F_RDLCK, _OURS)
    except BlockingIOError as error:
        raise ImageInUse(path=path, detail="another Guestwright run has it open") from error
    except OSError as error:
        raise DiskIO(path=path, action="lock", detail=error.strerror or str(error)) from error


def lock_as_qemu(fd: int, *, path: str, writable: bool) -> bool:
    """Take QEMU's locks for an image that we read or write ourselves.

    Args:
        fd: of the image. The locks live as long as the open file (all its duplicates, those of children too).
        path: for messages.
        writable: whether to lock as a writer.

    Returns:
        False when the filesystem has no such locks.

    Raises:
        ImageInUse: a machine runs on the image, or another program has it open; nothing is locked then.
    """
    uses = (CONSISTENT_READ, WRITE) if writable else (CONSISTENT_READ,)
    denies = (WRITE, RESIZE)
    taken = [_USES + p for p in uses] + [_DENIES + p for p in denies]
    try:
        for byte in taken:
            if not _set(fd, fcntl.F_RDLCK, byte):
                return False
        for permission in uses:
            if _others(fd, _DENIES + permission):
                raise _in_use(path, f"another program does not share {_NAMES[permission]} access")
        for permission in denies:
            if _others(fd, _USES + permission):
                raise _in_use(path, f"another program (a running machine?) has {_NAMES[permission]} access")
    except OSError as error:
        _release(fd, taken)
        if error.errno in _HELD:
            raise _in_use(path, "another program has it locked") from error
        raise DiskIO(path=path, action="lock", detail=error.strerror or str(error)) from error
    except ImageInUse:
        _release(fd, taken)
        raise
    return True


def _in_use(path: str, detail: str) -> ImageInUse:
    return ImageInUse(path=path, detail=detail)


def _set(fd: int, kind: int, byte: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, byte, 1, 0))
    except OSError as error:
        if error.errno in _UNAVAILABLE:
            return False
        raise
    return True


def _others(fd: int, byte: int) -> bool:
    """Whether somebody else holds a lock on the byte."""
    answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0))
    return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)


def _release(fd: int, taken: list[int]) -> None:
    for byte in taken:
        _set(fd, fcntl.F_UNLCK, byte)
