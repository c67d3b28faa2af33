"""Inline data: small files and directories kept in the inode (kernel documentation, ext4 "Inline Data").

The first 60 bytes lie where the block map would be, the rest in the attribute "system.data".
"""

from __future__ import annotations

from guestwright.guestfs.drivers.ext.handle import Handle
from guestwright.guestfs.drivers.ext.inode import (
    BLOCK_LENGTH,
    EXTENT_HEADER,
    FLAG_EXTENTS,
    FLAG_INLINE_DATA,
    Inode,
)
from guestwright.guestfs.drivers.ext.xattr import INLINE_DATA, Attributes
from guestwright.guestfs.errors import NoSpace


def tail(handle: Handle, number: int) -> bytes:
    """What "system.data" holds; empty when it is not there."""
    with Attributes(handle, number) as attributes:
        return attributes.get(INLINE_DATA) if INLINE_DATA in attributes.names() else b""


def read(handle: Handle, inode: Inode) -> bytes:
    """All inline data, which may be longer than the file."""
    return inode.block + tail(handle, inode.number)


def store(handle: Handle, inode: Inode, data: bytes) -> Inode | None:
    """Replace the inline data of a file.

    Args:
        handle: the filesystem.
        inode: the file; stale afterwards, use what is returned.
        data: whole content.

    Returns:
        The inode with its new data, not yet written, or None when `data` does not fit into an inode.
    """
    if len(data) > BLOCK_LENGTH + handle.super.inode_size:
        return None
    try:
        with Attributes(handle, inode.number) as attributes:
            attributes.set(INLINE_DATA, data[BLOCK_LENGTH:])
    except NoSpace:
        return None
    fresh = handle.inode(inode.number)
    fresh.set_block(data[:BLOCK_LENGTH])
    fresh.set_size(len(data))
    return fresh


def leave(handle: Handle, inode: Inode) -> Inode:
    """Make a file with inline data an empty file with blocks.

    Returns:
        The inode, not yet written.
    """
    with Attributes(handle, inode.number) as attributes:
        attributes.remove(INLINE_DATA)
    fresh = handle.inode(inode.number)
    flags = fresh.flags & ~FLAG_INLINE_DATA
    if handle.super.extents:
        flags |= FLAG_EXTENTS
        fresh.set_block(EXTENT_HEADER)
    else:
        fresh.set_block(b"")
    fresh.set32(32, flags)
    fresh.set_size(0)
    return fresh
