"""`GuestFS` over the appliance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guestwright.base.progress import Progress, silent
from guestwright.guestfs.cached import CachedVolume
from guestwright.guestfs.drivers.appliance.overlay import ApplianceDisk
from guestwright.guestfs.drivers.appliance.session import Session
from guestwright.guestfs.drivers.appliance.volume import ApplianceVolume
from guestwright.guestfs.port import Filesystem
from guestwright.guestfs.tree import Tree


class ApplianceGuestFS(Tree):
    """The guest's files through a running appliance. Closing it ends the appliance.

    A filesystem is mounted in the appliance when it is first mounted here. fstab's `subvol=` picks another
    btrfs subvolume than the filesystem's default.

    Args:
        session: the appliance; owned.
    """

    def __init__(self, session: Session) -> None:
        found = [one.filesystem for one in session.found.values()]
        super().__init__({}, other=found)
        self._session = session

    @property
    def session(self) -> Session:
        """The appliance itself."""
        return self._session

    def filesystems(self) -> Sequence[Filesystem]:
        """All filesystems and swap areas, by disk and partition, then RAID and LVM."""
        return sorted(self._other, key=lambda one: (one.disk < 0, one.disk, one.partition, one.id))

    def mount(self, filesystem: str, mountpoint: str, *, options: str = "") -> None:
        """Put a filesystem at a path."""
        id_ = self._with_subvolume(filesystem, options)
        if id_ not in self._volumes:
            known = self._session.found.get(id_)
            if known is not None and known.filesystem.mountable:
                self._volumes[id_] = CachedVolume(ApplianceVolume(self._session, known.filesystem))
        super().mount(id_, mountpoint)

    def forget(self) -> None:
        """Somebody else changed the files: read everything anew."""
        for cached in self._volumes.values():
            cached.forget()
            if isinstance(cached.volume, ApplianceVolume):
                cached.volume.forget()

    def close(self) -> None:
        """End the appliance; what was not collected is lost."""
        super().close()
        self._session.close()

    def _with_subvolume(self, filesystem: str, options: str) -> str:
        """The id that an fstab option `subvol=` leads to; an unknown one stays, so that mounting fails."""
        for option in options.split(","):
            key, _, value = option.strip().partition("=")
            name = value.strip("/")
            if key == "subvol" and name and not filesystem.startswith("btrfs:"):
                return f"btrfs:{filesystem}:{name}"
        return filesystem


def open_appliance(
    disks: Sequence[ApplianceDisk],
    *,
    known: Mapping[str, Filesystem] | None = None,
    progress: Progress = silent,
) -> ApplianceGuestFS:
    """Start an appliance over disks that it will not change.

    Args:
        disks: images or block devices; the caller holds their locks.
        known: filesystems that the caller has read from the partitions already, by id; may be left out.
        progress: told about the start, which takes seconds with KVM and some twenty without.

    Returns:
        The guest's files, nothing mounted.

    Raises:
        DriverMissing: no libguestfs, or no qemu-img.
        DriverFailed: the appliance did not start.
    """
    return ApplianceGuestFS(Session(disks, known=known or {}, progress=progress))
