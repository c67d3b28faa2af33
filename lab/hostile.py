"""Hand-made hostile filesystems: each a small good image with one lie, checksums right where there are any.

    for name, lie in HOSTILE.items(): data = lie(Target(image_path))

Every lie starts from an image of `lab.small` (block size 4096 or 1024, with or without checksums). None of
them is meant to be sealed; the question is what a reader does: it must refuse or come through, within its
bounds.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
from collections.abc import Callable

from lab import checksums, ext

_SUPER = 1024
_EXTENT_MAGIC = 0xF30A
_MODE, _SIZE, _LINKS, _FLAGS, _BLOCKS, _SIZE_HIGH = 0x00, 0x04, 0x1A, 0x20, 0x28, 0x6C


class Target:
    """A copy of a good image that is about to lie.

    Args:
        image: path of the good image. path: where the copy goes.
    """

    def __init__(self, image: str, path: str) -> None:
        shutil.copyfile(image, path)
        self.path = path
        with open(path, "rb") as stream:
            self.data = bytearray(stream.read())
        self.where = checksums.layout(self.data)

    def save(self) -> None:
        """Write the changed bytes."""
        with open(self.path, "wb") as stream:
            stream.write(self.data)

    def debugfs(self, *commands: str) -> str:
        """Run debugfs on the copy and read it again."""
        self.save()
        told = ext.debugfs(self.path, commands, write=True)
        with open(self.path, "rb") as stream:
            self.data = bytearray(stream.read())
        return told

    def inode(self, path: str) -> int:
        """Number of a path's inode."""
        found = re.search(r"^Inode: (\d+)", ext.debugfs(self.path, [f"stat {path}"]), re.MULTILINE)
        if found is None:
            raise ValueError(f"no inode at {path}")
        return int(found[1])

    def first_block(self, path: str) -> int:
        """First data block of a path."""
        return int(ext.debugfs(self.path, [f"blocks {path}"]).splitlines()[1].split()[0])

    def poke_inode(self, path: str, offset: int, data: bytes) -> None:
        """Overwrite bytes of an inode."""
        number = self.inode(path)
        at = self.where.inode_offset(self.data, number) + offset
        self.data[at : at + len(data)] = data
        if self.where.checksums:
            checksums.fix_inode(self.data, self.where, number)
        self.save()

    def poke_super(self, offset: int, data: bytes) -> None:
        """Overwrite bytes of the superblock."""
        self.data[_SUPER + offset : _SUPER + offset + len(data)] = data
        if self.where.checksums:
            checksums.fix_superblock(self.data)
        self.save()

    def entry(self, directory: str, name: bytes) -> tuple[int, int]:
        """Directory block, and byte in it where the entry of a name starts."""
        block = self.first_block(directory)
        at, end = 0, self.where.block
        while at < end - 8:
            base = block * end + at
            _inode, length, size = struct.unpack_from("<IHB", self.data, base)
            if bytes(self.data[base + 8 : base + 8 + size]) == name:
                return block, at
            at += max(length, 8)
        raise ValueError(f"no entry {name!r} in the first block of {directory}")

    def poke_entry(self, directory: str, name: bytes, offset: int, data: bytes) -> None:
        """Overwrite bytes of a directory entry: 0 inode, 4 record length, 6 name length, 7 type, 8 name."""
        block, at = self.entry(directory, name)
        base = block * self.where.block + at + offset
        self.data[base : base + len(data)] = data
        if self.where.checksums:
            checksums.fix_directory(self.data, self.where, block, self.inode(directory))
        self.save()


Lie = Callable[[Target], object]


def _u16(value: int) -> bytes:
    return struct.pack("<H", value)


def _u32(value: int) -> bytes:
    return struct.pack("<I", value)


def _super(offset: int, data: bytes) -> Lie:
    return lambda target: target.poke_super(offset, data)


