"""A cache of a block device: reads in chunks, writes collected until they are flushed.

Theory of operation: libext2fs reads single blocks, and each read of the device may be a round trip to another
process. So the device is read in aligned chunks of 64 KiB, kept in order of last use. Writes go into the
chunks; a bit mask for each chunk says which granules of 1 KiB differ from the device. A write that changes
nothing marks nothing: libext2fs writes back whole bitmaps and descriptor tables of which it touched one byte.

Clean chunks are dropped beyond `CLEAN_LIMIT`. Written chunks are kept until `flush()`, so that closing
without a flush leaves the device as it was; only beyond `DIRTY_LIMIT` (a scrub of something huge) are they
written early, because memory must stay bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.base.block import BlockDevice

CHUNK: Final = 1 << 16
GRANULE: Final = 1 << 10
CLEAN_LIMIT: Final = 24 << 20
DIRTY_LIMIT: Final = 64 << 20

_SHIFT: Final = 16
_MASK: Final = CHUNK - 1


class BlockCache:
    """Reads and writes of a device through chunks.

    Args:
        device: where the bytes come from; must be writable if `flush` is to write anything.
        clean_limit: bytes of unchanged chunks to keep.
        dirty_limit: bytes of changed chunks to keep before they are written early.

    Offsets and lengths are the caller's to check: see `io_manager`.
    """

    __slots__ = ("_chunks", "_clean", "_device", "_dirty", "_dirty_chunks", "reads", "size")

    def __init__(
        self, device: BlockDevice, *, clean_limit: int = CLEAN_LIMIT, dirty_limit: int = DIRTY_LIMIT
    ) -> None:
        self._device = device
        self._clean = max(1, clean_limit // CHUNK)
        self._dirty_chunks = max(1, dirty_limit // CHUNK)
        self._chunks: dict[int, bytearray] = {}
        self._dirty: dict[int, int] = {}
        self.size = device.size
        self.reads = 0

    def read(self, offset: int, length: int) -> bytes:
        """The bytes at `offset`, written or not."""
        start = offset & _MASK
        if start + length <= CHUNK:
            return bytes(self._chunk(offset >> _SHIFT)[start : start + length])
        return b"".join(self._chunk(index)[start:stop] for index, start, stop, _ in _pieces(offset, length))

    def write(self, offset: int, data: bytes) -> None:
        """Put `data` at `offset`; the device sees it at the next flush."""
        start = offset & _MASK
        if start + len(data) <= CHUNK:
            if data:
                self._put(offset >> _SHIFT, start, start + len(data), data)
        else:
            for index, first, stop, done in _pieces(offset, len(data)):
                self._put(index, first, stop, data[done : done + stop - first])
        if len(self._dirty) > self._dirty_chunks:
            self.flush()

    def zero(self, offset: int, length: int) -> None:
        """Fill with zeros, without holding `length` bytes in memory."""
        for done in range(0, length, CHUNK):
            self.write(offset + done, bytes(min(CHUNK, length - done)))

    def flush(self) -> None:
        """Write everything that was changed to the device, in ascending order. Does not flush the device."""
        for index in sorted(self._dirty):
            chunk = self._chunks[index]
            base = index << _SHIFT
            for start, stop in _runs(self._dirty[index]):
                self._device.write(base + start, bytes(chunk[start:stop]))
            del self._dirty[index]
        self._trim()

    def flush_device(self) -> None:
        """Ask the device to make what it got durable."""
        self._device.flush()

    def _chunk(self, index: int) -> bytearray:
        chunks = self._chunks
        chunk = chunks.pop(index, None)
        if chunk is None:
            base = index << _SHIFT
            chunk = bytearray(self._device.read(base, min(CHUNK, self.size - base)))
            self.reads += 1
            self._trim()
        chunks[index] = chunk
        return chunk

    def _put(self, index: int, start: int, stop: int, piece: bytes) -> None:
        if stop - start == min(CHUNK, self.size - (index << _SHIFT)) and index not in self._chunks:
            self._trim()
            self._chunks[index] = bytearray(piece)
            self._dirty[index] = _granules(start, stop)
            return
        chunk = self._chunk(index)
        if chunk[start:stop] == piece:
            return
        chunk[start:stop] = piece
        self._dirty[index] = self._dirty.get(index, 0) | _granules(start, stop)

    def _trim(self) -> None:
        surplus = len(self._chunks) - len(self._dirty) - self._clean
        if surplus <= 0:
            return
        for index in [index for index in self._chunks if index not in self._dirty][:surplus]:
            del self._chunks[index]


def _pieces(offset: int, length: int) -> Iterator[tuple[int, int, int, int]]:
    """Chunk index, start and stop in the chunk, and how many bytes came before."""
    done = 0
    while done < length:
        start = (offset + done) & _MASK
        stop = min(CHUNK, start + length - done)
        yield (offset + done) >> _SHIFT, start, stop, done
        done += stop - start


def _granules(start: int, stop: int) -> int:
    first, last = start // GRANULE, (stop - 1) // GRANULE
    return ((1 << (last - first + 1)) - 1) << first


def _runs(mask: int) -> Iterator[tuple[int, int]]:
    """Byte ranges of the set bits of a mask of granules, joined where they touch."""
    position = 0
    while mask:
        skip = (mask & -mask).bit_length() - 1
        mask >>= skip
        position += skip
        length = (~mask & (mask + 1)).bit_length() - 1
        mask >>= length
        yield position * GRANULE, (position + length) * GRANULE
        position += length
