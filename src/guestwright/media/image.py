"""An image that is read: bytes at places, within its bounds. And what readers find on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, Protocol

from guestwright.base.record import record
from guestwright.media.errors import DamagedMedium, MediaNotFound

MAX_FOUND: Final = 200_000
"""Files and folders that a reader looks at before it gives up."""
MAX_LEVELS: Final = 128
_PIECE: Final = 1 << 20


class Image(Protocol):
    """Bytes at places."""

    @property
    def size(self) -> int:
        """In bytes."""

    def read(self, at: int, count: int) -> bytes:
        """Exactly so many bytes.

        Raises:
            DamagedMedium: they are not all within the image.
        """


class ImageBytes:
    """An image in memory.

    Args:
        data: all of it.
    """

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self._data)

    def read(self, at: int, count: int) -> bytes:
        """Exactly so many bytes."""
        _check(at, count, len(self._data))
        return self._data[at : at + count]


class ImageFile:
    """An image in a file or block device.

    Args:
        descriptor: open for reading; stays open.
    """

    __slots__ = ("_fd", "_size")

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor
        self._size = os.lseek(descriptor, 0, os.SEEK_END)

    @property
    def size(self) -> int:
        """In bytes."""
        return self._size

    def read(self, at: int, count: int) -> bytes:
        """Exactly so many bytes."""
        _check(at, count, self._size)
        made = []
        while count:
            piece = os.pread(self._fd, count, at)
            if not piece:
                raise DamagedMedium(problem=f"it ended at byte {at} while it was read")
            made.append(piece)
            at += len(piece)
            count -= len(piece)
        return made[0] if len(made) == 1 else b"".join(made)


class Budget:
    """How much work a medium may cause before it counts as hostile.

    Args:
        limit: in units of the caller's.
        what: the work, for the error.
    """

    __slots__ = ("_left", "_what")

    def __init__(self, limit: int, what: str) -> None:
        self._left = limit
        self._what = what

    def spend(self, count: int) -> None:
        """So much of it is done.

        Raises:
            DamagedMedium: it is used up.
        """
        self._left -= count
        if self._left < 0:
            raise DamagedMedium(problem=f"it has {self._what} without end")


class FoundKind(StrEnum):
    """What stands on a medium."""

    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"


@record
class Found:
    """One thing on a medium.

    Attributes:
        path: absolute; its parts are never empty, `.` or `..` and have neither `/` nor NUL. Bytes that are no
            UTF-8 are surrogates, as Python has them.
        kind: of it; `other` for links and devices, which have no contents here.
        size: in bytes.
        mode: POSIX type and permissions; None when the medium does not say.
        extents: where the contents are: first byte in the image, and length in bytes.
    """

    path: str
    kind: FoundKind
    size: int = 0
    mode: int | None = None
    extents: tuple[tuple[int, int], ...] = ()


class Medium(Protocol):
    """A medium that is read."""

    @property
    def format(self) -> str:
        """Its file system, in words."""

    @property
    def label(self) -> str:
        """Volume id or label."""

    @property
    def image(self) -> Image:
        """Where it is."""

    def found(self) -> tuple[Found, ...]:
        """Everything on it, folders before what is in them.

        Raises:
            DamagedMedium: it contradicts itself.
        """


def contents(medium: Medium, one: Found) -> Iterator[bytes]:
    """The contents of a file, in pieces.

    Raises:
        DamagedMedium: they are not within the image.
    """
    left = one.size
    for at, length in one.extents:
        end = at + min(length, left)
        left -= end - at
        for place in range(at, end, _PIECE):
            yield medium.image.read(place, min(_PIECE, end - place))
    if left:
        raise DamagedMedium(problem=f"{one.path} lacks {left} of its {one.size} bytes")


def lookup(medium: Medium, path: str) -> Found:
    """The file or folder of this path.

    Raises:
        MediaNotFound: there is none.
    """
    for one in medium.found():
        if one.path == path:
            return one
    raise MediaNotFound(path=path)


def safe_name(name: str) -> str:
    """A name from a medium as it may stand in a path."""
    name = name.replace("/", "_").replace("\0", "_")
    return "_" if name in {"", ".", ".."} else name


def _check(at: int, count: int, size: int) -> None:
    if at < 0 or count < 0 or at + count > size:
        raise DamagedMedium(problem=f"bytes {at} to {at + count} are outside of it; it has {size}")
