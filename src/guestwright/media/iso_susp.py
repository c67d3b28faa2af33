"""Reads the Rock Ridge fields of a directory record; tolerant, bounded.

Sources: System Use Sharing Protocol (IEEE P1281 draft 1.12), Rock Ridge Interchange Protocol (IEEE P1282
draft 1.12).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from guestwright.media.image import Budget, Image

_MAX_HOPS: Final = 64
_MAX_NAME: Final = 4096
_SECTOR: Final = 2048


class Rock:
    """What Rock Ridge says of a file.

    Attributes:
        name: true name; None when there is none.
        mode: type and permissions; None when they are not told.
        moved_to: first block of the folder that stands elsewhere; None for all others.
        moved: whether this is such a folder, at the place where it must not be shown.
        link: whether it is a symbolic link.
    """

    __slots__ = ("link", "mode", "moved", "moved_to", "name")

    def __init__(self, image: Image, area: bytes, budget: Budget) -> None:
        self.name: bytes | None = None
        self.mode: int | None = None
        self.moved_to: int | None = None
        self.moved = False
        self.link = False
        for kind, data in fields(image, area, budget):
            self._take(kind, data)

    def _take(self, kind: bytes, data: bytes) -> None:
        if kind == b"NM" and data:
            # Flags 2 and 4 stand for `.` and `..`, which have no name of their own.
            if not data[0] & 6 and len(self.name or b"") < _MAX_NAME:
                self.name = (self.name or b"") + data[1:]
        elif kind == b"PX" and len(data) >= 4:
            self.mode = int.from_bytes(data[:4], "little")
        elif kind == b"CL" and len(data) >= 4:
            self.moved_to = int.from_bytes(data[:4], "little")
        elif kind == b"RE":
            self.moved = True
        elif kind == b"SL":
            self.link = True


def fields(image: Image, area: bytes, budget: Budget) -> Iterator[tuple[bytes, bytes]]:
    """The fields of a system use area and its continuations: signature, and data without the header.

    Raises:
        DamagedMedium: the budget, in bytes of continuations, is used up.
    """
    for _ in range(_MAX_HOPS):
        following = None
        at = 0
        while at + 4 <= len(area):
            kind, length = area[at : at + 2], area[at + 2]
            if length < 4 or at + length > len(area) or kind == b"ST":
                break
            data = area[at + 4 : at + length]
            if kind == b"CE" and len(data) >= 24:
                following = struct.unpack_from("<I4xI4xI", data)
            else:
                yield kind, data
            at += length
        if following is None:
            return
        block, offset, length = following
        if offset + length > 16 * _SECTOR or block * _SECTOR + offset + length > image.size:
            return
        budget.spend(length)
        area = image.read(block * _SECTOR + offset, length)
