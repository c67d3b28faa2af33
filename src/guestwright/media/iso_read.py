"""Reads CDs, ours and other people's: Rock Ridge, else Joliet, else plain ISO 9660.

Theory of operation: readers tolerate. A damaged record ends its block, a folder seen before is not entered
again, a name that could not stand in a path is changed. Only what makes reading impossible is an error. All
counts are bounded, so that a hostile image costs bounded time.

Sources: as in `iso_records`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from guestwright.base.record import record
from guestwright.media.errors import DamagedMedium
from guestwright.media.image import MAX_FOUND, MAX_LEVELS, Budget, Found, FoundKind, Image, safe_name
from guestwright.media.iso_susp import Rock, fields

_SECTOR: Final = 2048
_FIRST: Final = 16
_MAX_DESCRIPTORS: Final = 64
_MAX_FOLDER: Final = 1 << 26
_MAX_BLOCKS: Final = 1 << 17
_MAX_MORE: Final = 1 << 25
_FOLDER: Final = 2
_ASSOCIATED: Final = 4
_MORE: Final = 0x80
_ESCAPES: Final = (b"%/@", b"%/C", b"%/E")


class Names(StrEnum):
    """Which of the names of a CD are read."""

    ROCK_RIDGE = "rock-ridge"
    JOLIET = "joliet"
    PLAIN = "plain"


@record
class _Raw:
    """A directory record."""

    identifier: bytes
    place: int
    size: int
    flags: int
    area: bytes


class IsoReader:
    """A CD.

    Args:
        image: where it is.
        names: which to read; None for the best there are.

    Raises:
        DamagedMedium: it is no CD, or has no such names.
    """

    __slots__ = ("_blocks", "_found", "_more", "_root", "_skip", "image", "label", "names")

    def __init__(self, image: Image, names: Names | None = None) -> None:
        self.image = image
        primary, joliet = _descriptors(image)
        self._skip = 0
        self._blocks = Budget(_MAX_BLOCKS, "folders")
        self._more = Budget(_MAX_MORE, "Rock Ridge continuations")
        root = _record(primary[156:190])
        if root is None:
            raise DamagedMedium(problem="the volume descriptor of the CD has no root folder")
        rock = names in {None, Names.ROCK_RIDGE} and self._find_rock(root)
        if not rock and joliet is not None and names in {None, Names.JOLIET}:
            self.names = Names.JOLIET
            root = _record(joliet[156:190]) or root
        else:
            self.names = Names.ROCK_RIDGE if rock else Names.PLAIN
        if names not in {None, self.names}:
            raise DamagedMedium(problem=f"the CD has no {names} names")
        self._root = root
        self.label = primary[40:72].decode("utf-8", "replace").rstrip(" \0")
        self._found: tuple[Found, ...] | None = None

    @property
    def format(self) -> str:
        """Its file system, in words."""
        return f"ISO 9660 ({self.names})"

    def found(self) -> tuple[Found, ...]:
        """Everything on it, folders before what is in them."""
        if self._found is None:
            self._found = tuple(self._walk())
        return self._found

    def _find_rock(self, root: _Raw) -> bool:
        first = next(self._records(root.place, min(root.size, _SECTOR)), None)
        if first is None:
            return False
        for kind, data in fields(self.image, first.area, self._more):
            if kind == b"SP" and data[:2] == b"\xbe\xef":
                self._skip = data[2] if len(data) > 2 else 0
                return True
        return False

    def _walk(self) -> Iterator[Found]:
        todo = [("", self._root.place, self._root.size, 0)]
        seen = {self._root.place}
        count = 0
        while todo:
            inside, place, size, level = todo.pop()
            for raw in self._joined(place, size):
                count += 1
                if count > MAX_FOUND:
                    raise DamagedMedium(problem=f"it has more than {MAX_FOUND} files and folders")
                one, block = self._one(raw, inside)
                if one is None:
                    continue
                yield one
                if one.kind is FoundKind.FOLDER and block not in seen and level < MAX_LEVELS:
                    seen.add(block)
                    todo.append((one.path, block, one.size, level + 1))

    def _one(self, raws: list[_Raw], inside: str) -> tuple[Found | None, int]:
        """What a file's records say, and the block of a folder; None for what is not shown."""
        raw = raws[0]
        rock = (
            Rock(self.image, raw.area[self._skip :], self._more) if self.names is Names.ROCK_RIDGE else None
        )
        if rock and rock.moved:
            return None, 0
        path = f"{inside}/{safe_name(self._name(raw, rock))}"
        mode = rock.mode if rock else None
        if rock and rock.moved_to is not None:
            size = self._own_size(rock.moved_to)
            return Found(path=path, kind=FoundKind.FOLDER, size=size, mode=mode), rock.moved_to
        if raw.flags & _FOLDER:
            return Found(path=path, kind=FoundKind.FOLDER, size=raw.size, mode=mode), raw.place
        kind_bits = (mode or 0o100000) >> 12
        if kind_bits != 0o10 or (rock and rock.link):
            return Found(path=path, kind=FoundKind.OTHER, mode=mode), 0
        extents = tuple((each.place * _SECTOR, each.size) for each in raws if each.size)
        size = sum(length for _, length in extents)
        return Found(path=path, kind=FoundKind.FILE, size=size, mode=mode, extents=extents), 0

    def _name(self, raw: _Raw, rock: Rock | None) -> str:
        if rock and rock.name:
            return rock.name.decode("utf-8", "surrogateescape")
        if self.names is Names.JOLIET:
            name = raw.identifier.decode("utf-16-be", "replace")
        else:
            name = raw.identifier.decode("utf-8", "surrogateescape")
        if raw.flags & _FOLDER:
            return name
        name = name.rpartition(";")[0] or name
        return name.removesuffix(".") or name

    def _own_size(self, block: int) -> int:
        own = next(self._records(block, _SECTOR), None)
        return own.size if own else 0

    def _joined(self, place: int, size: int) -> Iterator[list[_Raw]]:
        """The files of a folder, each with the records of all its sections."""
        sections: list[_Raw] = []
        for raw in self._records(place, min(size, _MAX_FOLDER)):
            if raw.identifier in {b"\0", b"\1"} or raw.flags & _ASSOCIATED:
                continue
            if sections and raw.identifier != sections[0].identifier:
                yield sections
                sections = []
            sections.append(raw)
            if len(sections) > MAX_FOUND:
                raise DamagedMedium(problem=f"a file has more than {MAX_FOUND} sections")
            if not raw.flags & _MORE:
                yield sections
                sections = []
        if sections:
            yield sections

    def _records(self, place: int, size: int) -> Iterator[_Raw]:
        for at in range(place * _SECTOR, place * _SECTOR + size, _SECTOR):
            if at + _SECTOR > self.image.size:
                raise DamagedMedium(problem=f"a folder at byte {at} is outside of it")
            self._blocks.spend(1)
            block = self.image.read(at, _SECTOR)
            position = 0
            while position < _SECTOR and block[position]:
                raw = _record(block[position : position + block[position]])
                if raw is None:
                    break
                yield raw
                position += block[position]


