"""Directories: names to inodes, read and removed block by block, added through libext2fs.

Theory of operation: entries form a chain in each block, each with the distance to the next (`rec_len`). The
nodes of a hash tree look like blocks with one unused entry, so that a linear walk passes over them. Removing
an entry adds its length to the one before it, or marks it unused when it is the first; neither disturbs a
hash tree. All names that go from a directory go in one pass. What a removed entry held is wiped, as the
kernel does since 5.13: a deleted name may itself be telling. Adding goes through `ext2fs_link`, which keeps
a hash tree valid. (Kernel documentation, ext4 "Directory Entries"; e2fsprogs lib/ext2fs/link.c.)
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Collection, Iterator
from typing import Final

from guestwright.base.record import record
from guestwright.guestfs.drivers.ext import codes, inline, mapping
from guestwright.guestfs.drivers.ext.handle import Handle
from guestwright.guestfs.drivers.ext.inode import (
    FLAG_CASEFOLD,
    FLAG_INDEX,
    FLAG_INLINE_DATA,
    TYPE_DIRECTORY,
    TYPE_MASK,
    Inode,
)
from guestwright.guestfs.drivers.ext.xattr import INLINE_DATA, Attributes
from guestwright.guestfs.errors import GuestFSError, NotFound, TooLarge, UnsupportedFilesystem, WrongKind
from guestwright.guestfs.port import FileKind

MAX_NAMES: Final = 2_000_000
_CACHED_NAMES: Final = 100_000
_HEAD: Final = struct.Struct("<IHBB")
_HEAD_LENGTH: Final = 8
_HUGE_BLOCK: Final = 65536
_INLINE_START: Final = 4  # the parent's number comes first

KINDS: Final = (
    FileKind.UNKNOWN,
    FileKind.FILE,
    FileKind.DIRECTORY,
    FileKind.CHARACTER_DEVICE,
    FileKind.BLOCK_DEVICE,
    FileKind.FIFO,
    FileKind.SOCKET,
    FileKind.SYMLINK,
)

Listing = dict[str, tuple[int, int]]
"""Name to inode number and type byte."""

_DOTS: Final = frozenset({b".", b".."})


@record(kw_only=False)
class _Part:
    """A stretch of entries: a block (by its number), or one of the two halves of an inline directory."""

    data: bytes
    block: int = 0
    half: int = 0


class Directories:
    """The directories of one filesystem, with the last ones read kept.

    Args:
        handle: the filesystem.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._buffer = ctypes.create_string_buffer(handle.super.block_size)
        self._cached: dict[int, Listing] = {}
        self._names = 0

    def listing(self, number: int) -> Listing:
        """All names but "." and "..". The caller must not change it.

        Raises:
            WrongKind: not a directory.
            Corrupt: impossible or repeated names, or a broken chain.
            TooLarge: more than `MAX_NAMES`.
        """
        listing = self._cached.pop(number, None)
        if listing is None:
            listing = self._read(number)
            self._names += len(listing)
            while self._cached and self._names > _CACHED_NAMES:
                self.forget(next(iter(self._cached)))
        self._cached[number] = listing
        return listing

    def lookup(self, number: int, name: str) -> int:
        """Inode number of a name, or `NotFound`."""
        try:
            return self.listing(number)[name][0]
        except KeyError:
            raise NotFound(path="") from None

    def children(self, inode: Inode) -> Iterator[tuple[int, int]]:
        """Inode numbers and type bytes in a directory, read as it goes, without keeping them."""
        typed = self._handle.super.filetype
        left = MAX_NAMES
        for part in self._parts(inode):
            for offset, _, number, name in self._entries(part, inode.number):
                if number and name not in _DOTS:
                    left -= 1
                    if left < 0:
                        raise _too_many(MAX_NAMES)
                    yield number, part.data[offset + 7] if typed else 0

    def parent(self, inode: Inode) -> int:
        """What ".." points to."""
        if inode.flags & FLAG_INLINE_DATA:
            return int.from_bytes(inode.block[:4], "little")
        for part in self._parts(inode):
            for _, _, number, name in self._entries(part, inode.number):
                if name == b"..":
                    return number
            break
        raise self._handle.corrupt(f"directory {inode.number} has no parent")

    def remove(self, number: int, names: Collection[str]) -> None:
        """Remove names in one pass, wiping their entries, and touch the directory.

        The inodes they point to are the caller's to release.

        Raises:
            NotFound: a name is not there; nothing was changed then.
        """
        listing = self.listing(number)
        for name in names:
            if name not in listing:
                raise NotFound(path="")
        gone = set(names)
        raw = {encode(name) for name in gone}
        inode = self.open(number)
        for part in self._parts(inode):
            if not raw:
                break
            changed = self._without(part, number, raw)
            if changed is not None:
                self._store(part, number, changed)
        self.touch(number)
        self._names -= len(gone)
        for name in gone:
            del listing[name]

    def add(self, number: int, name: str, target: int, kind: int) -> None:
        """Add a name that is not there yet, growing the directory when it is full, and touch it.

        Args:
            number: of the directory.
            name: new name.
            target: inode it shall point to.
            kind: its type byte (index into `KINDS`).

        Raises:
            NoSpace: no room for another block.
            UnsupportedFilesystem: names in this directory compare without case.
        """
        handle = self._handle
        listing = self.listing(number)
        flags = self.open(number).flags
        if flags & FLAG_CASEFOLD:
            raise UnsupportedFilesystem(
                filesystem=handle.id,
                detail="new names in a directory that ignores case",
                advice="use the appliance driver",
            )
        handle.begin_allocation()
        link = handle.library.ext2fs_link
        code = link(handle.fs, number, encode(name), target, kind)
        for _ in range(2):  # an inline directory first becomes a block, which may be full as well
            if code != codes.DIR_NO_SPACE or flags & FLAG_INDEX:
                break
            handle.check(handle.library.ext2fs_expand_dir(handle.fs, number), "enlarging a directory")
            code = link(handle.fs, number, encode(name), target, kind)
        handle.check(code, f"adding a name to directory {number}")
        self.touch(number)
        self._names += 1
        listing[name] = (target, kind)

    def touch(self, number: int) -> None:
        """Set mtime and ctime of a directory."""
        inode = self._handle.inode(number)
        inode.touch(self._handle.now, content=True)
        self._handle.write_inode(inode)

    def forget(self, number: int) -> None:
        """Drop what is kept of a directory."""
        dropped = self._cached.pop(number, None)
        if dropped is not None:
            self._names -= len(dropped)

    def open(self, number: int) -> Inode:
        """The inode of a directory, or `WrongKind`."""
        inode = self._handle.inode(number)
        if inode.mode & TYPE_MASK != TYPE_DIRECTORY:
            raise WrongKind(path="", found=inode.kind, expected=FileKind.DIRECTORY)
        return inode

    def _read(self, number: int) -> Listing:
        listing: Listing = {}
        inode = self.open(number)
        typed = self._handle.super.filetype
        for part in self._parts(inode):
            for target, kind, raw in self._used(part, number):
                name = raw.decode("utf-8", "surrogateescape")
                if name in listing or b"/" in raw or b"\0" in raw or not raw:
                    raise self._handle.corrupt(f"directory {number} holds an impossible or repeated name")
                listing[name] = (target, kind if typed else 0)
            if len(listing) > MAX_NAMES:
                raise _too_many(len(listing))
        return listing

    def _used(self, part: _Part, number: int) -> list[tuple[int, int, bytes]]:
        """Inode, type byte and name of each entry in use, "." and ".." left out: `_entries` in a hurry.

        Most of a run is reading directories, so the common case is written out: small blocks, file types.
        """
        data = part.data
        end = len(data)
        if end >= _HUGE_BLOCK or not self._handle.super.filetype:
            return [
                (target, data[offset + 7], name)
                for offset, _, target, name in self._entries(part, number)
                if target and name not in _DOTS
            ]
        found = []
        offset = 0
        unpack = _HEAD.unpack_from
        while offset + _HEAD_LENGTH <= end:
            target, length, name_length, kind = unpack(data, offset)
            if length < _HEAD_LENGTH + name_length or length & 3 or offset + length > end:
                raise self._handle.corrupt(f"directory {number} has a broken chain of entries")
            if target:
                name = data[offset + 8 : offset + 8 + name_length]
                if name not in _DOTS:
                    found.append((target, kind, name))
            offset += length
        return found

    def _parts(self, inode: Inode) -> Iterator[_Part]:
        handle = self._handle
        if inode.flags & FLAG_INLINE_DATA:
            yield _Part(inode.block[_INLINE_START:], half=1)
            rest = inline.tail(handle, inode.number)
            if rest:
                yield _Part(rest, half=2)
            return
        count = -(-inode.size // handle.super.block_size)
        read = handle.library.ext2fs_read_dir_block4
        for run in mapping.runs(handle, inode, limit=count):
            for block in range(run.physical, run.physical + min(run.length, count - run.logical)):
                code = read(handle.fs, block, self._buffer, 0, inode.number)
                if code:
                    handle.check(code, f"reading directory {inode.number}")
                yield _Part(self._buffer.raw, block=block)

    def _entries(self, part: _Part, number: int) -> Iterator[tuple[int, int, int, bytes]]:
        """Offset, length, inode and name of each entry, unused ones too."""
        data = part.data
        end = len(data)
        unpack = _HEAD.unpack_from
        offset = 0
        typed = self._handle.super.filetype
        while offset + _HEAD_LENGTH <= end:
            target, length, name_length, kind = unpack(data, offset)
            if end >= _HUGE_BLOCK:
                length = _HUGE_BLOCK if length in {0, 65535} else length & 65532 | (length & 3) << 16
            if not typed:
                name_length |= kind << 8
            if length < _HEAD_LENGTH + name_length or length & 3 or offset + length > end:
                raise self._handle.corrupt(f"directory {number} has a broken chain of entries")
            start = offset + _HEAD_LENGTH
            yield offset, length, target, data[start : start + name_length]
            offset += length

    def _without(self, part: _Part, number: int, names: set[bytes]) -> bytearray | None:
        """The part without the given names (which are taken out of the set), or None when it has none."""
        changed: bytearray | None = None
        previous = previous_length = -1
        for offset, length, target, name in self._entries(part, number):
            if not target or name not in names:
                previous, previous_length = offset, length
                continue
            names.discard(name)
            if changed is None:
                changed = bytearray(part.data)
            changed[offset : offset + length] = bytes(length)
            if previous < 0:
                previous, previous_length = offset, length
            else:
                previous_length += length
            _set_length(changed, previous, previous_length)
        return changed

    def _store(self, part: _Part, number: int, data: bytearray) -> None:
        handle = self._handle
        handle.changed = True
        if part.half == 1:
            inode = handle.inode(number)
            inode.set_block(inode.block[:_INLINE_START] + bytes(data))
            handle.write_inode(inode)
        elif part.half:
            with Attributes(handle, number) as attributes:
                attributes.set(INLINE_DATA, bytes(data))
        else:
            self._buffer.raw = bytes(data)
            code = handle.library.ext2fs_write_dir_block4(handle.fs, part.block, self._buffer, 0, number)
            handle.check(code, f"writing directory {number}")


def encode(name: str) -> bytes:
    """The bytes of a name or symlink target.

    Raises:
        GuestFSError: it holds surrogates that do not stand for a byte.
    """
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise GuestFSError(path="", detail="not a possible file name") from None


def _too_many(count: int) -> TooLarge:
    return TooLarge(path="", size=f"a directory of {count} names or more", limit=MAX_NAMES)


def _set_length(data: bytearray, offset: int, length: int) -> None:
    if len(data) >= _HUGE_BLOCK:
        length = 65535 if length == _HUGE_BLOCK else length & 65532 | length >> 16 & 3
    struct.pack_into("<H", data, offset + 4, length)
