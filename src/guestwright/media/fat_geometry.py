"""How a FAT file system is divided: sectors, clusters, tables.

Source: Microsoft FAT specification (2005), sections 3.1 to 3.5. The number of clusters alone tells FAT12 from
FAT16; counts near the border are avoided, because some readers draw it elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guestwright.base.record import record
from guestwright.media.errors import MediaRequestError, MediaTooBig

SECTOR: Final = 512
FLOPPY_SIZE: Final = 1_474_560
_MARGIN: Final = 16
_MAX_12: Final = 4084 - _MARGIN
_MIN_16: Final = 4085 + _MARGIN
_MAX_16: Final = 65524 - _MARGIN
_MAX_ROOT: Final = 65_520
_PER_SECTOR: Final = SECTOR // 32
_TRACK: Final = 32
_SMALLEST: Final = 64 * SECTOR


@record
class Geometry:
    """A divided volume.

    Attributes:
        sectors: of the volume.
        per_cluster: sectors of a cluster.
        root_entries: room of the root folder, in entries of 32 bytes.
        bits: of an entry of the table, 12 or 16.
        fat_sectors: of one table.
        clusters: for data.
        media: the descriptor byte.
        track: sectors of a track.
        heads: sides of the disk.
    """

    sectors: int
    per_cluster: int
    root_entries: int
    bits: int
    fat_sectors: int
    clusters: int
    media: int
    track: int
    heads: int

    @property
    def cluster_size(self) -> int:
        """In bytes."""
        return self.per_cluster * SECTOR


# Size: sectors of a cluster, root entries, media descriptor, sectors of a track.
_FLOPPIES: Final = {
    737_280: (2, 112, 0xF9, 9),
    1_228_800: (1, 224, 0xF9, 15),
    FLOPPY_SIZE: (1, 224, 0xF0, 18),
    2_949_120: (2, 240, 0xF0, 36),
}


def geometry(size: int | None, root_entries: int, clusters_needed: Callable[[int], int]) -> Geometry:
    """Divide a volume.

    Args:
        size: in bytes; None for the smallest that holds the contents.
        root_entries: how many the root folder needs.
        clusters_needed: how many clusters the contents take, from the size of a cluster in bytes.

    Raises:
        MediaTooBig: the contents do not fit.
        MediaRequestError: no FAT12 or FAT16 of this size exists.
    """
    if root_entries > _MAX_ROOT:
        raise MediaTooBig(what="the root folder", value=root_entries, limit=_MAX_ROOT, why="entries fit FAT")
    rounded = -(-root_entries // _PER_SECTOR) * _PER_SECTOR
    if size is None:
        return _smallest(max(rounded, 4 * _PER_SECTOR), clusters_needed)
    if size % SECTOR or size < _SMALLEST:
        raise MediaRequestError(
            detail=f"a FAT volume cannot have {size} bytes, only multiples of {SECTOR} from {_SMALLEST} on"
        )
    if size in _FLOPPIES:
        per_cluster, room, media, track = _FLOPPIES[size]
        if root_entries > room:
            raise MediaTooBig(
                what="the root folder", value=root_entries, limit=room, why="entries fit this floppy"
            )
        found = _divide(size // SECTOR, per_cluster, room, media, track, 2)
    else:
        found = _of_size(size // SECTOR, max(rounded, 512))
    if found is None:
        raise MediaRequestError(detail=f"no FAT12 or FAT16 volume has {size} bytes")
    needed = clusters_needed(found.cluster_size)
    if needed > found.clusters:
        raise MediaTooBig(
            what="the contents",
            value=needed * found.cluster_size,
            limit=found.clusters * found.cluster_size,
            why=f"bytes fit a FAT volume of {size} bytes",
        )
    return found


def _smallest(root_entries: int, clusters_needed: Callable[[int], int]) -> Geometry:
    needed, per_cluster = 0, 1
    while per_cluster <= 64:
        needed = clusters_needed(per_cluster * SECTOR)
        bits = 12 if needed <= _MAX_12 - _TRACK else 16
        if needed <= _MAX_16 - _TRACK:
            tables = 2 * (-(-(needed + 2 + 2 * _TRACK) * bits // 8 // SECTOR) + 1)
            sectors = 1 + tables + root_entries // _PER_SECTOR + needed * per_cluster
            sectors = max(-(-sectors // _TRACK) * _TRACK, _SMALLEST // SECTOR)
            found = _divide(sectors, per_cluster, root_entries, 0xF8, _TRACK, 2)
            if found is not None and found.clusters >= needed:
                return found
        per_cluster *= 2
    raise MediaTooBig(
        what="the contents", value=needed * 32_768, limit=_MAX_16 * 32_768, why="bytes fit FAT16; write a CD"
    )


def _of_size(sectors: int, root_entries: int) -> Geometry | None:
    # Some readers want whole tracks.
    track = next(count for count in range(63, 0, -1) if sectors % count == 0)
    per_cluster = 1
    while per_cluster <= 64:
        found = _divide(sectors, per_cluster, root_entries, 0xF8, track, 2 if sectors < 65_536 else 255)
        if found is not None:
            return found
        per_cluster *= 2
    return None


def _divide(
    sectors: int, per_cluster: int, root_entries: int, media: int, track: int, heads: int
) -> Geometry | None:
    for bits in (12, 16):
        tables = 1
        while True:
            free = sectors - 1 - 2 * tables - root_entries // _PER_SECTOR
            clusters = free // per_cluster
            wanted = -(-(clusters + 2) * bits // (8 * SECTOR))
            if wanted <= tables:
                break
            tables = wanted
        if 0 < clusters <= _MAX_12 if bits == 12 else _MIN_16 <= clusters <= _MAX_16:
            return Geometry(
                sectors=sectors,
                per_cluster=per_cluster,
                root_entries=root_entries,
                bits=bits,
                fat_sectors=tables,
                clusters=clusters,
                media=media,
                track=track,
                heads=heads,
            )
    return None
