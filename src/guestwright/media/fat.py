"""Writes a floppy or small disk: FAT12 or FAT16 with VFAT's long names.

Theory of operation: layout first, then the image from its first byte to its last:

    boot sector | two equal tables | root folder | folders | contents of the files | zeros

Everything is contiguous. One tree, time, serial number, label and size give one image, byte for byte.

Source: Microsoft FAT specification (2005).
"""

from __future__ import annotations

import re
import struct
import sys
import time as clock
from array import array
from collections.abc import Iterator
from typing import Final

from guestwright.media.errors import BadVolumeId, MediaRequestError
from guestwright.media.fat_geometry import SECTOR, Geometry, geometry
from guestwright.media.fat_names import long_entries, short_names
from guestwright.media.folders import Folder, Leaf, arranged
from guestwright.media.names import check_windows
from guestwright.media.sink import Sink, give
from guestwright.media.tree import MediaTree

MIN_TIME: Final = 315_532_800
"""The first second of 1980, the earliest that FAT knows."""
MAX_TIME: Final = 4_102_444_799
_MAX_FOLDER: Final = 65_536 * 32
_LABEL_ENTRY: Final = 0x08
_FOLDER_ENTRY: Final = 0x10
_FILE_ENTRY: Final = 0x20
_BOOT: Final = struct.Struct("<3s8sHBHBHHBHHHIIBBBI11s8s")
_ENTRY: Final = struct.Struct("<11sBBBHHHHHHHI")
# Asks the firmware for the next boot device, then halts.
_CODE: Final = b"\xcd\x18\xf4\xeb\xfd"
_label_is_good = re.compile(r"[A-Z0-9 !#$%&'()@^_`{}~-]{0,11}").fullmatch


class _Listing:
    """A folder with the names of what is in it.

    Attributes:
        folder: it.
        nodes: in it.
        names: for each node its long entries and its short name.
        size: of its entries in bytes.
        first: its first cluster; 0 for the root.
    """

    __slots__ = ("first", "folder", "names", "nodes", "size")

    def __init__(self, folder: Folder, fixed: int) -> None:
        self.folder = folder
        self.nodes: list[Folder | Leaf] = [*folder.folders, *folder.leaves]
        self.nodes.sort(key=_name)
        for node in self.nodes:
            check_windows(node.name, f"{folder.path}/{node.name}")
        shorts = short_names([node.name for node in self.nodes])
        self.names = [
            (long_entries(node.name, short), short) for node, short in zip(self.nodes, shorts, strict=True)
        ]
        self.size = 32 * fixed + sum(32 + len(long) for long, _ in self.names)
        self.first = 0


