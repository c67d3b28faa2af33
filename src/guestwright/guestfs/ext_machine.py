"""A machine whose filesystems are all ext2/3/4: opened by libext2fs in a confined child, no appliance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from guestwright.base.block import BlockDevice
from guestwright.base.progress import Progress
from guestwright.disk.image import Image
from guestwright.disk.overlay import Overlay
from guestwright.guestfs.contents import EXT, Area
from guestwright.guestfs.errors import DriverFailed
from guestwright.guestfs.ext_effects import NotedEffects, checked_uuid
from guestwright.guestfs.ext_superblock import read_superblock
from guestwright.guestfs.image_facts import image_facts
from guestwright.guestfs.machine import FilesystemCheck, Work
from guestwright.guestfs.port import Filesystem, GuestFS
from guestwright.guestfs.remote.blocks import Shortcut
from guestwright.guestfs.remote.client import run_errand, start_worker
from guestwright.guestfs.remote.guest import RemoteGuestFS

if TYPE_CHECKING:
    from guestwright.guestfs.ext_ending import Ending

_SUPERBLOCKS = ((1024, 1024),)  # ext


class ExtMachine(NotedEffects):
    """`guestwright.guestfs.machine.Machine` over overlays and the ext driver.

    Args:
        images: opened, locked; closed by `close`.
        overlays: one over each image's device.
        areas: what is on the overlays.
        now: seconds since the epoch; the time that changed inodes get.

    Raises:
        Corrupt, UnsupportedFilesystem, DriverFailed: from replaying journals or opening the filesystems.
    """

    driver = "ext"

    def __init__(
        self, images: Sequence[Image], overlays: Sequence[Overlay], areas: Sequence[Area], *, now: int
    ) -> None:
        super().__init__()
        self._images = images
        self._overlays = overlays
        self._areas = {area.id: area for area in areas}
        self._worker: RemoteGuestFS | None = None
        self._ended: list[Callable[[], object]] = []
        self._ends: Ending | None = None
        self._now = now
        self.notes = [warning for image in images for warning in image.warnings]
        self.images = tuple(
            image_facts(image, areas, index, _SUPERBLOCKS) for index, image in enumerate(images)
        )
        self._ext = [area for area in areas if area.signature.type in EXT]
        for area in self._ext:
            if read_superblock(area.device, name=area.id).is_unfinished:
                self._ending.replay(area)
                self.notes.append(
                    f"{area.id}: the journal was replayed (the guest was not shut down cleanly)"
                )
        self._other = [area.filesystem for area in areas if area.signature.type not in EXT]

    @property
    def _ending(self) -> Ending:
        if self._ends is None:
            from guestwright.guestfs.ext_ending import Ending  # noqa: PLC0415  # see there

            self._ends = Ending()
        return self._ends

    @property
    def fs(self) -> GuestFS:
        """The files, by way of a worker that answers call by call; for more than a few calls, see `run`."""
        if self._worker is None:
            self._connect()
            self._worker = start_worker(self._devices(), other=self._other, now=self._now)
        return self._worker

    def run(self, work: Work, progress: Progress) -> Any:
        """Do `work` in a worker of its own, over what is in the overlays."""
        self._end_worker()

        def errand(files: GuestFS, tell: Progress) -> Any:
            effects = NotedEffects()
            return [work(files, effects, tell), effects.uuids]

        answer, ended = run_errand(
            errand,
            self._devices(),
            other=self._other,
            now=self._now,
            progress=progress,
            meanwhile=self._prepare,
            shortcuts=[self._shortcut(area) for area in self._ext],
        )
        self._ended.append(ended)
        try:
            result, uuids = answer
            self.uuids.update({self._areas[name].id: checked_uuid(uuid) for name, uuid in uuids.items()})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DriverFailed(
                driver=self.driver, detail=f"its process answered nonsense: {error}"
            ) from error
        return result

    def check(self) -> Sequence[FilesystemCheck]:
        """`e2fsck -fn` over every ext filesystem that would change."""
        self._settle()
        ext = [area for area in self._areas.values() if area.signature.type in EXT]
        return self._ending.check(area for area in ext if self._changed(area))

    def commit(self) -> int:
        """Write the overlays to the images through the redo log; `check` has settled them."""
        self._settle()
        return self._ending.commit(self._images, self._overlays)

    def close(self) -> None:
        """End the worker and close the images."""
        if self._worker is not None:
            self._worker.close()
        for ended in self._ended:
            ended()
        if self._ends is not None:
            self._ends.close()
        for image in self._images:
            image.close()

    def _devices(self) -> list[tuple[Filesystem, BlockDevice]]:
        return [(area.filesystem, area.device) for area in self._ext]

    def _connect(self) -> None:
        """Wait until all images are open in earnest; QEMU takes its time to start."""
        for image in self._images:
            image.start()
        for image in self._images:
            _ = image.device

    def _prepare(self) -> None:
        """What will be needed soon, while the worker works: all images in earnest, and the largest check."""
        self._connect()
        if self._ext and all(image.writable for image in self._images):
            self._ending.start_check(max(self._ext, key=lambda one: one.device.size))

    def _shortcut(self, area: Area) -> Shortcut | None:
        near = self._images[area.disk].near
        if near is None:
            return None
        written = self._overlays[area.disk].pages()
        return Shortcut(fd=near.fd, peek=near.peek, start=area.partition.start, written=written)

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.sync()
            self._worker.close()
            self._worker = None

    def _settle(self) -> None:
        """Everything into the overlays; UUIDs too, now that no worker holds a superblock."""
        self._end_worker()
        for name, uuid in self.uuids.items():
            self._ending.set_uuid(self._areas[name], uuid)
        self.uuids.clear()

    def _changed(self, area: Area) -> bool:
        start, end = area.partition.start, area.partition.start + area.partition.size
        return self._overlays[area.disk].is_dirty(start, end)
