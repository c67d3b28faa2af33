"""The range check that every block device makes first."""

from __future__ import annotations

from guestwright.disk.errors import OutOfRange


def check_range(offset: int, length: int, size: int) -> None:
    """Refuse an access outside a device.

    Args:
        offset: of the access, bytes.
        length: of the access, bytes.
        size: of the device, bytes.

    Raises:
        OutOfRange: unless `0 <= offset` and `0 <= length` and `offset + length <= size`.
    """
    if offset < 0 or length < 0 or offset + length > size:
        raise OutOfRange(offset=offset, length=length, size=size)
