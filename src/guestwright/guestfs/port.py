"""The port: what a driver gives the rest of Guestwright of a guest's files.

Rules that every driver keeps (tests/contract/test_guestfs.py runs them over all drivers):

Paths are absolute `str`, as the guest sees them; bytes that are not UTF-8 are carried as lone surrogates
(`os.fsdecode`). Every symlink, absolute or relative, is resolved inside the guest; `..` at the root stays at
the root; more than 40 links in one look-up is `TooManyLinks`. Directories on the way are always followed;
the last component is followed only where the method says so.

What is written is visible to later reads at once, and reaches the disks only as writes to the block devices
the driver was given: so a plan is a real run over overlays that are thrown away.

Errors are those of `guestwright.guestfs.errors`; a missing path is `NotFound`, never None.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from guestwright.base.record import record


class FileKind(StrEnum):
    """What an inode is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    CHARACTER_DEVICE = "character-device"
    BLOCK_DEVICE = "block-device"
    FIFO = "fifo"
    SOCKET = "socket"
    UNKNOWN = "unknown"


@record
class Stat:
    """What lstat tells.

    Attributes:
        kind: type of the inode.
        mode: permission bits, 0..0o7777.
        uid, gid: owner.
        size: length in bytes (of a symlink: of its target).
        links: hard link count.
        inode: inode number, unique within `filesystem`.
        filesystem: id of the `Filesystem` it lives on.
        mtime: modification time, whole seconds since the epoch.
    """

    kind: FileKind
    mode: int
    uid: int
    gid: int
    size: int
    links: int
    inode: int
    filesystem: str
    mtime: int


@record
class Entry:
    """A path and what is there."""

    path: str
    stat: Stat


@record
class Removed:
    """What a removal took away: inodes by type, and the bytes of the regular files among them."""

    files: int = 0
    directories: int = 0
    size: int = 0

    def __add__(self, other: Removed) -> Removed:
        return Removed(
            files=self.files + other.files,
            directories=self.directories + other.directories,
            size=self.size + other.size,
        )


@record
class Space:
    """Room on the filesystem that holds a path, in bytes and inodes."""

    total: int
    free: int
    inodes_free: int


@record
class Filesystem:
    """A filesystem (or swap area) found on the disks, mounted or not.

    Attributes:
        id: what `mount` takes: "disk0/p1", "disk0" (bare), "lvm:vg/lv", "btrfs:disk0/p2:@home".
        type: "ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "swap", …; "unknown" when not recognised.
        size: bytes.
        uuid, label: as in the superblock, "" when absent.
        part_uuid, part_label: of the partition, "" when absent.
        disk, partition: indices (disk from 0, partition number from 1, 0 for a bare filesystem); -1 when the
            filesystem is not simply one partition (LVM, RAID).
        mountable: whether the driver can mount it.
    """

    id: str
    type: str
    size: int
    uuid: str = ""
    label: str = ""
    part_uuid: str = ""
    part_label: str = ""
    disk: int = -1
    partition: int = -1
    mountable: bool = False