def _descriptors(image: Image) -> tuple[bytes, bytes | None]:
    primary = joliet = None
    for number in range(_FIRST, _FIRST + _MAX_DESCRIPTORS):
        if (number + 1) * _SECTOR > image.size:
            break
        block = image.read(number * _SECTOR, _SECTOR)
        if block[1:6] != b"CD001" or block[0] == 0xFF:
            break
        if block[0] == 1 and primary is None:
            primary = block
        elif block[0] == 2 and block[88:91] in _ESCAPES and joliet is None:
            joliet = block
    if primary is None:
        raise DamagedMedium(problem="it has no ISO 9660 volume descriptor")
    if struct.unpack_from("<H", primary, 128)[0] != _SECTOR:
        raise DamagedMedium(problem="its ISO 9660 blocks are not of 2048 bytes")
    return primary, joliet


def _record(data: bytes) -> _Raw | None:
    if len(data) < 34 or data[0] > len(data):
        return None
    length = data[32]
    after = 33 + length + (not length & 1)
    if 33 + length > len(data):
        return None
    place, size = struct.unpack_from("<I4xI", data, 2)
    return _Raw(
        identifier=data[33 : 33 + length],
        place=place + data[1],
        size=size,
        flags=data[25],
        area=data[after : data[0]],
    )
