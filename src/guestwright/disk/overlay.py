"""Writes over a device that is only read: the change that a run collects, to be committed or thrown away.

Theory of operation: the overlay holds whole pages of 4 KiB, the block size of nearly every filesystem, in a
dict from page number to its bytes. A write of less than a page reads the rest from the base first. Past
`spill_after` bytes, further pages go to slots of an unlinked temporary file, and the dict holds the slot
number instead: memory stays bounded however much a run scrubs. The file is never named after it was created,
so nothing is left behind by a kill.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Final

from guestwright.base.block import BlockDevice
from guestwright.disk.errors import DiskIO, HostNoSpace, OutOfRange

PAGE: Final = 4096
MAX_EXTENT: Final = 1 << 20
_SHIFT: Final = 12
_MASK: Final = PAGE - 1


class Overlay:
    """A writable view of `base`, which is never written.

    Args:
        base: what to read where nothing was written. Stays open when the overlay is closed.
        spill_after: how many bytes of written pages to hold in memory.
    """

    __slots__ = ("_base", "_in_memory", "_limit", "_pages", "_size", "_slots", "_spill")

    def __init__(self, base: BlockDevice, *, spill_after: int = 32 << 20) -> None:
        self._base = base
        self._size = base.size
        self._limit = spill_after >> _SHIFT
        self._pages: dict[int, bytes | int] = {}
        self._in_memory = 0
        self._slots = 0
        self._spill = -1

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self._size

    @property
    def writable(self) -> bool:
        """Always: writes stay in the overlay."""
        return True

    @property
    def dirty_bytes(self) -> int:
        """Bytes of pages that were written (whole pages, so up to 4 KiB more at the device's end)."""
        return len(self._pages) << _SHIFT

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`."""
        end = offset + length
        if offset < 0 or length < 0 or end > self._size:
            raise OutOfRange(offset=offset, length=length, size=self._size)
        pages = self._pages
        if not pages:
            return self._base.read(offset, length)
        first = offset >> _SHIFT
        last = (end + _MASK) >> _SHIFT
        if last - first == 1:
            page = pages.get(first)
            if page is None:
                return self._base.read(offset, length)
            if isinstance(page, int):
                page = self._load(page)
            return page if length == PAGE else page[offset & _MASK : (offset & _MASK) + length]
        if pages.keys().isdisjoint(range(first, last)):
            return self._base.read(offset, length)
        return self._assemble(offset, end)

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Store all of `data` at `offset` of the overlay."""
        length = len(data)
        if offset < 0 or offset + length > self._size:
            raise OutOfRange(offset=offset, length=length, size=self._size)
        if length == PAGE and not offset & _MASK:
            self._put(offset >> _SHIFT, bytes(data))
            return
        view = memoryview(data)
        done = 0
        while done < length:
            number, inner = (offset + done) >> _SHIFT, (offset + done) & _MASK
            step = min(PAGE - inner, length - done)
            if step == PAGE:
                page = bytes(view[done : done + PAGE])
            else:
                patched = bytearray(self._page(number))
                patched[inner : inner + step] = view[done : done + step]
                page = bytes(patched)
            self._put(number, page)
            done += step

    def writes(self) -> Iterator[tuple[int, bytes]]:
        """What was written, in ascending order.

        Returns:
            (offset, bytes) extents of whole pages, neighbours joined up to 1 MiB, the last one cut at the end
            of the device.
        """
        numbers = sorted(self._pages)
        start = 0
        for index in range(1, len(numbers) + 1):
            run = index - start
            if index < len(numbers) and numbers[index] == numbers[start] + run and run << _SHIFT < MAX_EXTENT:
                continue
            offset = numbers[start] << _SHIFT
            yield offset, b"".join(self._stored(numbers[start:index]))[: self._size - offset]
            start = index

    def pages(self) -> frozenset[int]:
        """Numbers of the pages of 4 KiB that were written."""
        return frozenset(self._pages)

    def is_dirty(self, start: int, end: int) -> bool:
        """Whether a page between two offsets was written."""
        first, last = start >> _SHIFT, (end + _MASK) >> _SHIFT
        return any(first <= number < last for number in self._pages)

    def discard(self) -> None:
        """Forget everything that was written."""
        self._pages.clear()
        self._in_memory = self._slots = 0
        if self._spill >= 0:
            os.close(self._spill)
            self._spill = -1

    def flush(self) -> None:
        """Nothing: what is written here is not meant to survive."""

    def close(self) -> None:
        """Forget everything; the base stays open."""
        self.discard()

    def _assemble(self, offset: int, end: int) -> bytes:
        """A read that touches written pages: one read of the base, unless all were written, patched."""
        first, last = offset >> _SHIFT, (end + _MASK) >> _SHIFT
        pages = self._pages
        stored = [(number, page) for number in range(first, last) if (page := pages.get(number)) is not None]
        loaded = [(number, self._load(page) if isinstance(page, int) else page) for number, page in stored]
        start, length = offset & _MASK, end - offset
        if len(loaded) == last - first:
            whole = b"".join([page for _, page in loaded])
            return whole if not start and len(whole) == length else whole[start : start + length]
        buffer = bytearray(
            self._base.read(first << _SHIFT, min(last << _SHIFT, self._size) - (first << _SHIFT))
        )
        for number, page in loaded:
            at = (number - first) << _SHIFT
            buffer[at : at + PAGE] = page  # the device's last page is longer than the buffer: cut off below
        return bytes(memoryview(buffer)[start : start + length])

    def _page(self, number: int) -> bytes:
        """A whole page as it reads now, zero-padded past the end of the device."""
        page = self._pages.get(number)
        if page is None:
            start = number << _SHIFT
            return self._base.read(start, min(PAGE, self._size - start)).ljust(PAGE, b"\0")
        return self._load(page) if isinstance(page, int) else page

    def _put(self, number: int, page: bytes) -> None:
        old = self._pages.get(number)
        if old is None:
            if self._in_memory < self._limit:
                self._in_memory += 1
                self._pages[number] = page
            else:
                self._store(self._slots, page)
                self._pages[number] = self._slots
                self._slots += 1
        elif isinstance(old, int):
            self._store(old, page)
        else:
            self._pages[number] = page

    def _stored(self, numbers: list[int]) -> Iterator[bytes]:
        for number in numbers:
            page = self._pages[number]
            yield self._load(page) if isinstance(page, int) else page

    def _load(self, slot: int) -> bytes:
        data = os.pread(self._spill, PAGE, slot << _SHIFT)
        if len(data) != PAGE:
            raise DiskIO(path="(temporary file)", action="read back a written page", detail="file too short")
        return data

    def _store(self, slot: int, page: bytes) -> None:
        if self._spill < 0:
            self._spill = _temporary_file()
        try:
            written = os.pwrite(self._spill, page, slot << _SHIFT)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise HostNoSpace(path=_directory(), action="collecting the changes") from error
            raise DiskIO(path="(temporary file)", action="write", detail=error.strerror) from error
        if written != PAGE:
            raise HostNoSpace(path=_directory(), action="collecting the changes")


def _directory() -> str:
    return os.environ.get("TMPDIR") or "/var/tmp"  # noqa: S108 - made unlinked (O_TMPFILE) or with O_EXCL and a random name


def _temporary_file() -> int:
    """An unlinked file for reading and writing, close-on-exec, mode 0600."""
    directory = _directory()
    try:
        try:
            return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno not in {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}:
                raise
        path = os.path.join(directory, f"guestwright-{os.urandom(12).hex()}")
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        os.unlink(path)
    except OSError as error:
        raise DiskIO(path=directory, action="create a temporary file", detail=error.strerror) from error
    return fd
