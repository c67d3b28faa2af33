"""Filling a copy and writing changes back."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.fileview.copy_view import fill, write_back
from tests.support.memory_device import MemoryDevice

MIB = 1 << 20


@pytest.fixture
def copy() -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        yield file.fileno()


@pytest.mark.parametrize("size", [0, 1, 4096, MIB, MIB + 1, 3 * MIB + 4095])
def test_copy_is_the_same(copy: int, size: int) -> None:
    content = (os.urandom(4096) * (size // 4096 + 1))[:size]
    fill(copy, MemoryDevice(content))
    assert os.pread(copy, size + 1, 0) == content


def test_zeros_take_no_room(copy: int) -> None:
    fill(copy, MemoryDevice(bytes(16 * MIB) + b"end" * 100))
    assert os.fstat(copy).st_size == 16 * MIB + 300
    assert os.fstat(copy).st_blocks * 512 <= 64 << 10


@given(st.lists(st.tuples(st.integers(0, 3 * MIB - 10), st.binary(min_size=1, max_size=10)), max_size=8))
def test_only_changes_are_written(changes: list[tuple[int, bytes]]) -> None:
    device = MemoryDevice(b"\x5a" * (3 * MIB))
    expected = bytearray(device.content)
    with tempfile.TemporaryFile() as file:
        fill(file.fileno(), device)
        for offset, data in changes:
            os.pwrite(file.fileno(), data, offset)
            expected[offset : offset + len(data)] = data
        written = write_back(file.fileno(), device)
    assert device.content == expected
    assert written <= 2 * 4096 * len(changes)
    assert written == sum(size for _, size in device.written)
