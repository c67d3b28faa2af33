"""A redo log on disk: written once, scanned, read back, removed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from typing import Final
from zlib import crc32

from guestwright.base.record import record
from guestwright.disk import redo_format as form
from guestwright.disk.errors import DiskIO, HostNoSpace, ImageDenied, RedoRefused
from guestwright.disk.raw import NO_SPACE

_MODE: Final = 0o600


@record(kw_only=False)
class Entry:
    """One record of a log: where it goes, checksums of the old sectors, the data."""

    head: form.RecordHead
    table: bytes
    data: bytes


class RedoWriter:
    """A new log, written record by record and never held in memory.

    Args:
        path: must not exist.
        header: its head.

    Raises:
        HostNoSpace, ImageDenied, DiskIO: from every method, when the host refuses.
    """

    def __init__(self, path: str, header: form.Header) -> None:
        self._path = path
        self._header = header
        self._digest = sha256()
        self._records = self._size = 0
        self._fd = create_file(path)
        try:
            head = form.encode_header(header)
            self._digest.update(head)
            self._write(head)
        except BaseException:
            os.close(self._fd)
            os.unlink(path)
            raise

    @property
    def records(self) -> int:
        """How many records were written."""
        return self._records

    @property
    def size(self) -> int:
        """How many bytes of data were written."""
        return self._size

    def add(self, disk: int, offset: int, old: bytes, data: bytes) -> None:
        """Write one record.

        Args:
            disk: index of the image.
            offset: in its disk, bytes.
            old: what the disk holds there now.
            data: what it shall hold, as many bytes, at most 1 MiB.
        """
        head = form.RecordHead(disk=disk, offset=offset, length=len(data), checksum=crc32(data))
        encoded = form.encode_record_head(head, form.sector_checksums(old))
        self._digest.update(encoded)
        self._write(encoded + data)
        self._records += 1
        self._size += len(data)

    def seal(self) -> None:
        """Write the commit mark and make it durable. After this the change is decided."""
        digest = self._digest.digest()
        trailer = form.Trailer(id=self._header.id, records=self._records, size=self._size, digest=digest)
        self._write(form.encode_trailer(trailer))
        self.sync()

    def sync(self) -> None:
        """Make what was written durable."""
        _sync(self._fd, self._path)

    def close(self) -> None:
        """Close the file. May be called twice."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _write(self, data: bytes) -> None:
        write_all(self._fd, data, self._path, "writing the redo log")


