"""The cache against a plain bytearray."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.guestfs.drivers.ext.cache import CHUNK, GRANULE, BlockCache

SIZE = 5 * CHUNK + 3 * GRANULE + 17


class Memory:
    """A device that counts."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(index * 7 % 251 for index in range(size))
        self.reads: list[tuple[int, int]] = []
        self.writes: list[tuple[int, int]] = []
        self.flushed = 0

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def writable(self) -> bool:
        return True

    def read(self, offset: int, length: int) -> bytes:
        assert 0 <= offset <= offset + length <= self.size
        self.reads.append((offset, length))
        return bytes(self.data[offset : offset + length])

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        assert 0 <= offset <= offset + len(data) <= self.size
        self.writes.append((offset, len(data)))
        self.data[offset : offset + len(data)] = data

    def flush(self) -> None:
        self.flushed += 1

    def close(self) -> None:
        pass


spans = st.tuples(
    st.one_of(st.integers(0, SIZE), st.integers(0, 5).map(lambda index: index * CHUNK)),
    st.one_of(st.integers(0, 3000), st.sampled_from([GRANULE, 4096, CHUNK, CHUNK + 1, 2 * CHUNK])),
).map(lambda span: (span[0], min(span[1], SIZE - span[0])))
steps = st.lists(
    st.tuples(st.sampled_from(["read", "write", "same", "zero", "flush"]), spans, st.integers(0, 255)),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(steps, st.integers(1, 4), st.integers(1, 8))
def test_a_cache_is_the_device_with_the_writes_on_top(
    todo: list[tuple[str, tuple[int, int], int]], clean: int, dirty: int
) -> None:
    device = Memory(SIZE)
    model = bytearray(device.data)
    cache = BlockCache(device, clean_limit=clean * CHUNK, dirty_limit=dirty * CHUNK)
    for what, (offset, length), value in todo:
        if what == "read":
            assert cache.read(offset, length) == model[offset : offset + length]
        elif what == "write":
            data = bytes([value]) * length
            cache.write(offset, data)
            model[offset : offset + length] = data
        elif what == "same":
            cache.write(offset, bytes(model[offset : offset + length]))
        elif what == "zero":
            cache.zero(offset, length)
            model[offset : offset + length] = bytes(length)
        else:
            cache.flush()
            assert device.data == model
    assert cache.read(0, SIZE) == model
    cache.flush()
    assert device.data == model


def test_reads_come_in_chunks_and_once() -> None:
    device = Memory(SIZE)
    cache = BlockCache(device)
    for offset in range(0, CHUNK, 4096):
        cache.read(offset, 4096)
    assert device.reads == [(0, CHUNK)]
    cache.read(5 * CHUNK, 100)
    assert device.reads[-1] == (5 * CHUNK, SIZE - 5 * CHUNK)


def test_nothing_is_written_before_the_flush_and_then_only_what_changed() -> None:
    device = Memory(SIZE)
    cache = BlockCache(device)
    cache.write(0, bytes(device.data[: CHUNK - 1]))
    cache.write(CHUNK + 5000, b"a")
    cache.write(CHUNK + 5200, b"b")
    cache.write(CHUNK + 9000, b"c")
    assert device.writes == []
    cache.flush()
    assert device.writes == [(CHUNK + 4096, 2 * GRANULE), (CHUNK + 8192, GRANULE)]
    cache.flush()
    assert len(device.writes) == 2
    assert device.flushed == 0
    cache.flush_device()
    assert device.flushed == 1


def test_whole_chunks_are_written_without_being_read() -> None:
    device = Memory(SIZE)
    cache = BlockCache(device)
    cache.write(CHUNK, bytes(2 * CHUNK))
    cache.flush()
    assert device.reads == []
    assert device.writes == [(CHUNK, CHUNK), (2 * CHUNK, CHUNK)]


def test_memory_is_bounded() -> None:
    device = Memory(SIZE)
    cache = BlockCache(device, clean_limit=2 * CHUNK, dirty_limit=2 * CHUNK)
    for index in range(5):
        cache.read(index * CHUNK, 1)
    cache.read(0, 1)
    assert len(device.reads) == 6
    for index in range(5):
        cache.write(index * CHUNK, b"x")
    assert device.writes
