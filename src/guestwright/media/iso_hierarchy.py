"""One of the two directory trees of a CD: the primary one with Rock Ridge, or the Joliet one.

Theory of operation: first every record's length is known, from which follow the sizes of folders and of the
continuation area; then places are given out; then records are packed. Contents of files are shared by both
trees. Deep folders are not moved to the top (`RR_MOVED`): ISO 9660 of 1988 allows eight levels, its 1999
version and every guest of today more, and xorriso writes them in place as well.
"""

from __future__ import annotations

import stat
from typing import Final

from guestwright.media.folders import Folder, Leaf
from guestwright.media.iso_names import iso_identifiers, joliet_identifiers
from guestwright.media.iso_records import (
    CE_SIZE,
    ER_FIELD,
    FLAG_FOLDER,
    FLAG_MORE,
    MAX_RECORD,
    RR_FIELD,
    SECTOR,
    SP_FIELD,
    ce_field,
    nm_field,
    px_field,
    record,
    record_length,
    tf_field,
)

MAX_EXTENT: Final = 0xFFFFF800
"""Bytes of one section of a file: the most that 32 bits and whole blocks allow."""
_FIXED_ROCK: Final = 5 + 36 + 26

Node = Folder | Leaf


class Entry:
    """A file or folder in the records of its folder.

    Attributes:
        identifier: in this tree.
        node: what it is.
        name: its NM field; empty in Joliet.
        continued: where in the continuation area the name stands; None when it stands in the record.
    """

    __slots__ = ("continued", "identifier", "name", "node")

    def __init__(self, identifier: bytes, node: Node, name: bytes) -> None:
        self.identifier = identifier
        self.node = node
        self.name = name
        self.continued: tuple[int, int] | None = None