class GuestFS(Protocol):
    """The files of one guest."""

    # -- filesystems ---------------------------------------------------------------------------------------

    def filesystems(self) -> Sequence[Filesystem]:
        """All filesystems and swap areas on the disks."""

    def mount(self, filesystem: str, mountpoint: str, *, options: str = "") -> None:
        """Put a filesystem at a path. Parents first; a later mount hides what lies beneath it.

        Args:
            filesystem: `Filesystem.id`.
            mountpoint: absolute path; "/" first. Symlinks in it are resolved in what is mounted so far.
            options: as in fstab's fourth field; drivers use what they need ("subvol=…") and ignore the rest.
        """

    def unmount_all(self) -> None:
        """Empty the mount table."""

    def mounts(self) -> Mapping[str, str]:
        """Mount point to `Filesystem.id`."""

    # -- looking -------------------------------------------------------------------------------------------

    def resolve(self, path: str, *, follow: bool = True) -> str:
        """The path with every symlink resolved (the last one too if `follow`). The target must exist."""

    def lstat(self, path: str) -> Stat:
        """Stat without following the last component."""

    def stat(self, path: str) -> Stat:
        """Stat, following the last component inside the guest."""

    def readlink(self, path: str) -> str:
        """Target of a symlink, as stored."""

    def listdir(self, path: str) -> Sequence[Entry]:
        """Entries of a directory (followed), sorted by name, without "." and ".."."""

    def glob(self, patterns: Sequence[str]) -> Sequence[Entry]:
        """Everything that matches any of the shell patterns, each path once, sorted.

        `*`, `?` and `[…]` match within one component and not a leading dot; `{a,b}` expands (nested allowed).
        Parents are followed, the last component is not. No match is no error.
        """

    def walk(self, top: str) -> Iterator[Entry]:
        """Everything below `top` (followed if a symlink), parents before children, sorted within a directory.

        Symlinks are entries, never followed. Crosses mount points. Bounded: a directory seen twice is
        `Corrupt`, so a loop in a hostile image ends.
        """

    def find(self, tops: Sequence[str], suffixes: Sequence[str]) -> Sequence[Entry]:
        """Every regular file below any of the `tops` whose name ends with one of the suffixes, sorted.

        Tops that are missing or no directories themselves (symlinks too) are passed over. As bounded as
        `walk`, and much cheaper: only what matches is looked at closely.
        """

    def read(self, path: str, *, limit: int = 1 << 20) -> bytes:
        """Whole content of a regular file (followed).

        Raises:
            TooLarge: the size is over `limit` bytes; nothing was read.
            WrongKind: not a regular file.
        """

    def xattrs(self, path: str) -> Mapping[str, bytes]:
        """Extended attributes with their full names ("security.selinux"), last component not followed."""

    def space(self, path: str) -> Space:
        """Room on the filesystem that holds `path`."""

    # -- changing ------------------------------------------------------------------------------------------

    def write(self, path: str, data: bytes, *, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Set the whole content of a regular file (last component followed).

        An existing file keeps inode, mode, owner and attributes (`mode`, `uid`, `gid` are then not used).
        A new one is created with exactly these; its parent must exist.
        """

    def truncate(self, path: str, size: int = 0, *, scrub: bool = False) -> None:
        """Cut a regular file (not followed) to `size`, at most its present size. `scrub`: as in `remove`."""

    def remove(self, path: str, *, recursive: bool = False, scrub: bool = False) -> Removed:
        """Remove a path, last component not followed.

        Args:
            path: what to remove. A directory needs `recursive`. A mount point is emptied but kept.
            recursive: take a directory with everything in it; symlinks inside are removed, not followed.
            scrub: overwrite the data blocks of regular files (whose last link this is) with zeros first, as
                far as the driver can; for secrets, which would otherwise lie readable in every clone.

        Raises:
            NotFound: nothing there.
            WrongKind: a directory, and not `recursive`.
        """

    def remove_all(
        self, paths: Sequence[str], *, recursive: bool = False, scrub: bool = False
    ) -> Sequence[Removed | FileKind | None]:
        """Remove many paths, one after the other, without an error for those that cannot be.

        Args:
            paths: in the order to remove them.
            recursive: as in `remove`.
            scrub: as in `remove`.

        Returns:
            For each path what went; None where nothing was there; the kind of what is there where it is a
            directory and not `recursive`.
        """

    def remove_files(self, top: str, *, keep: Collection[str] = ()) -> Removed:
        """Remove every regular file below `top` (followed) whose name is not in `keep`; directories stay."""

    def mkdir(self, path: str, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Create one directory; its parent must exist, the path must not."""

    def symlink(self, target: str, path: str) -> None:
        """Create a symlink; the path must not exist."""

    def chmod(self, path: str, mode: int) -> None:
        """Set the permission bits (last component followed)."""

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Set the owner (last component not followed)."""

    def set_xattr(self, path: str, name: str, value: bytes) -> None:
        """Set one extended attribute, last component not followed."""

    def remove_xattr(self, path: str, name: str) -> None:
        """Remove one extended attribute; one that is not there is `NotFound`."""

    def sync(self) -> None:
        """Write everything that was changed to the block devices."""

    def close(self) -> None:
        """Release everything; what was not synced is lost."""
