"""The inode tables: single inodes read and written in Python, with their checksums.

Theory of operation: `ext2fs_write_inode_full` writes the whole block around an inode each time, and each read
and write is a callback; a removal of 100,000 files is mostly that. Here an inode is a slice of the cache. The
library keeps four inodes and one block of its own, so after each write it is told to forget them
(`ext2fs_flush_icache`); what the library writes goes through the same cache and is seen here at once.

The checksum is CRC32C over number, generation and inode with the checksum fields zero, seeded by the
filesystem's UUID or its stored seed (kernel documentation, ext4 "Checksums"; e2fsprogs lib/ext2fs/csum.c).
"""

from __future__ import annotations

import ctypes
import struct
from typing import Any, Final

from guestwright.guestfs.drivers.ext.cache import BlockCache
from guestwright.guestfs.drivers.ext.inode import GOOD_OLD_SIZE
from guestwright.guestfs.drivers.ext.superblock import Superblock
from guestwright.guestfs.errors import Corrupt

_ALL_ONES: Final = 0xFFFFFFFF
_LOW: Final = slice(124, 126)
_HIGH: Final = slice(130, 132)
_ZERO: Final = b"\0\0"
_HIGH_EXTRA: Final = 4
_KEY: Final = struct.Struct("<I4s")

_MAX_SOUND: Final = 100_000  # numbers remembered as checked; a bound on memory, not on the guest


class InodeTable:
    """All inodes of one filesystem.

    Args:
        library: libext2fs.
        fs: its handle of the filesystem.
        cache: of the device.
        super_: the superblock.
        filesystem: id, for errors.
    """

    __slots__ = (
        "_cache",
        "_crc",
        "_filesystem",
        "_fs",
        "_groups",
        "_library",
        "_per_group",
        "_seed",
        "_size",
        "_sound",
        "_super",
    )

    def __init__(
        self, library: ctypes.CDLL, fs: Any, cache: BlockCache, super_: Superblock, *, filesystem: str
    ) -> None:
        self._library = library
        self._fs = fs
        self._cache = cache
        self._super = super_
        self._filesystem = filesystem
        self._crc = library.ext2fs_crc32c_le
        self._groups: dict[int, int] = {}
        self._sound: set[int] = set()
        self._size = super_.inode_size
        self._per_group = super_.inodes_per_group
        self._seed = self._find_seed()

    def read(self, number: int) -> bytes:
        """The bytes of an inode.

        Raises:
            Corrupt: no such number, its table is outside of the filesystem, or the checksum is wrong.
        """
        raw = self._cache.read(self._offset(number), self._size)
        if self._seed is not None and number not in self._sound:
            low, high = self._sum(number, raw)
            if (raw[_LOW] != low or (high and raw[_HIGH] != high)) and any(raw):
                raise self._corrupt(f"inode {number} has a wrong checksum")
            self._sound.add(number)  # whoever writes it from now on, we or the library, sets it rightly
            if len(self._sound) > _MAX_SOUND:
                self._sound.clear()
        return raw

    def write(self, number: int, raw: bytearray) -> None:
        """Store the bytes of an inode, after setting the checksum in them."""
        if self._seed is not None:
            raw[_LOW], high = self._sum(number, raw)
            if high:
                raw[_HIGH] = high
        self._cache.write(self._offset(number), bytes(raw))
        self._library.ext2fs_flush_icache(self._fs)

    def _offset(self, number: int) -> int:
        if not 0 < number <= self._super.inodes:
            raise self._corrupt(f"there is no inode {number}")
        group, index = divmod(number - 1, self._per_group)
        try:
            return self._groups[group] + index * self._size
        except KeyError:
            return self._find_table(group) + index * self._size

    def _find_table(self, group: int) -> int:
        block = self._library.ext2fs_inode_table_loc(self._fs, group)
        size = self._super.block_size
        blocks = -(-self._per_group * self._size // size)
        if not self._super.first_data_block < block <= self._super.blocks - blocks:
            raise self._corrupt(f"the inode table of group {group} is outside of it")
        self._groups[group] = block * size
        return self._groups[group]

    def _find_seed(self) -> int | None:
        if not self._super.metadata_checksums:
            return None
        if self._super.checksum_seed is not None:
            return self._super.checksum_seed
        seed: int = self._crc(_ALL_ONES, self._super.uuid, 16)
        return seed

    def _sum(self, number: int, raw: bytes | bytearray) -> tuple[bytes, bytes]:
        """What belongs into the two checksum fields; the high one is empty where there is no room for it."""
        key = _KEY.pack(number, raw[100:104])
        if self._size > GOOD_OLD_SIZE and (raw[GOOD_OLD_SIZE] >= _HIGH_EXTRA or raw[GOOD_OLD_SIZE + 1]):
            clear = b"".join((key, raw[:124], _ZERO, raw[126:130], _ZERO, raw[132:]))
            value: int = self._crc(self._seed, clear, len(clear))
            packed = value.to_bytes(4, "little")
            return packed[:2], packed[2:]
        clear = b"".join((key, raw[:124], _ZERO, raw[126:]))
        value = self._crc(self._seed, clear, len(clear))
        return (value & 0xFFFF).to_bytes(2, "little"), b""

    def _corrupt(self, detail: str) -> Corrupt:
        return Corrupt(filesystem=self._filesystem, detail=detail)
