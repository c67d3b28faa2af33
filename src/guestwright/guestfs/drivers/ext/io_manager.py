"""The I/O manager: libext2fs reads and writes through these callbacks, and so through our block device.

Theory of operation: the library calls C function pointers that ctypes made of Python functions. An exception
cannot cross C, so each callback catches everything, remembers the first one and returns an error code;
whoever called into the library then calls `raise_pending()`. libext2fs sees one channel for each filesystem
and counts in blocks of `block_size`; a negative count means bytes (ext2_io.h; io_manager.c).
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

from guestwright.guestfs.drivers.ext import bindings
from guestwright.guestfs.drivers.ext.cache import BlockCache
from guestwright.guestfs.drivers.ext.codes import SHORT_READ, SHORT_WRITE

_BOOT_BLOCK_SIZE: Final = 1024  # what libext2fs assumes of a channel before it has seen a superblock


class IoBridge:
    """The callbacks of one filesystem, and what they need kept alive while the library may call them.

    Args:
        cache: the device's cache.
    """

    def __init__(self, cache: BlockCache) -> None:
        self.cache = cache
        self.manager = bindings.IoManager()
        self._channels: list[bindings.IoChannel] = []
        self._block_size = _BOOT_BLOCK_SIZE
        self._pending: BaseException | None = None
        self._fill_manager()

    def raise_pending(self) -> None:
        """Raise what a callback could not, once.

        Raises:
            BaseException: whatever the device raised in a callback since the last call.
        """
        if self._pending is not None:
            error, self._pending = self._pending, None
            raise error

    def _fill_manager(self) -> None:
        manager = self.manager
        manager.magic = bindings.MAGIC_IO_MANAGER
        manager.name = b"guestwright"
        manager.open = bindings.OPEN(self._open)
        manager.close = bindings.CHANNEL(_nothing)
        manager.set_blksize = bindings.SET_BLKSIZE(self._set_block_size)
        manager.read_blk = bindings.TRANSFER(self._read)
        manager.write_blk = bindings.TRANSFER(self._write)
        manager.flush = bindings.CHANNEL(_nothing)
        manager.read_blk64 = bindings.TRANSFER64(self._read)
        manager.write_blk64 = bindings.TRANSFER64(self._write)

    def _open(self, _name: bytes, _flags: int, result: Any) -> int:
        channel = bindings.IoChannel()
        channel.magic = bindings.MAGIC_IO_CHANNEL
        channel.manager = ctypes.pointer(self.manager)
        channel.name = b"guestwright"
        channel.block_size = self._block_size
        channel.refcount = 1
        self._channels.append(channel)
        result[0] = ctypes.pointer(channel)
        return 0

    def _set_block_size(self, channel: Any, size: int) -> int:
        channel.contents.block_size = size
        self._block_size = size
        return 0

    def _read(self, _channel: int, block: int, count: int, buffer: int) -> int:
        offset = block * self._block_size
        length = -count if count < 0 else count * self._block_size
        if offset + length > self.cache.size:
            return SHORT_READ
        try:
            ctypes.memmove(buffer, self.cache.read(offset, length), length)
        except BaseException as error:  # noqa: BLE001 - the boundary to C: raise_pending() raises it again
            return self._failed(error, SHORT_READ)
        return 0

    def _write(self, _channel: int, block: int, count: int, buffer: int) -> int:
        offset = block * self._block_size
        length = -count if count < 0 else count * self._block_size
        if offset + length > self.cache.size:
            return SHORT_WRITE
        try:
            self.cache.write(offset, ctypes.string_at(buffer, length))
        except BaseException as error:  # noqa: BLE001 - the boundary to C: raise_pending() raises it again
            return self._failed(error, SHORT_WRITE)
        return 0

    def _failed(self, error: BaseException, code: int) -> int:
        if self._pending is None:
            self._pending = error
        return code


def _nothing(_channel: Any) -> int:
    return 0
