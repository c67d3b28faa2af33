"""A raw image file or a block device."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable

from guestwright.disk.errors import (
    DiskIO,
    HostNoSpace,
    ImageDenied,
    ImageInUse,
    ImageNotFound,
    ImageUnusable,
    NotWritable,
    OutOfRange,
)

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def open_image_file(path: str, *, writable: bool) -> int:
    """Open an image file or block device, whatever its format.

    Args:
        path: of the image.
        writable: open for writing too. A block device is then claimed from the kernel (O_EXCL, open(2)),
            which refuses one that is mounted or part of a volume group.

    Returns:
        A file descriptor, close-on-exec.

    Raises:
        ImageNotFound, ImageDenied, ImageInUse, DiskIO: it does not open.
        ImageUnusable: a directory, pipe, socket, character device or empty file.
    """
    try:
        info = os.stat(path)
    except OSError as error:
        raise _cannot_open(path, error) from error
    _refuse_kind(path, info)  # before open: opening a pipe would hang
    flags = os.O_CLOEXEC | os.O_NONBLOCK | (os.O_RDWR if writable else os.O_RDONLY)
    if writable and stat.S_ISBLK(info.st_mode):
        flags |= os.O_EXCL
    try:
        fd = os.open(path, flags)
    except OSError as error:
        raise _cannot_open(path, error) from error
    try:
        _refuse_kind(path, os.fstat(fd))
        _refuse_empty(path, fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


def device_size(fd: int) -> int:
    """Size in bytes of an open file or block device."""
    return os.lseek(fd, 0, os.SEEK_END)


def _refuse_empty(path: str, fd: int) -> None:
    if device_size(fd) == 0:
        raise ImageUnusable(path=path, found="empty")


def _refuse_kind(path: str, info: os.stat_result) -> None:
    mode = info.st_mode
    if stat.S_ISREG(mode) or stat.S_ISBLK(mode):
        return
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
    )
    found = next((name for test, name in kinds if test(mode)), "not a file")
    raise ImageUnusable(path=path, found=found)


def _cannot_open(path: str, error: OSError) -> Exception:
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return ImageNotFound(path=path)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return ImageDenied(path=path)
    if error.errno in {errno.EBUSY, errno.ETXTBSY}:
        return ImageInUse(path=path, detail="the host's kernel uses it (mounted, or part of another device)")
    return DiskIO(path=path, action="open", detail=error.strerror or str(error))


class RawDevice:
    """Exact reads and writes on an open descriptor, which it owns from now on.

    Args:
        fd: of a regular file or block device.
        path: for messages.
        writable: whether `fd` is open for writing.
    """

    __slots__ = ("_fd", "_path", "_size", "_writable")

    def __init__(self, fd: int, *, path: str, writable: bool) -> None:
        self._fd = fd
        self._path = path
        self._writable = writable
        self._size = device_size(fd)

    @classmethod
    def open(cls, path: str, *, writable: bool = False) -> RawDevice:
        """Open `path`; errors as of `open_image_file`. Takes no lock: see `disk.locks`."""
        return cls(open_image_file(path, writable=writable), path=path, writable=writable)

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self._size

    @property
    def writable(self) -> bool:
        """Whether `write` may be called."""
        return self._writable

    @property
    def fd(self) -> int:
        """The descriptor; -1 once closed."""
        return self._fd

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`.

        Raises:
            OutOfRange: not inside the device.
            DiskIO: the host cannot read it, or the file was cut meanwhile.
        """
        if offset < 0 or length < 0 or offset + length > self._size:
            raise OutOfRange(offset=offset, length=length, size=self._size)
        try:
            data = os.pread(self._fd, length, offset)
            if len(data) == length:
                return data
            parts = [data]
            done = len(data)
            while done < length:
                part = os.pread(self._fd, length - done, offset + done)
                if not part:
                    raise DiskIO(path=self._path, action="read", detail="the file became shorter meanwhile")
                parts.append(part)
                done += len(part)
        except OSError as error:
            raise DiskIO(path=self._path, action="read", detail=error.strerror or str(error)) from error
        return b"".join(parts)

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Store all of `data` at `offset`.

        Raises:
            OutOfRange: not inside the device.
            NotWritable: opened for reading.
            HostNoSpace: the host's filesystem is full; part of `data` may be stored.
            DiskIO: the host cannot write it.
        """
        length = len(data)
        if not self._writable:
            raise NotWritable(path=self._path)
        if offset < 0 or offset + length > self._size:
            raise OutOfRange(offset=offset, length=length, size=self._size)
        try:
            done = os.pwrite(self._fd, data, offset)
            if done != length:
                view = memoryview(data)
                while done < length:
                    done += os.pwrite(self._fd, view[done:], offset + done)
        except OSError as error:
            raise self._failed("write", error) from error

    def flush(self) -> None:
        """Make all writes so far durable."""
        if self._fd < 0:
            raise DiskIO(path=self._path, action="flush", detail="it is closed")
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise self._failed("flush", error) from error

    def reserve(self, extents: Iterable[tuple[int, int]]) -> None:
        """Make room on the host for writes to come, so that a full disk shows before the first of them.

        The content does not change: holes become allocated zeros. What was reserved stays so on failure.
        Block devices have nothing to reserve.

        Args:
            extents: (offset, length) in bytes.

        Raises:
            HostNoSpace: there is no room.
            DiskIO: the host refuses.
        """
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            return
        for offset, length in extents:
            if length and self._has_hole(offset, length):
                try:
                    # Within the size this is fallocate(2) with KEEP_SIZE; glibc emulates it elsewhere.
                    os.posix_fallocate(self._fd, offset, length)
                except OSError as error:
                    if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENODEV}:
                        raise self._failed("reserve space", error) from error

    def close(self) -> None:
        """Release the descriptor, and with it the locks on it."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _has_hole(self, offset: int, length: int) -> bool:
        try:
            return os.lseek(self._fd, offset, os.SEEK_HOLE) < min(offset + length, self._size)
        except OSError:
            return True  # cannot tell: ask for all of it

    def _failed(self, action: str, error: OSError) -> Exception:
        if error.errno in NO_SPACE:
            return HostNoSpace(path=self._path, action=action)
        return DiskIO(path=self._path, action=action, detail=error.strerror or str(error))