def _inode(path: str, offset: int, data: bytes) -> Lie:
    return lambda target: target.poke_inode(path, offset, data)


def _entry(directory: str, name: bytes, offset: int, data: bytes) -> Lie:
    return lambda target: target.poke_entry(directory, name, offset, data)


def _extents(path: str, *rows: tuple[int, int, int], depth: int = 0) -> Lie:
    """Replace an inode's extent root: rows of (logical block, length, first block)."""
    raw = struct.pack("<HHHHI", _EXTENT_MAGIC, len(rows), 4, depth, 0)
    for logical, length, block in rows:
        raw += (
            struct.pack("<IHHI", logical, length, 0, block)
            if not depth
            else struct.pack("<IIHH", logical, block, 0, 0)
        )
    return lambda target: target.poke_inode(path, _BLOCKS, raw.ljust(60, b"\0"))


def _directory_loop(target: Target) -> None:
    target.debugfs("link /tmp/tree /tmp/tree/a/b/loop")


def _hard_linked_directory(target: Target) -> None:
    target.debugfs("link /etc /tmp/etc-again", "link /etc /var/log/etc.log", "link /srv /home/alice/.ssh/srv")


def _root_below_tmp(target: Target) -> None:
    target.debugfs("link / /tmp/root", "link / /var/log/root.log")


def _dotdot_elsewhere(target: Target) -> None:
    etc = target.inode("/etc")
    for directory in ("/tmp/tree", "/var/log", "/var/log/dir.log"):
        target.poke_entry(directory, b"..", 0, _u32(etc))


def _extent_cycle(target: Target) -> None:
    block = target.first_block("/var/log/big.log")
    at = block * target.where.block
    room = (target.where.block - 12) // 12
    head = struct.pack("<HHHHI", _EXTENT_MAGIC, 1, room, 1, 0) + struct.pack("<IIHH", 0, block, 0, 0)
    target.data[at : at + len(head)] = head
    if target.where.checksums:
        checksums.fix_extents(target.data, target.where, block, target.inode("/var/log/big.log"))
    target.save()
    _extents("/var/log/big.log", (0, 0, block), depth=2)(target)


def _over_metadata(target: Target) -> None:
    """A key and logs whose blocks are the superblock, a group's descriptors and the inode table."""
    table = target.where.table(target.data, 0)
    _extents("/etc/ssh/ssh_host_rsa_key", (0, 1, table))(target)
    _extents("/var/log/auth.log", (0, 1, target.where.first_data_block))(target)
    _extents("/var/log/messages", (0, 4, target.first_block("/etc")))(target)


def _shared_blocks(target: Target) -> None:
    """A key that owns the blocks of /etc/passwd: scrubbing it would empty the other."""
    _extents("/etc/ssh/ssh_host_rsa_key", (0, 1, target.first_block("/etc/passwd")))(target)


def _orphan_loop(target: Target) -> None:
    number = target.inode("/tmp/plain")
    target.poke_inode("/tmp/plain", 0x14, _u32(number))  # dtime of an orphan is the next orphan
    target.poke_super(0xE8, _u32(number))


def _journal_lies(offset: int, value: int) -> Lie:
    def lie(target: Target) -> None:
        block = target.first_block("<8>")
        at = block * target.where.block
        struct.pack_into(">I", target.data, at + offset, value)
        (features,) = struct.unpack_from("<I", target.data, _SUPER + 0x60)
        target.poke_super(0x60, _u32(features | 0x4))

    return lie


def _xattr(offset: int, data: bytes) -> Lie:
    def lie(target: Target) -> None:
        told = ext.debugfs(target.path, ["stat /var/log/acl.log"])
        found = re.search(r"File ACL: (\d+)", told)
        block = int(found[1]) if found else 0
        at = block * target.where.block + offset
        target.data[at : at + len(data)] = data
        if target.where.checksums:
            checksums.fix_xattr(target.data, target.where, block)
        target.save()

    return lie


