"""The overlay: what was written, where it went, and how much memory it takes."""

from __future__ import annotations

import os
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.disk.errors import DiskIO, OutOfRange
from guestwright.disk.memory import MemoryDevice
from guestwright.disk.overlay import MAX_EXTENT, Overlay
from guestwright.disk.window import Window

SIZE = 40 * 4096 + 1536
BASE = random.Random(5).randbytes(SIZE)
WRITES = st.lists(
    st.tuples(st.integers(0, SIZE - 1), st.integers(1, 20000), st.integers(0, 255)), max_size=12
)


@settings(deadline=None)
@given(WRITES, st.sampled_from([0, 8192, 1 << 20]))
def test_writes_applied_to_the_base_give_what_the_overlay_reads(
    writes: list[tuple[int, int, int]], spill_after: int
) -> None:
    overlay = Overlay(MemoryDevice(BASE), spill_after=spill_after)
    model = bytearray(BASE)
    for offset, length, value in writes:
        data = bytes([value]) * min(length, SIZE - offset)
        overlay.write(offset, data)
        model[offset : offset + len(data)] = data
    assert overlay.read(0, SIZE) == bytes(model)
    applied = bytearray(BASE)
    extents = list(overlay.writes())
    for offset, data in extents:
        assert 0 < len(data) <= MAX_EXTENT
        applied[offset : offset + len(data)] = data
    assert applied == model
    assert len(applied) == SIZE
    ends = [(offset, offset + len(data)) for offset, data in extents]
    assert all(end < start for (_, end), (start, _) in pairwise(ends))
    overlay.close()


def test_neighbours_are_joined_up_to_the_limit() -> None:
    overlay = Overlay(MemoryDevice(5 << 20))
    for page in reversed(range(600)):
        overlay.write(page * 4096, b"x" * 4096)
    assert [(offset, len(data)) for offset, data in overlay.writes()] == [
        (0, MAX_EXTENT),
        (MAX_EXTENT, MAX_EXTENT),
        (2 * MAX_EXTENT, 88 * 4096),
    ]
    assert overlay.dirty_bytes == 600 * 4096


def test_base_is_never_written() -> None:
    base = MemoryDevice(BASE, writable=False)
    overlay = Overlay(base)
    overlay.write(10, b"x" * 10000)
    overlay.flush()
    assert base.read(0, SIZE) == BASE


def test_discard_brings_the_base_back() -> None:
    overlay = Overlay(MemoryDevice(BASE), spill_after=4096)
    overlay.write(0, b"x" * 30000)
    overlay.discard()
    assert overlay.read(0, SIZE) == BASE
    assert overlay.dirty_bytes == 0
    assert list(overlay.writes()) == []
    overlay.write(5, b"again")
    assert overlay.read(5, 5) == b"again"


def test_spill_leaves_no_name_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    overlay = Overlay(MemoryDevice(1 << 20), spill_after=0)
    overlay.write(0, b"s" * 50000)
    assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) == before + 1
    overlay.close()
    overlay.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_spill_directory_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    with pytest.raises(DiskIO, match="temporary file"):
        Overlay(MemoryDevice(1 << 20), spill_after=0).write(0, b"s")


@pytest.mark.parametrize(("start", "size"), [(-1, 10), (0, SIZE + 1), (SIZE, 1), (10, -1)])
def test_window_must_lie_inside(start: int, size: int) -> None:
    with pytest.raises(OutOfRange):
        Window(MemoryDevice(BASE), start, size)


def test_window_moves_writes_and_flushes() -> None:
    base = MemoryDevice(BASE)
    window = Window(base, 1000, 100)
    window.write(99, b"z")
    window.flush()
    window.close()
    assert base.read(1099, 1) == b"z"
    assert base.flushes == 1
    assert window.start == 1000
