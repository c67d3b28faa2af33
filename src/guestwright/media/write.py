"""One way to write every kind of medium."""

from __future__ import annotations

from enum import StrEnum

from guestwright.media.fat import write_fat
from guestwright.media.fat_geometry import FLOPPY_SIZE
from guestwright.media.iso import write_iso
from guestwright.media.sink import Sink
from guestwright.media.tree import MediaTree


class MediaKind(StrEnum):
    """What a guest sees: a CD, a 1.44 MB floppy, or a disk as large as its contents."""

    CDROM = "cdrom"
    FLOPPY = "floppy"
    DISK = "disk"


def write_medium(kind: MediaKind, tree: MediaTree, sink: Sink, *, label: str, time: int, serial: int) -> int:
    """Write a medium.

    Args:
        kind: of medium.
        tree: what is to be on it.
        sink: where it goes.
        label: volume id of a CD, label of the others.
        time: of everything on it, in seconds since the epoch.
        serial: of FAT, 32 bits; a CD has none.

    Returns:
        The size of the image in bytes.

    Raises:
        MediaRequestError: this cannot be written; nothing was.
        MediaSourceError: a file of the host cannot be read or became shorter; the image is incomplete.
    """
    if kind is MediaKind.CDROM:
        return write_iso(tree, sink, volume_id=label, time=time)
    size = FLOPPY_SIZE if kind is MediaKind.FLOPPY else None
    return write_fat(tree, sink, label=label, serial=serial, time=time, size=size)