def write_fat(
    tree: MediaTree, sink: Sink, *, label: str, serial: int, time: int, size: int | None = None
) -> int:
    """Write a FAT volume without a partition table.

    Args:
        tree: what is to be on it.
        sink: where it goes.
        label: at most 11 characters; letters become upper case. May be empty.
        serial: of the volume, 32 bits.
        time: of everything on it, in seconds since the epoch, shown by guests as their local time; what is
            before 1980 becomes 1980.
        size: of the volume in bytes, `FLOPPY_SIZE` for a floppy; None for the smallest that fits.

    Returns:
        The size of the image in bytes.

    Raises:
        MediaRequestError: this cannot be written; nothing was.
        MediaSourceError: a file of the host cannot be read or became shorter; the image is incomplete.
    """
    name = _checked_label(label)
    _check_numbers(serial, time)
    listings = [_Listing(one, 2) for one in arranged(tree)]
    root = listings[0]
    root.size += (32 if label else 0) - 64
    leaves = [node for one in listings for node in one.nodes if isinstance(node, Leaf)]
    _check_sizes(listings)
    sizes = [one.size for one in listings[1:]] + [one.size for one in leaves]
    divided = geometry(
        size,
        root.size // 32,
        lambda cluster: sum(-(-size // cluster) for size in sizes),
    )
    table = _place(listings[1:], leaves, divided)
    head = b"".join(
        (
            _boot_sector(divided, name, serial),
            table,
            table,
            *_folders(listings, divided, _stamp(time), name if label else None),
        )
    )
    sink.write(head)
    given = len(head) + sum(give(leaf.file.source, divided.cluster_size, sink) for leaf in leaves)
    sink.zeros(divided.sectors * SECTOR - given)
    sink.finish()
    return divided.sectors * SECTOR


def _checked_label(label: str) -> bytes:
    upper = label.upper()
    if not label.isascii() or not _label_is_good(upper) or label.startswith(" "):
        raise BadVolumeId(
            volume_id=label[:64],
            problem="a FAT label has at most 11 ASCII letters, digits, spaces and !#$%&'()@^_`{}~-",
        )
    return (upper or "NO NAME").ljust(11).encode("ascii")


def _check_numbers(serial: int, time: int) -> None:
    if not 0 <= serial <= 0xFFFFFFFF:
        raise MediaRequestError(detail=f"serial number {serial} is not of 32 bits")
    if not 0 <= time <= MAX_TIME:
        raise MediaRequestError(detail=f"time {time} is not between 1970 and 2099")


def _folders(
    listings: list[_Listing], divided: Geometry, stamp: tuple[int, int], label: bytes | None
) -> Iterator[bytes]:
    places = {id(one.folder): one.first for one in listings}
    for one in listings:
        data = _entries(one, places, stamp, label)
        root = one is listings[0]
        yield data.ljust(divided.root_entries * 32 if root else _up(len(data), divided.cluster_size), b"\0")


def _check_sizes(listings: list[_Listing]) -> None:
    for one in listings:
        if one.size > _MAX_FOLDER:
            raise MediaRequestError(
                detail=f"folder {one.folder.path or '/'} needs {one.size // 32} entries, FAT holds 65536"
            )


def _place(listings: list[_Listing], leaves: list[Leaf], divided: Geometry) -> bytes:
    """Give out the clusters; the table that says so."""
    at, ends = 2, []
    placed: list[_Listing | Leaf] = [*listings, *leaves]
    for one in placed:
        count = -(-one.size // divided.cluster_size)
        one.first = at if count else 0
        at += count
        if count:
            ends.append(at - 1)
    # Each cluster is followed by the next, but for the last ones.
    chain = array("H", range(1, at + 1))
    last = (1 << divided.bits) - 1
    chain[0] = (last & 0xFF00) | divided.media
    chain[1] = last
    for end in ends:
        chain[end] = last
    packed = _packed12(chain) if divided.bits == 12 else _packed16(chain)
    return packed.ljust(divided.fat_sectors * SECTOR, b"\0")


def _packed12(chain: array[int]) -> bytes:
    if len(chain) & 1:
        chain.append(0)
    made = bytearray()
    for at in range(0, len(chain), 2):
        made += (chain[at] | chain[at + 1] << 12).to_bytes(3, "little")
    return bytes(made)


def _packed16(chain: array[int]) -> bytes:
    if sys.byteorder == "big":
        chain.byteswap()
    return chain.tobytes()


def _boot_sector(divided: Geometry, label: bytes, serial: int) -> bytes:
    small = divided.sectors if divided.sectors < 65_536 else 0
    return (
        _BOOT.pack(
            b"\xeb\x3c\x90",
            b"MSWIN4.1",
            SECTOR,
            divided.per_cluster,
            1,
            2,
            divided.root_entries,
            small,
            divided.media,
            divided.fat_sectors,
            divided.track,
            divided.heads,
            0,
            0 if small else divided.sectors,
            0x80 if divided.media == 0xF8 else 0,
            0,
            0x29,
            serial,
            label,
            b"FAT%d   " % divided.bits,
        )
        + _CODE
    ).ljust(510, b"\0") + b"\x55\xaa"


def _stamp(time: int) -> tuple[int, int]:
    at = clock.gmtime(max(time, MIN_TIME))
    day = (at.tm_year - 1980) << 9 | at.tm_mon << 5 | at.tm_mday
    return day, at.tm_hour << 11 | at.tm_min << 5 | at.tm_sec // 2


def _entries(listing: _Listing, places: dict[int, int], stamp: tuple[int, int], label: bytes | None) -> bytes:
    made = []
    folder = listing.folder
    if folder.parent is not folder:
        made.append(_entry(b".".ljust(11), _FOLDER_ENTRY, listing.first, 0, stamp))
        made.append(_entry(b"..".ljust(11), _FOLDER_ENTRY, places[id(folder.parent)], 0, stamp))
    elif label is not None:
        made.append(_entry(label, _LABEL_ENTRY, 0, 0, stamp))
    for node, (long, short) in zip(listing.nodes, listing.names, strict=True):
        made.append(long)
        if isinstance(node, Folder):
            made.append(_entry(short, _FOLDER_ENTRY, places[id(node)], 0, stamp))
        else:
            made.append(_entry(short, _FILE_ENTRY, node.first, node.size, stamp))
    return b"".join(made)


def _entry(short: bytes, kind: int, first: int, size: int, stamp: tuple[int, int]) -> bytes:
    day, second = stamp
    return _ENTRY.pack(short, kind, 0, 0, second, day, day, 0, second, day, first, size)


def _up(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _name(one: Folder | Leaf) -> str:
    return one.name
