"""A volume on a real image, and a way to close it and let e2fsck look."""

from __future__ import annotations

from pathlib import Path

from guestwright.disk.raw import RawDevice
from guestwright.guestfs.drivers.ext.volume import ExtVolume, open_volume
from tests.support.ext import DISK, NOW, assert_clean, make_image, sample_tree


class Bench:
    """One image and the volume opened on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.image = folder / "image"
        self._device: RawDevice | None = None
        self._volume: ExtVolume | None = None

    def make(self, *options: str, size: str = "64M", tree: bool = True) -> ExtVolume:
        """A new image, opened."""
        if tree and not (self.folder / "tree").exists():
            sample_tree(self.folder / "tree", wide=40)
        make_image(self.image, *options, size=size, tree=self.folder / "tree" if tree else None)
        return self.open()

    def open(self, *, now: int = NOW) -> ExtVolume:
        """Open what is there."""
        self.close()
        self._device = RawDevice.open(str(self.image), writable=True)
        self._volume = open_volume(self._device, DISK, now=now)
        return self._volume

    def close(self) -> None:
        """Close without writing."""
        if self._volume:
            self._volume.close()
        if self._device:
            self._device.close()
        self._device = self._volume = None

    def settle(self) -> ExtVolume:
        """Write back, let e2fsck look, open again."""
        assert self._volume is not None
        self._volume.sync()
        self.close()
        assert_clean(self.image)
        return self.open()


def number(volume: ExtVolume, path: str) -> int:
    """Inode of a path."""
    inode = volume.root
    for part in path.split("/"):
        inode = volume.lookup(inode, part)
    return inode
