"""What every block device promises (guestwright.base.block)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from guestwright.base.block import BlockDevice, TakesMany
from guestwright.disk.errors import NotWritable, OutOfRange
from tests.support.block_devices import driver_params

SIZE = 1 << 20
CONTENT = random.Random(1).randbytes(SIZE // 2) + bytes(SIZE // 4) + random.Random(2).randbytes(SIZE // 4)
Open = Callable[..., BlockDevice]


@pytest.fixture(params=driver_params())
def open_device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def make(*, writable: bool = True) -> BlockDevice:
            context: AbstractContextManager[BlockDevice] = request.param(tmp_path, CONTENT, writable)
            return stack.enter_context(context)

        yield make


def test_it_is_a_block_device(open_device: Open) -> None:
    device = open_device()
    assert isinstance(device, BlockDevice)
    assert device.size == SIZE
    assert device.writable


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (0, 0),
        (0, 1),
        (0, 4096),
        (1, 4095),
        (4095, 2),
        (511, 70000),
        (SIZE // 2 - 5, 10),
        (SIZE - 1, 1),
        (SIZE, 0),
        (0, SIZE),
    ],
)
def test_read_returns_exactly_what_was_asked(open_device: Open, offset: int, length: int) -> None:
    assert open_device().read(offset, length) == CONTENT[offset : offset + length]


@pytest.mark.parametrize(
    ("offset", "length"), [(-1, 1), (0, SIZE + 1), (SIZE, 1), (SIZE - 1, 2), (1 << 62, 1), (0, -1)]
)
def test_access_outside_is_refused_and_nothing_happens(open_device: Open, offset: int, length: int) -> None:
    device = open_device()
    with pytest.raises(OutOfRange):
        device.read(offset, length)
    if length > 0:
        with pytest.raises(OutOfRange):
            device.write(offset, b"x" * length)
    assert device.read(0, SIZE) == CONTENT


def test_random_writes_are_read_back(open_device: Open) -> None:
    device, model, choice = open_device(), bytearray(CONTENT), random.Random(3)
    for _ in range(150):
        length = choice.choice([1, 100, 512, 4096, 4097, 20000])
        offset = choice.randrange(SIZE - length + 1)
        data = choice.randbytes(length)
        device.write(offset, choice.choice([bytes, bytearray, memoryview])(data))
        model[offset : offset + length] = data
        at = choice.randrange(SIZE)
        count = min(SIZE - at, choice.choice([1, 4096, 131072]))
        assert device.read(at, count) == model[at : at + count]
    device.flush()
    assert device.read(0, SIZE) == bytes(model)


def test_read_returns_bytes_that_later_writes_leave_alone(open_device: Open) -> None:
    device = open_device()
    before = device.read(4096, 4096)
    buffer = bytearray(b"a" * 4096)
    device.write(4096, buffer)
    buffer[:] = b"b" * 4096
    assert type(before) is bytes
    assert before == CONTENT[4096:8192]
    assert device.read(4096, 4096) == b"a" * 4096


def test_device_for_reading_refuses_writes(open_device: Open, request: pytest.FixtureRequest) -> None:
    device = open_device(writable=False)
    if device.writable:
        assert "overlay" in request.node.name
        return
    with pytest.raises(NotWritable):
        device.write(0, b"x")
    assert device.read(0, SIZE) == CONTENT


def test_close_may_be_called_twice(open_device: Open) -> None:
    device = open_device()
    device.close()
    device.close()


def test_many_writes_at_once_are_read_back(open_device: Open, request: pytest.FixtureRequest) -> None:
    device, model, choice = open_device(), bytearray(CONTENT), random.Random(7)
    assert isinstance(device, TakesMany) == ("nbd_" in request.node.name)
    if isinstance(device, TakesMany):
        edges = sorted(choice.sample(range(SIZE), 200))
        extents = [(at, choice.randbytes(after - at)) for at, after in itertools.pairwise(edges)]
        extents.append((0, choice.randbytes(edges[0])))
        choice.shuffle(extents)
        for at, data in extents:
            model[at : at + len(data)] = data
        device.write_all(iter(extents))
        device.flush()
        assert device.read(0, SIZE) == bytes(model)
