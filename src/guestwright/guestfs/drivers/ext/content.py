"""Contents of regular files and symlinks: read, replaced in place, cut, zeroed.

Theory of operation: reading walks the block map in Python. Writing goes through libext2fs's file functions in
whole blocks (the last one padded with zeros), so that what lay behind the end of the file never survives;
then the length is set and the blocks beyond it are freed. Blocks that are there are reused.
"""

from __future__ import annotations

import ctypes
from typing import Final

from guestwright.guestfs.drivers.ext import bindings, inline, mapping
from guestwright.guestfs.drivers.ext.handle import Handle
from guestwright.guestfs.drivers.ext.inode import (
    BLOCK_LENGTH,
    FLAG_INLINE_DATA,
    FLAG_VERITY,
    TYPE_FILE,
    TYPE_MASK,
    TYPE_SYMLINK,
    Inode,
)
from guestwright.guestfs.errors import NoSpace, TooLarge, UnsupportedFilesystem, WrongKind
from guestwright.guestfs.port import FileKind

_MAP_BLOCKS: Final = 4
MAX_TARGET: Final = 4096  # PATH_MAX of linux/limits.h


def read(handle: Handle, inode: Inode, *, limit: int) -> bytes:
    """Whole content of a file.

    Args:
        handle: the filesystem.
        inode: a regular file or a slow symlink.
        limit: most bytes to take.

    Raises:
        TooLarge: the inode says that it is longer; nothing was read.
        Corrupt: its block map is impossible.
    """
    size = inode.size
    if size > limit:
        raise TooLarge(path="", size=size, limit=limit)
    if inode.flags & FLAG_INLINE_DATA:
        data = inline.read(handle, inode)
        if len(data) < size:
            raise handle.corrupt(f"inode {inode.number} has less inline data than its length")
        return data[:size]
    block_size = handle.super.block_size
    count = -(-size // block_size)
    whole = bytearray(count * block_size)
    for run in mapping.runs(handle, inode, limit=count):
        if run.written:
            length = min(run.length, count - run.logical)
            at = run.logical * block_size
            whole[at : at + length * block_size] = handle.block_bytes(run.physical, length)
    return bytes(memoryview(whole)[:size])


def target(handle: Handle, inode: Inode) -> str:
    """Target of a symlink.

    Raises:
        WrongKind: not a symlink.
        Corrupt: empty or longer than Linux allows.
    """
    if inode.mode & TYPE_MASK != TYPE_SYMLINK:
        raise WrongKind(path="", found=inode.kind, expected=FileKind.SYMLINK)
    size = inode.size
    if not 0 < size <= MAX_TARGET:
        raise handle.corrupt(f"symlink {inode.number} has a target of {size} bytes")
    if size < BLOCK_LENGTH and not inode.flags & FLAG_INLINE_DATA:
        raw = inode.block[:size]
    else:
        raw = read(handle, inode, limit=MAX_TARGET)
    return raw.decode("utf-8", "surrogateescape")


def writable_file(handle: Handle, number: int) -> Inode:
    """The inode of a regular file that may be changed.

    Raises:
        WrongKind: not a regular file.
        UnsupportedFilesystem: a file under fs-verity, which the guest's kernel would refuse afterwards.
    """
    inode = handle.inode(number)
    if inode.mode & TYPE_MASK != TYPE_FILE:
        raise WrongKind(path="", found=inode.kind, expected=FileKind.FILE)
    if inode.flags & FLAG_VERITY:
        raise UnsupportedFilesystem(
            filesystem=handle.id,
            detail="a file under fs-verity cannot be changed",
            advice="remove it instead",
        )
    return inode


def write(handle: Handle, inode: Inode, data: bytes) -> None:
    """Replace the content of a file (or of a new slow symlink), in place as far as it has blocks.

    Raises:
        NoSpace: too few free blocks; nothing was changed.
        TooLarge: more than the filesystem can hold in one file.
    """
    handle.begin_allocation()
    if inode.flags & FLAG_INLINE_DATA:
        stored = inline.store(handle, inode, data)
        if stored is not None:
            stored.touch(handle.now, content=True)
            handle.write_inode(stored)
            return
        _check_room(handle, None, len(data))
        inode = inline.leave(handle, inode)
        handle.write_inode(inode)
    else:
        _check_room(handle, inode, len(data))
    if data:
        _write_blocks(handle, inode.number, data)
        inode = handle.inode(inode.number)
    _set_length(handle, inode, len(data))


def truncate(handle: Handle, inode: Inode, size: int, *, scrub: bool) -> None:
    """Cut a file to `size` bytes. What remains of its last block is always zeroed.

    Args:
        handle: the filesystem.
        inode: a regular file.
        size: new length, at most the present one.
        scrub: zero the blocks that go.

    Raises:
        TooLarge: the file is shorter than that.
    """
    if size > inode.size:
        raise TooLarge(path="", size=size, limit=inode.size)
    handle.begin_allocation()
    if inode.flags & FLAG_INLINE_DATA:
        write(handle, inode, read(handle, inode, limit=inode.size)[:size])
        return
    block_size = handle.super.block_size
    if scrub:
        zero_blocks(handle, inode, first=-(-size // block_size))
    if size % block_size:
        _zero_tail(handle, inode, size)
    _set_length(handle, inode, size)


def zero_blocks(handle: Handle, inode: Inode, *, first: int = 0) -> None:
    """Write zeros over all written blocks of a file from logical block `first`."""
    block_size = handle.super.block_size
    handle.changed = True
    for run in mapping.runs(handle, inode):
        skip = max(0, first - run.logical)
        if run.written and skip < run.length:
            handle.cache.zero((run.physical + skip) * block_size, (run.length - skip) * block_size)


def _check_room(handle: Handle, inode: Inode | None, size: int) -> None:
    """Whether the blocks that a file still lacks are free, with some for its map."""
    needed = -(-size // handle.super.block_size)
    free, _ = handle.free_counts()
    if needed + needed // 128 + _MAP_BLOCKS <= free:
        return
    if inode is not None:
        needed -= sum(run.length for run in mapping.runs(handle, inode, limit=needed))
    if needed > 0 and needed + needed // 128 + _MAP_BLOCKS > free:
        raise NoSpace(path="")


def _write_blocks(handle: Handle, number: int, data: bytes) -> None:
    block_size = handle.super.block_size
    padded = data.ljust(-(-len(data) // block_size) * block_size, b"\0")
    library = handle.library
    file = ctypes.c_void_p()
    handle.check(
        library.ext2fs_file_open(handle.fs, number, bindings.FILE_WRITE, ctypes.byref(file)), "opening a file"
    )
    code = library.ext2fs_file_write(file, padded, len(padded), None)
    closed = library.ext2fs_file_close(file)
    handle.check(code or closed, f"writing inode {number}")


def _zero_tail(handle: Handle, inode: Inode, size: int) -> None:
    block_size = handle.super.block_size
    block = size // block_size
    for run in mapping.runs(handle, inode, limit=block + 1):
        if run.written and run.logical <= block < run.logical + run.length:
            at = (run.physical + block - run.logical) * block_size + size % block_size
            handle.cache.zero(at, block_size - size % block_size)


def _set_length(handle: Handle, inode: Inode, size: int) -> None:
    """Set the length and times, then free all blocks beyond, also those reserved behind the old end."""
    handle.changed = True
    first = -(-size // handle.super.block_size)
    inode.set_size(size)
    inode.touch(handle.now, content=True)
    handle.write_inode(inode)
    if any(run.logical + run.length > first for run in mapping.runs(handle, inode)):
        code = handle.library.ext2fs_punch(
            handle.fs, inode.number, inode.memory, None, first, bindings.ALL_BLOCKS
        )
        handle.check(code, f"freeing blocks of inode {inode.number}")
