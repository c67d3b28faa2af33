"""One run of the appliance: its disks, its mounts, its end.

Theory of operation: every filesystem that is used is mounted at a directory of its own in the appliance
("/fs0", "/fs1", …), never inside another. Guestwright's own `Tree` puts them together and resolves symlinks,
so the appliance only ever sees paths without symlinks and one filesystem at a time; what libguestfs' calls do
with a symlink on the way (some look it up outside the guest's root) does not matter.

Checkers and changes of UUIDs need the filesystems unmounted. `suspended` unmounts them; the next use mounts
them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from guestwright.base.block import BlockDevice
from guestwright.base.progress import Progress
from guestwright.guestfs.drivers.appliance import launch
from guestwright.guestfs.drivers.appliance.codes import translate
from guestwright.guestfs.drivers.appliance.handle import CallFailed, Handle
from guestwright.guestfs.drivers.appliance.overlay import ApplianceDisk, Workspace, changes
from guestwright.guestfs.drivers.appliance.table import Found, read_table
from guestwright.guestfs.errors import DriverFailed, UnsupportedFilesystem
from guestwright.guestfs.port import Filesystem


class Session:
    """A started appliance.

    Args:
        disks: in order; disk 0 is the boot disk.
        known: filesystems that the caller has read from the partitions, by id.
        progress: told about the start.

    Raises:
        DriverFailed, DriverMissing: it cannot be started.
    """

    def __init__(
        self, disks: Sequence[ApplianceDisk], *, known: Mapping[str, Filesystem], progress: Progress
    ) -> None:
        self._workspace = Workspace()
        self._handle: Handle | None = None
        self._tops: dict[str, str] = {}
        self._suspended = False
        try:
            self._overlays = [self._workspace.overlay(index, disk) for index, disk in enumerate(disks)]
            self._handle = launch.start(
                [overlay.path for overlay in self._overlays],
                self._workspace.jail,
                sizes=sum(overlay.size for overlay in self._overlays),
                progress=progress,
            )
            self.found = {one.filesystem.id: one for one in read_table(self._handle, known)}
        except CallFailed as problem:
            self.close()
            raise DriverFailed(driver="appliance", detail=problem.detail) from problem
        except BaseException:
            self.close()
            raise

    @property
    def g(self) -> Handle:
        """The appliance with all used filesystems mounted."""
        handle = self.raw
        if self._suspended:
            self._suspended = False
            for id_, top in self._tops.items():
                handle.run("mount_options", self.found[id_].options, self.found[id_].device, top)
        return handle

    @property
    def raw(self) -> Handle:
        """The appliance, whatever is mounted."""
        if self._handle is None:
            raise DriverFailed(driver="appliance", detail="it has been shut down already")
        return self._handle

    @property
    def used(self) -> Sequence[Found]:
        """The filesystems that were mounted at any time."""
        return [self.found[id_] for id_ in self._tops]

    def mount(self, id_: str) -> str:
        """Mount a filesystem at its own place.

        Returns:
            Where it is in the appliance.

        Raises:
            UnsupportedFilesystem: the appliance's kernel cannot mount it.
        """
        if id_ in self._tops:
            return self._tops[id_]
        top = f"/fs{len(self._tops)}"
        handle = self.g
        try:
            handle.run("mkmountpoint", top)
            handle.run("mount_options", self.found[id_].options, self.found[id_].device, top)
        except CallFailed as problem:
            raise UnsupportedFilesystem(
                filesystem=id_,
                detail=f"it cannot be mounted: {problem.detail}",
                advice="check and repair it first; the appliance has the host's kernel and its filesystems",
            ) from problem
        self._tops[id_] = top
        return top

    def suspend(self) -> Handle:
        """The appliance with nothing mounted."""
        handle = self.raw
        if not self._suspended:
            self._suspended = True
            try:
                handle.run("sync")
                handle.run("umount_all")
            except CallFailed as problem:
                raise translate(problem, filesystem="all", path="/") from problem
        return handle

    def shut_down(self) -> None:
        """End the appliance in order; from then on the overlays hold the result."""
        handle = self.suspend()
        try:
            handle.run("shutdown")
        except CallFailed as problem:
            raise DriverFailed(driver="appliance", detail=f"shutdown: {problem.detail}") from problem
        self._handle = None
        handle.close()

    def collect(self, disk: int, base: BlockDevice | None = None) -> Iterator[tuple[int, bytes]]:
        """What differs from the image; only after `shut_down`. See `overlay.changes`."""
        if self._handle is not None:
            raise DriverFailed(driver="appliance", detail="its disks are collected before it was shut down")
        return changes(self._overlays[disk], base)

    def close(self) -> None:
        """Kill the appliance if it runs, and remove the overlays; may be called twice."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
        self._workspace.close()
