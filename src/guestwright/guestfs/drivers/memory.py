r"""A guest in memory, built in one line: what tests of everything above the port stand on.

    guest = memory_guest({
        "/etc/hostname": "web1\n",
        "/var/log/": None,
        "/bin": Link("usr/bin"),
        "/etc/shadow": File(b"root:*:::::::", mode=0o640, gid=42, xattrs={"security.selinux": b"shadow_t"}),
        "/run/initctl": Special(FileKind.FIFO),
    })

Missing parents are made (0755, root), also where the way leads through a symlink that points at nothing yet.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from guestwright.base.record import field, record
from guestwright.guestfs.drivers.memory_volume import MemoryVolume
from guestwright.guestfs.errors import NotFound
from guestwright.guestfs.port import FileKind, Filesystem
from guestwright.guestfs.tree import Tree

__all__ = ["Directory", "File", "HardLink", "Link", "MemoryVolume", "Special", "memory_guest"]


@record(kw_only=False)
class File:
    """A regular file."""

    data: str | bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    xattrs: Mapping[str, bytes] = field(default_factory=dict)


@record(kw_only=False)
class Directory:
    """A directory; `None` is short for one with all defaults."""

    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    xattrs: Mapping[str, bytes] = field(default_factory=dict)


@record(kw_only=False)
class Link:
    """A symlink."""

    target: str
    uid: int = 0
    gid: int = 0


@record(kw_only=False)
class HardLink:
    """One more name for a regular file that comes earlier."""

    path: str


@record(kw_only=False)
class Special:
    """A device, FIFO, socket, or an inode of a kind nobody knows."""

    kind: FileKind
    mode: int = 0o600


Content = str | bytes | None | File | Directory | Link | HardLink | Special
"""Text and bytes are short for a `File` with them; None for a `Directory`."""


def memory_guest(
    files: Mapping[str, Content],
    *,
    mounts: Sequence[str] = (),
    other: Sequence[Filesystem] = (),
    capacity: int = 1 << 30,
    now: int = 0,
) -> Tree:
    """Build a guest.

    Args:
        files: absolute path to what is there. Symlinks and mount points are made first, the rest in order.
        mounts: paths that are filesystems of their own, parents first; "/" always is. The root is
            "disk0/p1", these are "disk0/p2", … and all are ext4.
        other: filesystems that are there but cannot be mounted.
        capacity: bytes that each filesystem has room for.
        now: modification time of everything, seconds since the epoch.

    Returns:
        The tree, mounted.
    """
    points = ["/", *mounts]
    volumes = {}
    for number, _ in enumerate(points, 1):
        filesystem = Filesystem(
            id=f"disk0/p{number}",
            type="ext4",
            size=capacity,
            uuid=f"00000000-0000-4000-8000-{number:012x}",
            part_uuid=f"00000000-0000-4000-9000-{number:012x}",
            disk=0,
            partition=number,
            mountable=True,
        )
        volumes[filesystem.id] = MemoryVolume(filesystem, capacity=capacity, now=now)
    maker = Tree(volumes)
    for filesystem_id, point in zip(volumes, points, strict=True):
        if point != "/":
            _make_directory(maker, point)
        maker.mount(filesystem_id, point)
    _fill(maker, volumes, files)
    tree = Tree(volumes, other=other)  # afresh: hard links and devices were made behind the other's caches
    for filesystem_id, point in zip(volumes, points, strict=True):
        tree.mount(filesystem_id, point)
    return tree


def _fill(tree: Tree, volumes: Mapping[str, MemoryVolume], files: Mapping[str, Content]) -> None:
    """Put files into a mounted tree; see `memory_guest`."""
    for path, content in files.items():
        if isinstance(content, Link):
            _make_directory(tree, posixpath.dirname(path.rstrip("/")))
            tree.symlink(content.target, path)
            tree.chown(path, content.uid, content.gid)
    for path, content in files.items():
        if not isinstance(content, Link):
            _make(tree, volumes, path, content)


def _make(tree: Tree, volumes: Mapping[str, MemoryVolume], path: str, content: Content) -> None:
    if isinstance(content, (str, bytes)):
        content = File(content)
    path = path.rstrip("/") or "/"
    _make_directory(tree, posixpath.dirname(path))
    match content:
        case None:
            _make_directory(tree, path)
        case Directory(mode, uid, gid):
            _make_directory(tree, path)
            tree.chmod(path, mode)
            tree.chown(path, uid, gid)
        case File(data, mode, uid, gid):
            raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
            tree.write(path, raw, mode=mode, uid=uid, gid=gid)
        case HardLink(other):
            stat = tree.lstat(other)
            parent = tree.stat(posixpath.dirname(path))
            volumes[stat.filesystem].add(parent.inode, posixpath.basename(path), stat.inode)
        case Special(kind, mode):
            parent = tree.stat(posixpath.dirname(path))
            volume = volumes[parent.filesystem]
            volume.special(parent.inode, posixpath.basename(path), kind, mode=mode)
    if isinstance(content, (File, Directory)):
        for name, value in content.xattrs.items():
            tree.set_xattr(path, name, value)


def _make_directory(tree: Tree, path: str) -> None:
    """Create a directory and what is missing on the way, targets of dangling symlinks included."""
    done = "/"
    for part in path.split("/"):
        if not part:
            continue
        done = posixpath.join(done, part)
        try:
            tree.stat(done)
            continue
        except NotFound:
            pass
        try:
            target = tree.readlink(done)
        except NotFound:
            tree.mkdir(done)
        else:
            _make_directory(tree, posixpath.normpath(posixpath.join(posixpath.dirname(done), target)))
