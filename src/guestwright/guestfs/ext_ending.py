"""The end of a run on an ext machine: e2fsck's verdict, new UUIDs, the commit.

Kept apart because it is imported while the worker works, which then begins some 8 ms earlier.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Final

from guestwright.disk import redo
from guestwright.disk.image import Image
from guestwright.disk.overlay import Overlay
from guestwright.guestfs import e2fsprogs
from guestwright.guestfs.contents import EXT, Area
from guestwright.guestfs.machine import FilesystemCheck

_SWAP_UUID_AT: Final = 1024 + 12  # struct swap_header_v1_2, after version, last_page, nr_badpages


class Ending:
    """What is done when the files are done; `close` ends checkers that were started in vain."""

    def __init__(self) -> None:
        self._ahead: dict[str, e2fsprogs.Check] = {}

    def replay(self, area: Area) -> None:
        """Finish what a crashed guest left; see `e2fsprogs.replay`."""
        e2fsprogs.replay(area.device, name=area.id)

    def start_check(self, area: Area) -> None:
        """Start the checker of an area, unless one was started: it has loaded when it is needed."""
        if not self._ahead:
            self._ahead[area.id] = e2fsprogs.Check(area.device, name=area.id)

    def check(self, areas: Iterable[Area]) -> list[FilesystemCheck]:
        """`e2fsck -fn` over ext filesystems."""
        verdicts = []
        for area in areas:
            began = time.perf_counter()
            with self._ahead.pop(area.id, None) or e2fsprogs.Check(area.device, name=area.id) as started:
                report = started.finish()
            verdicts.append(
                FilesystemCheck(
                    filesystem=area.id,
                    tool="e2fsck -fn",
                    clean=report.clean,
                    output="" if report.clean else report.tail,
                    seconds=time.perf_counter() - began,
                )
            )
        return verdicts

    def set_uuid(self, area: Area, uuid: str) -> None:
        """Give an ext filesystem or a swap area another UUID."""
        if area.signature.type in EXT:
            e2fsprogs.set_uuid(area.device, uuid, name=area.id)
        else:
            area.device.write(_SWAP_UUID_AT, bytes.fromhex(uuid.replace("-", "")))

    def commit(self, images: Sequence[Image], overlays: Sequence[Overlay]) -> int:
        """Write overlays to their images through the redo log; how many bytes."""
        pairs = zip(images, overlays, strict=True)
        done = redo.commit(redo.CommitPart(image=image, writes=over.writes()) for image, over in pairs)
        return done.size

    def close(self) -> None:
        """End the checkers that run."""
        for check in self._ahead.values():
            check.close()
