"""A machine whose disks need the appliance: xfs, btrfs, LVM, RAID, or anything that Linux mounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from guestwright.base.progress import Progress, silent
from guestwright.disk import redo
from guestwright.disk.image import Image
from guestwright.guestfs.contents import EXT, Area
from guestwright.guestfs.drivers.appliance import checks, script
from guestwright.guestfs.drivers.appliance.bindings import OneFlag
from guestwright.guestfs.drivers.appliance.driver import ApplianceGuestFS, open_appliance
from guestwright.guestfs.drivers.appliance.handle import CallFailed
from guestwright.guestfs.drivers.appliance.overlay import ApplianceDisk
from guestwright.guestfs.errors import UnsupportedFilesystem
from guestwright.guestfs.image_facts import image_facts
from guestwright.guestfs.machine import FilesystemCheck, Work
from guestwright.guestfs.port import Filesystem

_UUID_TYPES: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "swap"})
_COPY_ON_WRITE: Final = frozenset({"btrfs", "f2fs", "bcachefs"})
_SUPERBLOCKS: Final = ((0, 4096), (65536, 4096))  # xfs, ext, LVM label, swap; btrfs


class ApplianceMachine:
    """`guestwright.guestfs.machine.Machine` over libguestfs.

    Args:
        images: opened, locked; closed by `close`.
        areas: what is on their partitions.
        progress: told about the appliance's start.
    """

    driver = "appliance"

    def __init__(
        self, images: Sequence[Image], areas: Sequence[Area], *, progress: Progress = silent
    ) -> None:
        self._images = images
        self.images = tuple(
            image_facts(image, areas, index, _SUPERBLOCKS) for index, image in enumerate(images)
        )
        disks = [ApplianceDisk(path=image.path, format=str(image.format)) for image in images]
        known = {area.id: area.filesystem for area in areas}
        self.fs: ApplianceGuestFS = open_appliance(disks, known=known, progress=progress)

    @property
    def notes(self) -> Sequence[str]:
        """What should be known of this guest's filesystems."""
        used = [found.filesystem for found in self.fs.session.used]
        return [
            f"{one.id}: {one.type} does not overwrite in place, so erased data stays readable in unused "
            "blocks until they are written again"
            for one in used
            if one.type in _COPY_ON_WRITE
        ]

    def run(self, work: Work, progress: Progress) -> Any:
        """Do `work` here: the confined process is the appliance, and its calls are the only way in."""
        return work(self.fs, self, progress)

    def set_uuid(self, filesystem: Filesystem, uuid: str) -> None:
        """Give a filesystem or swap area another UUID."""
        if filesystem.type not in _UUID_TYPES:
            detail = f"the UUID of {filesystem.type} cannot be changed"
            raise UnsupportedFilesystem(filesystem=filesystem.id, detail=detail, advice="leave fs-uuids out")
        device = self.fs.session.found[filesystem.id].device
        g = self.fs.session.suspend()
        try:
            if filesystem.type in EXT:  # tune2fs(8) wants one that was checked since it was last mounted
                g.run("e2fsck_argv", device, OneFlag(bitmask=1, flag=1))
            g.run("set_uuid", device, uuid)
        except CallFailed as problem:
            raise UnsupportedFilesystem(
                filesystem=filesystem.id, detail=problem.detail, advice="leave fs-uuids out"
            ) from problem

    def renew_lvm_uuids(self) -> None:
        """New random UUIDs for all physical volumes and volume groups; nothing happens without LVM."""
        g = self.fs.session.suspend()
        try:
            g.run("vg_activate_all", 0)
            g.run("pvchange_uuid_all")
            g.run("vgchange_uuid_all")
            g.run("vg_activate_all", 1)
        except CallFailed as problem:
            raise UnsupportedFilesystem(
                filesystem="LVM", detail=problem.detail, advice="leave lvm-uuids out"
            ) from problem

    def run_script(self, command: str, directory: str) -> None:
        """Run a command of the caller over the guest's files; see `script.run_script`."""
        try:
            script.run_script(self.fs.session, self.fs.mounts(), command, directory)
        finally:
            self.fs.forget()

    def check(self) -> Sequence[FilesystemCheck]:
        """`xfs_repair -n`, `btrfs check` or `e2fsck -fp` over every filesystem that was mounted."""
        return checks.check(self.fs.session)

    def commit(self) -> int:
        """End the appliance, and write what differs to the images through the redo log."""
        session = self.fs.session
        session.shut_down()
        done = redo.commit(
            redo.CommitPart(image=image, writes=session.collect(index, image.device))
            for index, image in enumerate(self._images)
        )
        return done.size

    def close(self) -> None:
        """End the appliance and close the images."""
        self.fs.close()
        for image in self._images:
            image.close()


def open_machine(
    images: Sequence[Image], areas: Sequence[Area], *, now: int = 0, progress: Progress = silent
) -> ApplianceMachine:
    """Open a machine with the appliance.

    Args:
        images: opened, locked.
        areas: what is on their partitions.
        now: not used: the appliance's kernel has its own clock.
        progress: told about the start.
    """
    del now
    return ApplianceMachine(images, areas, progress=progress)