class RedoReader:
    """An existing log.

    Args:
        path: of the log.

    Raises:
        FileNotFoundError: there is none.
        RedoRefused: it is not a file that only its owner can write.
        ImageDenied, DiskIO: it cannot be read.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = os.fdopen(open_log(path), "rb", buffering=1 << 16)
        self.owner: Final = os.fstat(self._file.fileno()).st_uid

    def header(self) -> form.Header:
        """Its head.

        Raises:
            FormatError: it has none, or not all of it.
        """
        self._file.seek(0)
        start = self._file.read(form.HEADER_START.size)
        return form.decode_header(start + self._exactly(form.header_length(start) - len(start)))

    def entries(self, *, check: bool = True) -> Iterator[Entry]:
        """All records, then proof that the commit mark fits them.

        Args:
            check: compare the checksums of the data, too.

        Raises:
            FormatError: while iterating, as soon as something is missing or wrong.
        """
        header = self.header()
        digest = sha256(form.encode_header(header))
        records = size = 0
        while True:
            tag = self._exactly(1)
            if tag == form.TRAILER:
                break
            start = tag + self._exactly(form.RECORD_HEAD.size - 1)
            head = form.decode_record_head(start)
            encoded = start + self._exactly(head.table_size + form.CRC.size)
            table = form.check_record_head(encoded)
            digest.update(encoded)
            data = self._exactly(head.length)
            if head.disk >= len(header.images) or (check and crc32(data) != head.checksum):
                raise form.FormatError("a record's data is not what was written")
            records += 1
            size += head.length
            yield Entry(head, table, data)
        trailer = form.decode_trailer(tag + self._exactly(form.TRAILER_BODY.size + form.CRC.size - 1))
        expected = form.Trailer(id=header.id, records=records, size=size, digest=digest.digest())
        if trailer != expected:
            raise form.FormatError("the commit mark does not fit the records")

    def has_mark(self) -> bool:
        """Whether the file ends with what looks like a commit mark of this log.

        Tells a log that was never finished (to be discarded) from a finished one that was damaged since.
        """
        size = form.TRAILER_BODY.size + form.CRC.size
        try:
            log_id = self.header().id
            end = self._file.seek(0, os.SEEK_END)
            self._file.seek(max(0, end - size))
            return form.decode_trailer(self._file.read(size)).id == log_id
        except form.FormatError:
            return False

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _exactly(self, length: int) -> bytes:
        try:
            data = self._file.read(length)
        except OSError as error:
            raise storage_error(self._path, "reading the redo log", error) from error
        if len(data) != length:
            raise form.FormatError("cut off")
        return data


def read_pointer(path: str) -> form.Pointer | None:
    """The pointer in a file; None when the file is something else or cut off.

    Raises:
        FileNotFoundError: no such file.
        RedoRefused, ImageDenied, DiskIO: as of `RedoReader`.
    """
    fd = open_log(path)
    try:
        return form.decode_pointer(os.pread(fd, 1 << 17, 0))
    except form.FormatError:
        return None
    finally:
        os.close(fd)


def write_pointer(path: str, pointer: form.Pointer) -> None:
    """Write a pointer file durably; it must not exist, and does not when this fails."""
    fd = create_file(path)
    try:
        write_all(fd, form.encode_pointer(pointer), path, "writing the redo log")
        _sync(fd, path)
    except BaseException:
        os.unlink(path)
        raise
    finally:
        os.close(fd)


def create_file(path: str) -> int:
    """Create a file of mode 0600 that did not exist, with its directory if that is ours."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, _MODE)
    except OSError as error:
        raise storage_error(path, "creating the redo log", error) from error


def open_log(path: str) -> int:
    """Open a log or pointer for reading, refusing what somebody else could have planted.

    Raises:
        FileNotFoundError: no such file.
        RedoRefused: a symlink, no regular file, or others may write it.
        ImageDenied, DiskIO: it cannot be opened.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RedoRefused(log=path, path="(unknown)", detail="it is a symbolic link") from error
        raise storage_error(path, "reading the redo log", error) from error
    info = os.fstat(fd)
    if stat.S_ISREG(info.st_mode) and not info.st_mode & 0o022:
        return fd
    os.close(fd)
    raise RedoRefused(log=path, path="(unknown)", detail="it is not a file that only its owner may write")


def _sync(fd: int, path: str) -> None:
    try:
        os.fdatasync(fd)
    except OSError as error:
        raise storage_error(path, "writing the redo log", error) from error


def write_all(fd: int, data: bytes, path: str, action: str) -> None:
    """Write all of `data` at the file's position."""
    try:
        done = os.write(fd, data)
        while done < len(data):
            done += os.write(fd, memoryview(data)[done:])
    except OSError as error:
        raise storage_error(path, action, error) from error


def sync_directory(path: str) -> None:
    """Make the names in the directory of `path` durable."""
    try:
        fd = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network filesystems cannot, and need not
            raise storage_error(path, "writing the redo log", error) from error


def storage_error(path: str, action: str, error: OSError) -> Exception:
    """Our error for what the host's filesystem said about a log."""
    if error.errno in NO_SPACE:
        return HostNoSpace(path=path, action=action)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return ImageDenied(path=path)
    return DiskIO(path=path, action=action, detail=error.strerror or str(error))
