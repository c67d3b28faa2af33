"""Hostile images out of good ones: seeded random damage to metadata, with and without right checksums.

places = regions(image)
for seed in range(200):
    change = mutation(data, places, seed)
    write(path, change.data)         # change.label says what was done; the seed does it again
"""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from lab import checksums
from lab.regions import Part, Region

_WEIGHTS = {
    Part.SUPERBLOCK: 3,
    Part.DESCRIPTORS: 3,
    Part.BLOCK_BITMAP: 1,
    Part.INODE_BITMAP: 1,
    Part.INODE: 8,
    Part.DIRECTORY: 8,
    Part.EXTENTS: 4,
    Part.XATTR: 4,
    Part.SYMLINK: 2,
    Part.JOURNAL: 1,
}
_TEMPTING = (
    0,
    1,
    2,
    3,
    7,
    8,
    10,
    11,
    12,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFE,
    0xFFFFFFFF,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A damaged copy of an image. `label`: what was done where, for a failing test's message."""

    label: str
    data: bytes = field(repr=False)


def mutation(image: bytes, places: Sequence[Region], seed: int, *, repair: bool | None = None) -> Mutation:
    """Damage one to four spots of an image's metadata.

    Args:
        image: a good image.
        places: its `lab.regions.regions`.
        seed: same image, places and seed make the same mutation.
        repair: make the checksums right again, so that the damage is not refused at the door; None lets the
            seed decide. Without effect where the filesystem has no checksums.
    """
    luck = random.Random(seed)
    data = bytearray(image)
    where = checksums.layout(image)
    repair = luck.random() < 0.7 if repair is None else repair
    by_part: dict[Part, list[Region]] = {}
    for place in places:
        by_part.setdefault(place.part, []).append(place)
    parts = sorted(by_part)
    labels = []
    for _ in range(luck.choice((1, 1, 1, 2, 4))):
        part = luck.choices(parts, [_WEIGHTS[part] for part in parts])[0]
        place = luck.choice(by_part[part])
        labels.append(_damage(data, place, luck))
        if repair and where.checksums:
            _repair(data, place, where)
    return Mutation(
        label=f"seed {seed}: {'; '.join(labels)}{' (checksums right)' if repair else ''}", data=bytes(data)
    )


def _damage(data: bytearray, place: Region, luck: random.Random) -> str:
    how = luck.choice(("flip", "byte", "u16", "u32", "u32", "zero", "noise", "swap"))
    used = [at for at in range(place.offset, place.offset + place.length, 4) if any(data[at : at + 4])]
    at = (
        luck.choice(used)
        if used and luck.random() < 0.85
        else place.offset + luck.randrange(0, place.length, 4)
    )
    match how:
        case "flip":
            at += luck.randrange(4)
            data[at] ^= 1 << luck.randrange(8)
        case "byte":
            at += luck.randrange(4)
            data[at] = luck.randrange(256)
        case "u16":
            at += luck.choice((0, 2))
            struct.pack_into("<H", data, at, luck.choice(_TEMPTING) & 0xFFFF)
        case "u32":
            struct.pack_into(
                "<I", data, at, luck.choice((*_TEMPTING, place.block, place.number, luck.randrange(1 << 32)))
            )
        case "zero" | "noise":
            length = min(luck.choice((4, 8, 16, 64, 256)), place.offset + place.length - at)
            data[at : at + length] = bytes(length) if how == "zero" else luck.randbytes(length)
        case _:
            other = place.offset + luck.randrange(0, place.length, 4)
            data[at : at + 4], data[other : other + 4] = data[other : other + 4], data[at : at + 4]
    return f"{how} at {at} ({place.part} {place.number} +{at - place.offset})"


def _repair(data: bytearray, place: Region, where: checksums.Layout) -> None:
    match place.part:
        case Part.SUPERBLOCK:
            checksums.fix_superblock(data)
        case Part.DESCRIPTORS:
            for group in range(place.length // where.desc_size):
                if any(data[where.descriptor(group) : where.descriptor(group) + where.desc_size]):
                    checksums.fix_descriptor(data, where, group)
        case Part.BLOCK_BITMAP | Part.INODE_BITMAP:
            checksums.fix_bitmaps(data, where, place.number)
        case Part.INODE:
            checksums.fix_inode(data, where, place.number)
        case Part.DIRECTORY:
            checksums.fix_directory(data, where, place.block, place.number)
        case Part.EXTENTS:
            checksums.fix_extents(data, where, place.block, place.number)
        case Part.XATTR:
            checksums.fix_xattr(data, where, place.block)
        case _:
            pass
