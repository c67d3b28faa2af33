"""Reads whole guest trees with somebody else's reader, and says how two sealings of one image differ.

Theory of operation: a tree is a dict from path to `Node`. `mounted` lets the host's kernel read (root only,
only for images that the lab made itself: never for hostile ones); `appliance` lets libguestfs do it, for
every filesystem and without root, in 20 to 30 seconds. `compare` takes the tree before and the trees after
two tools sealed copies of it, and `judge` holds the differences against a table of those that are meant.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.support.virt_sysprep import appliance_environment

Tree = dict[str, "Node"]

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "character-device",
    stat.S_IFBLK: "block-device",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What is at a path.

    Attributes:
        kind: as `guestwright.guestfs.port.FileKind`.
        mode: permission bits. `uid`, `gid`: owner.
        size: of a file in bytes; 0 for others. `links`: hard links of what is not a directory; 0 for those.
        content: SHA-256 of a file's content; of a symlink its target.
        xattrs: names and values, sorted.
    """

    kind: str
    mode: int
    uid: int
    gid: int
    size: int = 0
    links: int = 0
    content: str = ""
    xattrs: tuple[tuple[str, bytes], ...] = ()


def mounted(image: str, *, offset: int = 0, kind: str = "ext4") -> Tree:
    """Read a filesystem of an image through a read-only loop mount (root only; journal not replayed).

    Args:
        image: raw image that the lab made.
        offset: byte where the filesystem starts.
        kind: for `mount -t`; ext4 reads ext2 and ext3 as well.
    """
    with tempfile.TemporaryDirectory(prefix="lab-mount-") as top:
        options = f"ro,loop,offset={offset},noload" if kind == "ext4" else f"ro,loop,offset={offset}"
        subprocess.run(["mount", "-t", kind, "-o", options, image, top], check=True, capture_output=True)
        try:
            return directory(top)
        finally:
            subprocess.run(["umount", top], check=True)


def directory(top: str) -> Tree:
    """Read a directory of the host as a tree."""
    tree: Tree = {"/": _host_node(top)}
    todo = [(top, "")]
    while todo:
        here, prefix = todo.pop()
        with os.scandir(here) as entries:
            for entry in entries:
                path = f"{prefix}/{entry.name}"
                tree[path] = _host_node(entry.path)
                if tree[path].kind == "directory":
                    todo.append((entry.path, path))
    return tree


def _host_node(path: str) -> Node:
    seen = os.lstat(path)
    kind = _KINDS[stat.S_IFMT(seen.st_mode)]
    content = ""
    if kind == "file":
        with open(path, "rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
    elif kind == "symlink":
        content = os.readlink(path)
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return Node(
        kind=kind,
        mode=stat.S_IMODE(seen.st_mode),
        uid=seen.st_uid,
        gid=seen.st_gid,
        size=seen.st_size if kind == "file" else 0,
        links=0 if kind == "directory" else seen.st_nlink,
        content=content,
        xattrs=tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names),
    )


def appliance(images: Sequence[str], mounts: Sequence[str], *, disk_format: str = "raw") -> Tree:
    """Read a guest's tree with libguestfs (guestfish tar-out).

    Args:
        images: the guest's disks.
        mounts: guestfish's `-m` arguments, parents first: "/dev/sda1", "/dev/vg/lv:/var".
        disk_format: "raw" or "qcow2".

    Returns:
        The tree without sockets, which tar does not carry.
    """
    with tempfile.TemporaryDirectory(prefix="lab-tar-") as scratch:
        tar = os.path.join(scratch, "tar")
        argv = ["guestfish", "--ro", f"--format={disk_format}"]
        argv += [piece for image in images for piece in ("-a", image)]
        argv += [piece for mount in mounts for piece in ("-m", mount)]
        argv += ["tar-out", "/", tar, "numericowner:true", "xattrs:true", "acls:true", "selinux:true"]
        subprocess.run(argv, check=True, capture_output=True, env=appliance_environment())
        with tarfile.open(tar, encoding="utf-8", errors="surrogateescape") as archive:
            return _from_tar(archive)


