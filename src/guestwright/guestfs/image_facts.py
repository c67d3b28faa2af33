"""What a report says of an image, and how a plan knows it again."""

from __future__ import annotations

from collections.abc import Sequence

from guestwright.base.digest import sha256
from guestwright.base.record import asdict
from guestwright.disk.image import Image
from guestwright.guestfs.contents import Area
from guestwright.guestfs.machine import ImageFacts


def image_facts(
    image: Image, areas: Sequence[Area], disk: int, superblocks: Sequence[tuple[int, int]]
) -> ImageFacts:
    """Facts of one image; its fingerprint has the identity of the file and a hash of each superblock.

    Args:
        image: opened.
        areas: what is on all disks of the machine.
        disk: number of this one.
        superblocks: where in an area superblocks may be: offset and length in bytes.
    """
    fingerprint = {name: str(value) for name, value in asdict(image.identity()).items()}
    for area in areas:
        if area.disk == disk:
            digest = sha256()
            for offset, length in superblocks:
                if area.partition.size >= offset + length:
                    digest.update(area.device.read(offset, length))
            fingerprint[area.id] = digest.hexdigest()[:32]
    return ImageFacts(
        path=image.path, format=str(image.format), size=image.reader.size, fingerprint=fingerprint
    )
