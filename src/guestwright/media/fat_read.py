"""Reads FAT12 and FAT16 volumes, ours and other people's; tolerant, bounded.

Source: Microsoft FAT specification (2005).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from guestwright.media.errors import DamagedMedium
from guestwright.media.fat_names import checksum
from guestwright.media.image import MAX_FOUND, MAX_LEVELS, Budget, Found, FoundKind, Image, safe_name

_LONG: Final = 0x0F
_LABEL: Final = 0x08
_FOLDER: Final = 0x10
_DELETED: Final = 0xE5
_MAX_FOLDER: Final = 65_536 * 32


class FatReader:
    """A FAT volume.

    Args:
        image: where it is.

    Raises:
        DamagedMedium: it is none, or FAT32.
    """

    __slots__ = (
        "_bits",
        "_budget",
        "_cluster",
        "_clusters",
        "_data",
        "_found",
        "_root",
        "_table",
        "image",
        "label",
    )

    def __init__(self, image: Image) -> None:
        self.image = image
        boot = image.read(0, 512) if image.size >= 512 else b""
        if boot[510:] != b"\x55\xaa":
            raise DamagedMedium(problem="it has no boot sector")
        sector, per, reserved, tables, entries, small, _, size = struct.unpack_from("<HBHBHHBH", boot, 11)
        total = small or struct.unpack_from("<I", boot, 32)[0]
        if sector not in {512, 1024, 2048, 4096} or not per or per & (per - 1) or not reserved or not tables:
            raise DamagedMedium(problem="its boot sector describes no FAT volume")
        if not size:
            raise DamagedMedium(problem="it is FAT32 or no FAT volume; FAT12 and FAT16 are read")
        root = reserved + tables * size
        first = root + -(-entries * 32 // sector)
        self._root = (root * sector, entries * 32)
        self._data = first * sector
        self._cluster = per * sector
        self._clusters = max(0, total - first) // per
        self._bits = 12 if self._clusters < 4085 else 16
        if self._clusters >= 65_525:
            raise DamagedMedium(problem=f"it has {self._clusters} clusters, too many for FAT16")
        # On a sound volume no cluster belongs to two files.
        self._budget = Budget(2 * self._clusters + MAX_FOUND, "chains of clusters")
        self._table = image.read(reserved * sector, min(size * sector, 1 << 17))
        self._found: tuple[Found, ...] | None = None
        self.label = self._label(boot)

    @property
    def format(self) -> str:
        """Its file system, in words."""
        return f"FAT{self._bits}"

    def found(self) -> tuple[Found, ...]:
        """Everything on it, folders before what is in them."""
        if self._found is None:
            self._found = tuple(self._walk())
        return self._found

    def _label(self, boot: bytes) -> str:
        for entry in self._split(self.image.read(*self._root)):
            if entry[11] & (_LABEL | _FOLDER) == _LABEL and entry[11] != _LONG and entry[0] != _DELETED:
                return entry[:11].decode("cp437").rstrip()
        label = boot[43:54].decode("cp437").rstrip() if boot[38] == 0x29 else ""
        return "" if label == "NO NAME" else label

    def _walk(self) -> Iterator[Found]:
        todo: list[tuple[str, int, int]] = [("", 0, 0)]
        seen = {0}
        count = 0
        while todo:
            inside, first, level = todo.pop()
            for name, entry in self._named(self._folder(first)):
                count += 1
                if count > MAX_FOUND:
                    raise DamagedMedium(problem=f"it has more than {MAX_FOUND} files and folders")
                path = f"{inside}/{safe_name(name)}"
                start, size = struct.unpack_from("<HI", entry, 26)
                if entry[11] & _FOLDER:
                    yield Found(path=path, kind=FoundKind.FOLDER)
                    if start not in seen and level < MAX_LEVELS:
                        seen.add(start)
                        todo.append((path, start, level + 1))
                else:
                    extents = self._extents(start, size) if size else ()
                    yield Found(path=path, kind=FoundKind.FILE, size=size, extents=extents)

    def _folder(self, first: int) -> bytes:
        if not first:
            return self.image.read(*self._root)
        extents = self._extents(first, _MAX_FOLDER)
        return b"".join(self.image.read(at, length) for at, length in extents)

    def _extents(self, first: int, size: int) -> tuple[tuple[int, int], ...]:
        """Where a chain of clusters is, at most so many bytes of it; it ends where it is broken."""
        made: list[tuple[int, int]] = []
        left, cluster = size, first
        # Each cluster at most once: a chain that bites its tail ends by its length.
        for _ in range(self._clusters):
            if not 2 <= cluster < self._clusters + 2 or left <= 0:
                break
            at = self._data + (cluster - 2) * self._cluster
            if made and made[-1][0] + made[-1][1] == at:
                made[-1] = (made[-1][0], made[-1][1] + self._cluster)
            else:
                made.append((at, self._cluster))
            self._budget.spend(1)
            left -= self._cluster
            cluster = self._next(cluster)
        return tuple(made)

    def _next(self, cluster: int) -> int:
        at = cluster * 2 if self._bits == 16 else cluster + cluster // 2
        pair = self._table[at : at + 2]
        if len(pair) < 2:
            return 0
        value = int.from_bytes(pair, "little")
        if self._bits == 16:
            return value
        return value >> 4 if cluster & 1 else value & 0xFFF

    def _named(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        parts: list[bytes] = []
        for entry in self._split(data):
            if entry[0] == _DELETED:
                parts = []
            elif entry[11] & 0x3F == _LONG:
                if entry[0] & 0x40:
                    parts = []
                if len(parts) < 32:
                    parts.append(entry)
            else:
                if not entry[11] & _LABEL and entry[:2] not in {b". ", b".."}:
                    yield _long_name(parts, entry) or _short_name(entry), entry
                parts = []

    @staticmethod
    def _split(data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data) - 31, 32):
            if not data[at]:
                return
            yield data[at : at + 32]


def _long_name(parts: list[bytes], entry: bytes) -> str:
    """The long name that belongs to a short entry; empty when none does."""
    check = checksum(entry[:11])
    orders = [part[0] & 0x3F for part in parts]
    if orders != list(range(len(parts), 0, -1)) or any(part[13] != check for part in parts):
        return ""
    units = b"".join(part[1:11] + part[14:26] + part[28:32] for part in reversed(parts))
    name = units.decode("utf-16-le", "replace")
    return name.partition("\0")[0]


def _short_name(entry: bytes) -> str:
    first = b"\xe5" if entry[0] == 5 else entry[:1]
    stem = (first + entry[1:8]).decode("cp437").rstrip()
    end = entry[8:11].decode("cp437").rstrip()
    # Windows NT and Linux keep names of one case without a long name (bits 3 and 4).
    stem = stem.lower() if entry[12] & 0x08 else stem
    end = end.lower() if entry[12] & 0x10 else end
    return f"{stem}.{end}" if end else stem
