"""Writes a CD: ISO 9660 level 3 with Rock Ridge and Joliet.

Theory of operation: layout first, then the image from its first byte to its last:

    16 blocks of zeros | primary and Joliet descriptors, terminator | path tables (little, big) of each
    | folders, continuation area | folders of Joliet | contents of the files

One tree, time and volume id give one image, byte for byte, whatever the order of the tree's files. No padding
follows the contents: only drives that read discs needed it. Large files are aligned (`_LARGE`).
"""

from __future__ import annotations

from typing import Final

from guestwright.media.errors import BadVolumeId, MediaRequestError, MediaTooBig
from guestwright.media.folders import Leaf, arranged
from guestwright.media.iso_hierarchy import Hierarchy
from guestwright.media.iso_records import (
    SECTOR,
    SYSTEM_SECTORS,
    TERMINATOR,
    descriptor,
    short_date,
)
from guestwright.media.sink import Sink, give
from guestwright.media.tree import MediaTree

MAX_TIME: Final = 4_102_444_799
"""The last second of 2099."""
_JOLIET_ESCAPE: Final = b"%/E"
_APPLICATION: Final = "GUESTWRIGHT"
_LARGE: Final = 16 << 20
"""Bytes from which on contents begin at a multiple of 64 KiB: aligned also in a file of the host, where ext4,
with large folios, takes a third less time to copy them."""
_ALIGNED: Final = (64 << 10) // SECTOR
_TABLES_AT: Final = SYSTEM_SECTORS + 3


def write_iso(tree: MediaTree, sink: Sink, *, volume_id: str, time: int) -> int:
    """Write a CD.

    Args:
        tree: what is to be on it.
        sink: where it goes.
        volume_id: its label: at most 32 bytes of UTF-8, printable; guests that read Joliet see the
            first 16 characters.
        time: of the volume and everything on it, in seconds since the epoch.

    Returns:
        The size of the image in bytes.

    Raises:
        MediaRequestError: the tree, the volume id or the time cannot be written; nothing was.
        MediaSourceError: a file of the host cannot be read or became shorter; the image is incomplete.
    """
    _check_label(volume_id)
    if not 0 <= time <= MAX_TIME:
        raise MediaRequestError(detail=f"time {time} is not between 1970 and 2099")
    root = arranged(tree)[0]
    date = short_date(time)
    primary = Hierarchy(root, date, rock=True)
    joliet = Hierarchy(root, date, rock=False)
    tables = [_TABLES_AT]
    for hierarchy in (primary, primary, joliet, joliet):
        tables.append(tables[-1] + _blocks(hierarchy.table_size))
    primary.place(tables[4])
    more = tables[4] + primary.folder_blocks
    joliet.place(more + primary.more_blocks)
    leaves = primary.leaves
    end_of_folders = more + primary.more_blocks + joliet.folder_blocks
    end = _place(leaves, end_of_folders)
    parts = []
    for hierarchy, at in ((primary, 0), (joliet, 2)):
        parts.append(_descriptor(hierarchy, volume_id, end, (tables[at], tables[at + 1]), time))
    parts.append(TERMINATOR)
    for hierarchy in (primary, joliet):
        parts.extend(_whole(hierarchy.path_table(order)) for order in ("little", "big"))
    parts += [primary.folders(more), primary.continuation(), joliet.folders(0)]
    sink.zeros(SYSTEM_SECTORS * SECTOR)
    for part in parts:
        sink.write(part)
    _give_all(leaves, end_of_folders, sink)
    sink.finish()
    return end * SECTOR


def _descriptor(hierarchy: Hierarchy, label: str, end: int, tables: tuple[int, int], time: int) -> bytes:
    encoding = "utf-8" if hierarchy.rock else "utf-16-be"
    return descriptor(
        1 if hierarchy.rock else 2,
        volume_id=(label if hierarchy.rock else label[:16]).encode(encoding),
        blank=" ".encode(encoding),
        application=_APPLICATION.encode(encoding),
        escape=b"" if hierarchy.rock else _JOLIET_ESCAPE,
        blocks=end,
        table_size=hierarchy.table_size,
        tables=tables,
        root=hierarchy.root_record(),
        time=time,
    )


def _check_label(label: str) -> None:
    if not label.isprintable():
        raise BadVolumeId(volume_id=label[:64], problem="has a character that cannot be printed")
    length = len(label.encode())
    if length > 32:
        raise BadVolumeId(volume_id=label[:64], problem=f"has {length} bytes, a CD holds 32")
    if any(ord(each) > 0xFFFF for each in label):
        raise BadVolumeId(volume_id=label, problem="has a character beyond U+FFFF, which Joliet cannot hold")


def _place(leaves: list[Leaf], block: int) -> int:
    for leaf in leaves:
        # An empty file has no place; block 0 cannot be mistaken for one.
        if leaf.size >= _LARGE:
            block += -block % _ALIGNED
        leaf.first = block if leaf.size else 0
        block += _blocks(leaf.size)
    if block > 0xFFFFFFFF:
        raise MediaTooBig(what="the CD", value=block * SECTOR, limit=0xFFFFFFFF * SECTOR, why="bytes fit")
    return block


def _give_all(leaves: list[Leaf], block: int, sink: Sink) -> None:
    for leaf in leaves:
        if leaf.first > block:
            sink.zeros((leaf.first - block) * SECTOR)
            block = leaf.first
        give(leaf.file.source, SECTOR, sink)
        block += _blocks(leaf.size)


def _blocks(size: int) -> int:
    return -(-size // SECTOR)


def _whole(data: bytes) -> bytes:
    return data.ljust(_blocks(len(data)) * SECTOR, b"\0")
