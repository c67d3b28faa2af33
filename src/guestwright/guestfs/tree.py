"""A guest's files, put together from volumes: `GuestFS` for drivers that know inodes only.

Theory of operation: a driver gives one `Volume` per filesystem, which knows inode numbers and names.
`Namespace` (resolve.py) adds the mount table and confined look-up, `CachedVolume` remembers what was read,
`Reading` and `Changing` are the methods by path. Nothing here knows how a filesystem is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from guestwright.guestfs.cached import CachedVolume
from guestwright.guestfs.changing import Changing
from guestwright.guestfs.errors import NotFound, UnsupportedFilesystem
from guestwright.guestfs.port import Filesystem
from guestwright.guestfs.reading import Reading
from guestwright.guestfs.resolve import Namespace
from guestwright.guestfs.volume import Volume
from guestwright.guestfs.walking import Limits


class Tree(Reading, Changing):
    """`GuestFS` over volumes. Owns them: `close` closes them.

    Trailing and doubled slashes in a path mean nothing. A path that leads through something that is not a
    directory is `NotFound`.

    Args:
        volumes: by `Filesystem.id`.
        other: what else is on the disks and cannot be mounted.
        late: filesystems that are opened when they are first mounted, with how; the error of a failing
            opening is that of `mount`.
        limits: how much `walk` and `remove_files` go through.
    """

    def __init__(
        self,
        volumes: Mapping[str, Volume],
        *,
        other: Sequence[Filesystem] = (),
        late: Sequence[tuple[Filesystem, Callable[[], Volume]]] = (),
        limits: Limits | None = None,
    ) -> None:
        super().__init__(Namespace(), limits or Limits())
        self._volumes = {id_: CachedVolume(volume) for id_, volume in volumes.items()}
        self._other = tuple(other)
        self._late = {filesystem.id: (filesystem, opener) for filesystem, opener in late}

    def filesystems(self) -> Sequence[Filesystem]:
        """All filesystems and swap areas, by disk and partition."""
        found = [cached.volume.filesystem for cached in self._volumes.values()]
        found.extend(self._other)
        found.extend(filesystem for id_, (filesystem, _) in self._late.items() if id_ not in self._volumes)
        return sorted(found, key=lambda each: (each.disk, each.partition, each.id))

    def mount(self, filesystem: str, mountpoint: str, *, options: str = "") -> None:
        """Put a filesystem at a path; `options` mean nothing to these drivers.

        Raises:
            UnsupportedFilesystem: it is there, but no driver here can read it.
            NotFound: no such filesystem, or no such mount point.
            WrongKind: the mount point is not a directory.
        """
        del options
        volume = self._volumes.get(filesystem)
        if volume is None and filesystem in self._late:
            volume = self._volumes[filesystem] = CachedVolume(self._late[filesystem][1]())
        if volume is not None:
            self._names.attach(volume, mountpoint)
            return
        for each in self._other:
            if each.id == filesystem:
                raise UnsupportedFilesystem(
                    filesystem=filesystem,
                    detail=f"{each.type} cannot be mounted by this driver",
                    advice="use the appliance driver",
                )
        raise NotFound(path=f"filesystem {filesystem}")

    def unmount_all(self) -> None:
        """Empty the mount table."""
        self._names.detach_all()

    def mounts(self) -> Mapping[str, str]:
        """Mount point to filesystem id."""
        return self._names.table()

    def sync(self) -> None:
        """Write everything that was changed."""
        for cached in self._volumes.values():
            cached.volume.sync()

    def close(self) -> None:
        """Release everything; may be called twice."""
        volumes, self._volumes = self._volumes, {}
        self._late.clear()
        self._names.detach_all()
        for cached in volumes.values():
            cached.volume.close()
