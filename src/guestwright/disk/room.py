"""Whether the host has room for the writes to an image that grows."""

from __future__ import annotations

import os
import stat
from typing import Final

from guestwright.base.block import BlockDevice
from guestwright.disk.errors import HostNoSpace

_CLUSTER: Final = (
    64 << 10
)  # qcow2's default; VMDK's grain and VDI's and VHDX's blocks are rounded by `_SPARE`
_SPARE: Final = 4 << 20  # tables that grow along


def check_room(path: str, device: BlockDevice, extents: list[tuple[int, int]]) -> None:
    """Refuse writes to a growing image that the host's filesystem has no room for.

    An estimate from above, since no tool can reserve room inside such an image: what looks like not enough is
    asked for precisely if the device tells what is allocated.

    Args:
        path: of the image file.
        device: the disk in it.
        extents: (offset, length) to be written, ascending, bytes.

    Raises:
        HostNoSpace: there is not enough.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        return
    space = os.statvfs(path)
    free = space.f_frsize * (space.f_bfree if os.geteuid() == 0 else space.f_bavail)
    clusters = {
        cluster
        for offset, length in extents
        for cluster in range(offset // _CLUSTER, (offset + length - 1) // _CLUSTER + 1)
    }
    if len(clusters) * _CLUSTER + _SPARE <= free:
        return
    if len(clusters) * _CLUSTER > free:
        clusters = _missing(device, clusters)
    if len(clusters) * _CLUSTER > free:
        raise HostNoSpace(path=path, action="reserving space")


def _missing(device: BlockDevice, clusters: set[int]) -> set[int]:
    """Those of the clusters that are not allocated in the image yet."""
    from guestwright.disk.nbd_client import NbdDevice  # noqa: PLC0415 - raw images never get here

    if not isinstance(device, NbdDevice):
        return clusters
    from guestwright.disk.nbd_wire import STATE_HOLE  # noqa: PLC0415 - as above

    missing: set[int] = set()
    first, last = min(clusters) * _CLUSTER, min((max(clusters) + 1) * _CLUSTER, device.size)
    for offset, length, state in device.block_status(first, last - first):
        if state & STATE_HOLE:
            end = (offset + length - 1) // _CLUSTER + 1
            missing.update(clusters.intersection(range(offset // _CLUSTER, end)))
    return missing