class Hierarchy:
    """A directory tree of the CD, laid out.

    Args:
        root: of the folders.
        rock: with Rock Ridge and ISO 9660 names; else Joliet.
        date: of everything, seven bytes.

    Attributes:
        rock: whether it is the primary one.
        table_size: of a path table in bytes.
        folder_blocks: of all folders together.
        more_blocks: of the continuation area.
    """

    __slots__ = (
        "_date",
        "_entries",
        "_idents",
        "_more",
        "_more_at",
        "_numbers",
        "_order",
        "_places",
        "_sizes",
        "folder_blocks",
        "rock",
        "table_size",
    )

    def __init__(self, root: Folder, date: bytes, *, rock: bool) -> None:
        self.rock = rock
        self._date = date
        self._more = [ER_FIELD] if rock else []
        self._more_at = len(ER_FIELD) if rock else 0
        self._order = [root]
        self._numbers = {root: 1}
        self._idents = {root: b"\0"}
        self._entries: list[list[Entry]] = []
        self._sizes: dict[Folder, int] = {}
        self._places: dict[Folder, int] = {}
        for folder in self._order:
            entries = self._enter(folder)
            self._entries.append(entries)
            self._sizes[folder] = self._measure(entries, folder)
        self.table_size = sum(8 + len(one) + (len(one) & 1) for one in self._idents.values())
        self.folder_blocks = sum(self._sizes.values()) // SECTOR

    @property
    def more_blocks(self) -> int:
        """Blocks of the continuation area."""
        return -(-self._more_at // SECTOR)

    @property
    def leaves(self) -> list[Leaf]:
        """All files, in the order of the records."""
        return [one.node for entries in self._entries for one in entries if isinstance(one.node, Leaf)]

    def place(self, block: int) -> None:
        """Give every folder its place, from this block on."""
        for folder in self._order:
            self._places[folder] = block
            block += self._sizes[folder] // SECTOR

    def root_record(self) -> bytes:
        """What the volume descriptor says of the root."""
        root = self._order[0]
        return record(b"\0", self._places[root], self._sizes[root], self._date, FLAG_FOLDER)

    def path_table(self, order: str) -> bytes:
        """The path table, `little` or `big` endian."""
        made = []
        for folder in self._order:
            ident = self._idents[folder]
            made.append(
                bytes((len(ident), 0))
                + self._places[folder].to_bytes(4, "little" if order == "little" else "big")
                + self._numbers[folder.parent].to_bytes(2, "little" if order == "little" else "big")
                + ident
                + bytes(len(ident) & 1)
            )
        return b"".join(made)

    def folders(self, more: int) -> bytes:
        """The records of all folders.

        Args:
            more: first block of the continuation area.
        """
        made = []
        for folder, entries in zip(self._order, self._entries, strict=True):
            made.append(self._pack(folder, entries, more))
        return b"".join(made)

    def continuation(self) -> bytes:
        """The continuation area, whole blocks."""
        return b"".join(self._more).ljust(self.more_blocks * SECTOR, b"\0")

    def _enter(self, folder: Folder) -> list[Entry]:
        nodes: list[Node] = [*folder.folders, *folder.leaves]
        nodes.sort(key=_name)
        names = [(one.name, isinstance(one, Folder)) for one in nodes]
        identifiers = iso_identifiers(names) if self.rock else joliet_identifiers(names)
        entries = []
        for ident, node in zip(identifiers, nodes, strict=True):
            entry = Entry(ident, node, nm_field(node.name.encode()) if self.rock else b"")
            entries.append(entry)
            if self.rock and record_length(ident, _FIXED_ROCK + len(entry.name)) > MAX_RECORD:
                entry.continued = self._continue(entry.name)
        entries.sort(key=_iso_order if self.rock else _ident)
        for entry in entries:
            if isinstance(entry.node, Folder):
                self._order.append(entry.node)
                self._numbers[entry.node] = len(self._order)
                self._idents[entry.node] = entry.identifier
        return entries

    def _continue(self, data: bytes) -> tuple[int, int]:
        """Room in the continuation area; no piece crosses a block."""
        room = SECTOR - self._more_at % SECTOR
        if len(data) > room:
            self._more.append(bytes(room))
            self._more_at += room
        at = self._more_at
        self._more.append(data)
        self._more_at += len(data)
        return divmod(at, SECTOR)

    def _measure(self, entries: list[Entry], folder: Folder) -> int:
        own = record_length(b"\0", self._own_extra(folder))
        position = own + record_length(b"\1", _FIXED_ROCK if self.rock else 0)
        for entry in entries:
            extra = 0
            if self.rock:
                extra = _FIXED_ROCK + (len(entry.name) if entry.continued is None else CE_SIZE)
            length = record_length(entry.identifier, extra)
            for _ in range(_sections(entry.node)):
                room = SECTOR - position % SECTOR
                position += length + (room if length > room else 0)
        return -(-position // SECTOR) * SECTOR

    def _own_extra(self, folder: Folder) -> int:
        if not self.rock:
            return 0
        return _FIXED_ROCK + (len(SP_FIELD) + CE_SIZE if folder is self._order[0] else 0)

    def _pack(self, folder: Folder, entries: list[Entry], more: int) -> bytes:
        date = self._date
        parts = self._dots(folder, more)
        position = sum(map(len, parts))
        times = tf_field(date) if self.rock else b""
        for entry in entries:
            node, extra = entry.node, b""
            if self.rock:
                about = px_field(_mode(node), _links(node))
                extra = RR_FIELD + about + times + _name_or_more(entry, more)
            for place, size, flags in self._contents(node):
                one = record(entry.identifier, place, size, date, flags, extra)
                room = SECTOR - position % SECTOR
                if len(one) > room:
                    parts.append(bytes(room))
                    position += room
                parts.append(one)
                position += len(one)
        return b"".join(parts).ljust(self._sizes[folder], b"\0")

    def _dots(self, folder: Folder, more: int) -> list[bytes]:
        made = []
        for ident, one in ((b"\0", folder), (b"\1", folder.parent)):
            extra = b""
            if self.rock:
                extra = RR_FIELD + px_field(_mode(one), _links(one)) + tf_field(self._date)
                if ident == b"\0" and folder is self._order[0]:
                    extra = SP_FIELD + extra + ce_field(more, 0, len(ER_FIELD))
            made.append(record(ident, self._places[one], self._sizes[one], self._date, FLAG_FOLDER, extra))
        return made

    def _contents(self, node: Node) -> list[tuple[int, int, int]]:
        if isinstance(node, Folder):
            return [(self._places[node], self._sizes[node], FLAG_FOLDER)]
        if node.size <= MAX_EXTENT:
            return [(node.first, node.size, 0)]
        count = _sections(node)
        return [
            (
                node.first + at * (MAX_EXTENT // SECTOR),
                min(MAX_EXTENT, node.size - at * MAX_EXTENT),
                FLAG_MORE if at < count - 1 else 0,
            )
            for at in range(count)
        ]


def _name_or_more(entry: Entry, more: int) -> bytes:
    if entry.continued is None:
        return entry.name
    block, offset = entry.continued
    return ce_field(more + block, offset, len(entry.name))


def _sections(node: Node) -> int:
    return 1 if isinstance(node, Folder) else max(1, -(-node.size // MAX_EXTENT))


def _mode(node: Node) -> int:
    return stat.S_IFDIR | 0o555 if isinstance(node, Folder) else stat.S_IFREG | node.file.mode


def _links(node: Node) -> int:
    return 2 + len(node.folders) if isinstance(node, Folder) else 1


def _name(node: Node) -> str:
    return node.name


def _ident(entry: Entry) -> bytes:
    return entry.identifier


def _iso_order(entry: Entry) -> tuple[bytes, bytes]:
    """ECMA-119 9.3: by the name, then by the extension."""
    stem, _, rest = entry.identifier.partition(b".")
    return stem, rest
