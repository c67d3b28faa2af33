"""Finds out what a medium is, and reads it."""

from __future__ import annotations

from guestwright.media.errors import DamagedMedium
from guestwright.media.fat_read import FatReader
from guestwright.media.image import Image, Medium
from guestwright.media.iso_read import IsoReader

_DESCRIPTOR = 16 * 2048


def read_medium(image: Image) -> Medium:
    """A CD or FAT volume, whichever it is.

    Args:
        image: where it is.

    Raises:
        DamagedMedium: it is neither.
    """
    if image.size >= _DESCRIPTOR + 2048 and image.read(_DESCRIPTOR + 1, 5) == b"CD001":
        return IsoReader(image)
    if image.size >= 512 and image.read(510, 2) == b"\x55\xaa":
        return FatReader(image)
    raise DamagedMedium(problem="it is neither a CD (ISO 9660) nor a FAT volume")