def _from_tar(archive: tarfile.TarFile) -> Tree:
    tree: Tree = {}
    groups: dict[str, list[str]] = {}
    for member in archive:
        path = "/" + member.name.removeprefix(".").strip("/")
        if member.islnk():
            first = "/" + member.linkname.removeprefix(".").strip("/")
            groups.setdefault(first, [first]).append(path)
            tree[path] = tree[first]
            continue
        tree[path] = _tar_node(archive, member)
    for first, paths in groups.items():
        node = tree[first]
        linked = Node(
            kind=node.kind,
            mode=node.mode,
            uid=node.uid,
            gid=node.gid,
            size=node.size,
            links=len(paths),
            content=node.content,
            xattrs=node.xattrs,
        )
        tree.update(dict.fromkeys(paths, linked))
    return tree


def _tar_node(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Node:
    content, kind = "", "file"
    if member.isdir():
        kind = "directory"
    elif member.issym():
        kind, content = "symlink", member.linkname
    elif member.ischr() or member.isblk():
        kind = "character-device" if member.ischr() else "block-device"
    elif member.isfifo():
        kind = "fifo"
    else:
        stream = archive.extractfile(member)
        content = hashlib.sha256(stream.read() if stream else b"").hexdigest()
    found = {
        key.removeprefix("SCHILY.xattr."): value.encode("utf-8", "surrogateescape")
        for key, value in member.pax_headers.items()
        if key.startswith("SCHILY.xattr.")
    }
    return Node(
        kind=kind,
        mode=member.mode,
        uid=member.uid,
        gid=member.gid,
        size=member.size if kind == "file" else 0,
        links=0 if kind == "directory" else 1,
        content=content,
        xattrs=tuple(sorted(found.items())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One path on which two sealings disagree.

    Attributes:
        path: where.
        what: "left" (they removed it, we did not), "removed" (we did, they did not), "created" (we made it),
            "not-created" (they made it), "changed" (both kept it, not the same).
        fields: for "changed": which attributes of `Node` differ.
    """

    path: str
    what: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A difference that is on purpose.

    Attributes:
        pattern: shell pattern of the path.
        what: as in `Difference`. `fields`: for "changed", exactly those that differ.
        reason: why, in the words of docs/differences.md.
    """

    pattern: str
    what: str
    reason: str
    fields: tuple[str, ...] = ()


def compare(before: Tree, ours: Tree, theirs: Tree) -> list[Difference]:
    """How our result differs from theirs, path by path; hard link counts follow and are left out."""
    found = []
    for path in sorted({*before, *ours, *theirs}):
        our, their = ours.get(path), theirs.get(path)
        if our == their:
            continue
        if our is None:
            found.append(Difference(path=path, what="removed" if path in before else "not-created"))
        elif their is None:
            found.append(Difference(path=path, what="left" if path in before else "created"))
        elif fields := tuple(
            name
            for name in ("kind", "mode", "uid", "gid", "size", "content", "xattrs")
            if getattr(our, name) != getattr(their, name)
        ):
            found.append(Difference(path=path, what="changed", fields=fields))
    return found


def judge(differences: Iterable[Difference], meant: Sequence[Meant]) -> tuple[list[Difference], list[Meant]]:
    """Differences that nobody meant, and rows of the table that nothing needed (both must be empty)."""
    used: set[Meant] = set()
    unexpected = []
    for difference in differences:
        rows = [
            row
            for row in meant
            if (row.what, row.fields) == (difference.what, difference.fields)
            and fnmatch.fnmatchcase(difference.path, row.pattern)
        ]
        used.update(rows)
        if not rows:
            unexpected.append(difference)
    return unexpected, [row for row in meant if row not in used]