def _truncated(target: Target) -> None:
    os.truncate(target.path, len(target.data) // 2)


HOSTILE: dict[str, Lie] = {
    # directories
    "directory-loop": _directory_loop,
    "directory-hard-linked": _hard_linked_directory,
    "root-below-tmp": _root_below_tmp,
    "dotdot-elsewhere": _dotdot_elsewhere,
    "name-with-slash": _entry("/tmp", b"plain", 8, b"../xy"),
    "name-with-nul": _entry("/tmp", b"plain", 8, b"pl\0in"),
    "name-is-dotdot": _entry("/tmp", b"...", 6, b"\x02"),
    "name-empty": _entry("/tmp", b"plain", 6, b"\x00"),
    "name-twice": _entry("/tmp", b"plain", 8, b"empty"),
    "name-longer-than-record": _entry("/tmp", b"plain", 6, b"\xff"),
    "record-length-0": _entry("/tmp", b"plain", 4, _u16(0)),
    "record-length-3": _entry("/tmp", b"plain", 4, _u16(3)),
    "record-length-beyond": _entry("/tmp", b"plain", 4, _u16(0xFFFC)),
    "entry-of-journal": _entry("/tmp", b"plain", 0, _u32(8)),
    "entry-of-root": _entry("/tmp", b"plain", 0, _u32(2)),
    "entry-of-nothing": _entry("/tmp", b"plain", 0, _u32(1_000)),
    "entry-out-of-range": _entry("/tmp", b"plain", 0, _u32(0xFFFFFFFE)),
    "entry-type-lies": _entry("/tmp", b"plain", 7, b"\x02"),
    "file-is-directory": _inode("/tmp/plain", _MODE, _u16(0o040755)),
    "directory-is-file": _inode("/var/log", _MODE, _u16(0o100755)),
    "etc-is-symlink": _inode("/etc", _MODE, _u16(0o120777)),
    "directory-size-huge": _inode("/var/log", _SIZE_HIGH, _u32(0x1000)),
    "directory-size-0": _inode("/var/log", _SIZE, _u32(0)),
    "directory-flag-index": _inode("/var/log", _FLAGS, _u32(0x81000)),
    "directory-flag-inline": _inode("/var/log", _FLAGS, _u32(0x10000000)),
    "directory-flag-encrypted": _inode("/var/log", _FLAGS, _u32(0x80800)),
    # files
    "size-2-to-60": _inode("/var/log/auth.log", _SIZE_HIGH, _u32(1 << 28)),
    "size-all-ones": _inode("/etc/machine-id", _SIZE_HIGH, _u32(0xFFFFFFFF)),
    "os-release-huge": _inode("/usr/lib/os-release", _SIZE_HIGH, _u32(0x100)),
    "links-0": _inode("/tmp/plain", _LINKS, _u16(0)),
    "links-65000": _inode("/tmp/plain", _LINKS, _u16(65000)),
    "mode-0": _inode("/tmp/plain", _MODE, _u16(0)),
    "mode-nonsense": _inode("/etc/machine-id", _MODE, _u16(0o170777)),
    "machine-id-is-device": _inode("/etc/machine-id", _MODE, _u16(0o060644)),
    "machine-id-is-fifo": _inode("/etc/machine-id", _MODE, _u16(0o010644)),
    "flag-immutable": _inode("/var/log/auth.log", _FLAGS, _u32(0x80010)),
    "flag-ea-inode": _inode("/tmp/plain", _FLAGS, _u32(0x280000)),
    "flag-verity": _inode("/tmp/plain", _FLAGS, _u32(0x180000)),
    "symlink-size-huge": _inode("/tmp/link-to-etc", _SIZE, _u32(0x7FFFFFFF)),
    "symlink-size-0": _inode("/var/run", _SIZE, _u32(0)),
    # blocks
    "extent-cycle": _extent_cycle,
    "extent-depth-65535": _extents("/var/log/big.log", (0, 0, 100), depth=0xFFFF),
    "extent-out-of-range": _extents("/var/log/big.log", (0, 40, 0xFFFFFFF0)),
    "extent-length-32768": _extents("/var/log/big.log", (0, 32768, 100)),
    "extent-entries-lie": _inode("/var/log/big.log", _BLOCKS + 2, _u16(0xFFFF)),
    "extent-logical-wraps": _extents("/var/log/big.log", (0xFFFFFFFF, 32, 100)),
    "extent-over-metadata": _over_metadata,
    "extent-shared": _shared_blocks,
    "root-extent-out-of-range": _extents("/", (0, 1, 0xFFFFFFF0)),
    # attributes
    "xattr-name-length": _xattr(32, b"\xff"),
    "xattr-value-offset": _xattr(34, _u16(0xFFFF)),
    "xattr-value-inode": _xattr(36, _u32(2)),
    "xattr-value-size": _xattr(40, _u32(0x7FFFFFFF)),
    "xattr-blocks": _xattr(8, _u32(0xFFFF)),
    "xattr-references": _xattr(4, _u32(0)),
    "xattr-block-is-table": _inode("/var/log/acl.log", 0x68, _u32(5)),
    # superblock
    "super-inodes-huge": _super(0x00, _u32(0xFFFFFFFF)),
    "super-blocks-huge": _super(0x04, _u32(0xFFFFFFFF)),
    "super-blocks-2-to-63": _super(0x150, _u32(0x7FFFFFFF)),
    "super-blocks-0": _super(0x04, _u32(0)),
    "super-first-block-huge": _super(0x14, _u32(0xFFFFFFFF)),
    "super-block-size-31": _super(0x18, _u32(31)),
    "super-block-size-64k": _super(0x18, _u32(6)),
    "super-per-group-0": _super(0x20, _u32(0)),
    "super-inodes-per-group-0": _super(0x28, _u32(0)),
    "super-inodes-per-group-huge": _super(0x28, _u32(0xFFFFFFFF)),
    "super-inode-size-0": _super(0x58, _u16(0)),
    "super-inode-size-odd": _super(0x58, _u16(257)),
    "super-inode-size-huge": _super(0x58, _u16(0x8000)),
    "super-desc-size-1": _super(0xFE, _u16(1)),
    "super-desc-size-huge": _super(0xFE, _u16(0xFFFF)),
    "super-incompat-unknown": _super(0x60, _u32(0x80000042)),
    "super-ro-compat-unknown": _super(0x64, _u32(0x80000403)),
    "super-journal-device": _super(0x60, _u32(0x4A)),
    "super-error-state": _super(0x3A, _u16(2)),
    "super-mmp": _super(0x60, _u32(0x3C2)),
    "super-revision-0": _super(0x4C, _u32(0)),
    "super-meta-bg-huge": _super(0x104, _u32(0xFFFFFFFF)),
    "super-flex-255": _super(0x174, b"\xff"),
    "orphan-loop": _orphan_loop,
    "orphan-out-of-range": _super(0xE8, _u32(0xFFFFFFFE)),
    # journal
    "journal-block-size-0": _journal_lies(12, 0),
    "journal-length-huge": _journal_lies(16, 0xFFFFFFFF),
    "journal-first-huge": _journal_lies(20, 0xFFFFFFFF),
    "journal-start-huge": _journal_lies(28, 0xFFFFFFFF),
    "journal-magic": _journal_lies(0, 0),
    # the file itself
    "image-truncated": _truncated,
}


def hostile(name: str, image: str, path: str) -> str:
    """Make one hostile image; its path.

    Args:
        name: key of `HOSTILE`.
        image: a good image of `lab.small`.
        path: where the hostile one goes.
    """
    HOSTILE[name](Target(image, path))
    return path
