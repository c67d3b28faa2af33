"""Where the blocks of an inode are: extent trees and indirect blocks, walked in Python for reading.

Theory of operation: libext2fs can do this too, with a callback for each block; walking it here costs one read
for each node of the tree and yields runs. A hostile image can make the tree a graph: depth is bounded by the
format, and logical block numbers must rise, so every walk ends (kernel documentation, ext4 "ifork").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from guestwright.base.record import record
from guestwright.guestfs.drivers.ext.handle import Handle
from guestwright.guestfs.drivers.ext.inode import FLAG_EXTENTS, FLAG_INLINE_DATA, Inode

_HEADER: Final = struct.Struct("<HHHH")
_ENTRY: Final = struct.Struct("<IHHI")
_MAGIC: Final = 0xF30A
_ENTRY_LENGTH: Final = 12
_MAX_DEPTH: Final = 5
_INITIALISED_LIMIT: Final = 0x8000
_DIRECT: Final = 12


@record(kw_only=False)
class Run:
    """Blocks of a file that lie side by side: `length` of them from `physical`, seen at `logical`.

    `written` is False for blocks that are reserved and read as zeros.
    """

    logical: int
    physical: int
    length: int
    written: bool


def runs(handle: Handle, inode: Inode, *, limit: int | None = None) -> Iterator[Run]:
    """The mapped blocks of an inode in rising order; holes are left out.

    Args:
        handle: the filesystem.
        inode: a file, directory or slow symlink. Inline data has no blocks.
        limit: stop at this logical block; None for all.

    Raises:
        Corrupt: the tree or a block number is impossible.
    """
    if inode.flags & FLAG_INLINE_DATA:
        return
    bound = (1 << 32) if limit is None else limit
    end = total = 0
    found = (
        _extents(handle, inode.block, inode.number, None)
        if inode.flags & FLAG_EXTENTS
        else _indirect(handle, inode)
    )
    for run in found:
        if run.logical < end:
            raise handle.corrupt(f"inode {inode.number} maps block {run.logical} twice")
        if run.logical >= bound:
            return
        handle.check_range(run.physical, run.length)
        end = run.logical + run.length
        total += run.length
        if total > handle.super.blocks:
            raise handle.corrupt(f"inode {inode.number} maps more blocks than there are")
        yield run


def _extents(handle: Handle, node: bytes, number: int, depth_expected: int | None) -> Iterator[Run]:
    magic, entries, capacity, depth = _HEADER.unpack_from(node)
    room = (len(node) - _ENTRY_LENGTH) // _ENTRY_LENGTH
    wrong_depth = depth > _MAX_DEPTH if depth_expected is None else depth != depth_expected
    if magic != _MAGIC or entries > min(capacity, room) or wrong_depth:
        raise handle.corrupt(f"inode {number} has a damaged extent tree")
    end = -1
    for index in range(entries):
        logical, middle, high, low = _ENTRY.unpack_from(node, _ENTRY_LENGTH * (index + 1))
        if logical <= end:
            raise handle.corrupt(f"inode {number} has an extent tree out of order")
        end = logical
        if depth == 0:
            written = middle <= _INITIALISED_LIMIT
            length = middle if written else middle - _INITIALISED_LIMIT
            if length == 0:
                raise handle.corrupt(f"inode {number} has an empty extent")
            yield Run(logical, low | high << 32, length, written)
            continue
        # An index entry: logical block, then the child's block as 32 low and 16 high bits.
        child, child_high = struct.unpack_from("<IH", node, _ENTRY_LENGTH * (index + 1) + 4)
        first = True
        for run in _extents(handle, handle.block_bytes(child | child_high << 32), number, depth - 1):
            if first and run.logical < logical:
                raise handle.corrupt(f"inode {number} has an extent tree out of order")
            first = False
            yield run
        if first:
            raise handle.corrupt(f"inode {number} has an empty node in its extent tree")


def _indirect(handle: Handle, inode: Inode) -> Iterator[Run]:
    pointers = struct.unpack("<15I", inode.block)
    budget = [handle.super.blocks]
    per_block = handle.super.block_size // 4
    yield from _direct(pointers[:_DIRECT], 0)
    logical = _DIRECT
    for level in range(1, 4):
        yield from _level(handle, pointers[_DIRECT + level - 1], level, logical, budget)
        logical += per_block**level


def _level(handle: Handle, block: int, level: int, logical: int, budget: list[int]) -> Iterator[Run]:
    if block == 0:
        return
    budget[0] -= 1
    if budget[0] < 0:  # more pointer blocks than there are blocks: a graph, not a tree
        raise handle.corrupt("an inode's indirect blocks form a loop")
    per_block = handle.super.block_size // 4
    pointers = struct.unpack(f"<{per_block}I", handle.block_bytes(block))
    if level == 1:
        yield from _direct(pointers, logical)
        return
    span = per_block ** (level - 1)
    for index, pointer in enumerate(pointers):
        yield from _level(handle, pointer, level - 1, logical + index * span, budget)


def _direct(pointers: tuple[int, ...], logical: int) -> Iterator[Run]:
    """Pointers joined into runs where they follow each other."""
    start = length = first = 0
    for index, pointer in enumerate(pointers):
        if length and pointer == start + length:
            length += 1
            continue
        if length:
            yield Run(first, start, length, written=True)
        start, length, first = pointer, 1 if pointer else 0, logical + index
    if length:
        yield Run(first, start, length, written=True)
