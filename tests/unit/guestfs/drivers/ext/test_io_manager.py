"""The border to C: no exception is lost, and every code becomes an error of ours."""

from __future__ import annotations

import ctypes

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.guestfs import errors
from guestwright.guestfs.drivers.ext import codes
from guestwright.guestfs.drivers.ext.cache import BlockCache
from guestwright.guestfs.drivers.ext.io_manager import IoBridge


class Broken:
    """A device that fails."""

    size = 1 << 20
    writable = True

    def read(self, offset: int, length: int) -> bytes:
        raise KeyboardInterrupt("the connection is gone")

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        raise OSError("no")

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_an_exception_in_a_callback_is_raised_after_the_call() -> None:
    bridge = IoBridge(BlockCache(Broken()))
    buffer = ctypes.create_string_buffer(1024)
    assert bridge.manager.read_blk64(None, 1, 1, ctypes.addressof(buffer)) == codes.SHORT_READ
    assert bridge.manager.write_blk64(None, 1, 1, ctypes.addressof(buffer)) == codes.SHORT_WRITE
    with pytest.raises(KeyboardInterrupt):
        bridge.raise_pending()
    bridge.raise_pending()


def test_blocks_beyond_the_device_are_refused() -> None:
    bridge = IoBridge(BlockCache(Broken()))
    buffer = ctypes.create_string_buffer(2048)
    assert bridge.manager.read_blk(None, 1023, 2, ctypes.addressof(buffer)) == codes.SHORT_READ
    assert bridge.manager.write_blk(None, 1 << 40, 1, ctypes.addressof(buffer)) == codes.SHORT_WRITE
    bridge.raise_pending()


@pytest.mark.parametrize(
    ("offset", "kind"),
    [
        (72, errors.NoSpace),
        (73, errors.NoSpace),
        (38, errors.NoSpace),
        (163, errors.NoSpace),
        (76, errors.NotFound),
        (162, errors.NotFound),
        (79, errors.AlreadyExists),
        (155, errors.AlreadyExists),
        (82, errors.TooLarge),
        (67, errors.UnsupportedFilesystem),
        (164, errors.UnsupportedFilesystem),
        (70, errors.DriverFailed),
        (19, errors.Corrupt),
        (146, errors.Corrupt),
        (174, errors.Corrupt),
    ],
)
def test_codes(offset: int, kind: type[GuestwrightError]) -> None:
    error = codes.as_error(codes.BASE + offset, filesystem="disk0", doing="trying")
    assert type(error) is kind
    assert error.message
    assert error.advice is not None


def test_every_code_has_a_message() -> None:
    for code in (1, 5, 28, *range(codes.BASE, codes.BASE + 200)):
        assert codes.as_error(code, filesystem="disk0", doing="trying").message
