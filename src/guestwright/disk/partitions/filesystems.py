"""Superblocks of filesystems that Linux and the BSDs use. Each function returns None when it is another one.

Offsets are from each filesystem's own on-disk headers in the Linux kernel (fs/*/, include/uapi/linux/) and,
for names and choices, from what util-linux's libblkid reports.
"""

from __future__ import annotations

from typing import Final

from guestwright.disk.partitions.surface import Signature, Surface, be, label_text, le, uuid_text

_HAS_JOURNAL: Final = 0x4  # ext2 compatible feature
_JOURNAL_DEVICE: Final = 0x8  # ext2 incompatible feature
_EXT2_RO: Final = 0x1 | 0x2 | 0x4  # sparse_super, large_file, btree_dir
_EXT2_INCOMPATIBLE: Final = 0x2 | 0x10  # filetype, meta_bg
_EXT3_INCOMPATIBLE: Final = _EXT2_INCOMPATIBLE | 0x4  # recover
_BCACHE: Final = bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")
_BCACHEFS: Final = bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef")


def ext(surface: Surface) -> Signature | None:
    """ext2, ext3, ext4 (told apart by their features, as libblkid does) and external journals ("jbd")."""
    block = surface.at(1024, 264)
    if block[0x38:0x3A] != b"\x53\xef":
        return None
    compatible, incompatible, ro = le(block[0x5C:0x60]), le(block[0x60:0x64]), le(block[0x64:0x68])
    journal = compatible & _HAS_JOURNAL
    if incompatible & _JOURNAL_DEVICE:
        kind = "jbd"
    elif not journal and not ro & ~_EXT2_RO and not incompatible & ~_EXT2_INCOMPATIBLE:
        kind = "ext2"
    elif journal and not ro & ~_EXT2_RO and not incompatible & ~_EXT3_INCOMPATIBLE:
        kind = "ext3"
    else:
        kind = "ext4"
    return Signature(type=kind, uuid=uuid_text(block[0x68:0x78]), label=label_text(block[0x78:0x88]))


def xfs(surface: Surface) -> Signature | None:
    """XFS."""
    block = surface.at(0, 120)
    if not block.startswith(b"XFSB") or not 512 <= be(block[4:8]) <= 65536:
        return None
    return Signature(type="xfs", uuid=uuid_text(block[32:48]), label=label_text(block[108:120]))


def btrfs(surface: Surface) -> Signature | None:
    """Btrfs; the UUID is the filesystem's, not the device's."""
    block = surface.at(0x10000, 0x22B)
    if block[0x40:0x48] != b"_BHRfS_M":
        return None
    return Signature(type="btrfs", uuid=uuid_text(block[0x20:0x30]), label=label_text(block[0x12B:0x22B]))


def f2fs(surface: Surface) -> Signature | None:
    """F2FS."""
    block = surface.at(1024, 0x7C + 1024)
    if le(block[:4]) != 0xF2F52010:
        return None
    label = label_text(block[0x7C:], "utf-16-le")
    return Signature(type="f2fs", uuid=uuid_text(block[0x6C:0x7C]), label=label)


def bcachefs(surface: Surface) -> Signature | None:
    """Bcachefs, and bcache, whose superblock it shares."""
    block = surface.at(4096, 104)
    if block[24:40] == _BCACHEFS:
        return Signature(type="bcachefs", uuid=uuid_text(block[56:72]), label=label_text(block[72:104]))
    if block[24:40] == _BCACHE:
        return Signature(type="bcache", uuid=uuid_text(block[40:56]))
    return None


def reiserfs(surface: Surface) -> Signature | None:
    """ReiserFS 3 and Reiser4."""
    for offset in (65536, 8192):
        block = surface.at(offset, 116)
        if block[52:60] == b"ReIsErFs":
            return Signature(type="reiserfs", detail="3.5")
        if block[52:61] in {b"ReIsEr2Fs", b"ReIsEr3Fs"}:
            return Signature(
                type="reiserfs", uuid=uuid_text(block[84:100]), label=label_text(block[100:116]), detail="3.6"
            )
    block = surface.at(65536, 52)
    if block.startswith(b"ReIsEr4"):
        return Signature(type="reiser4", uuid=uuid_text(block[20:36]), label=label_text(block[36:52]))
    return None


def jfs(surface: Surface) -> Signature | None:
    """JFS."""
    block = surface.at(32768, 168)
    if not block.startswith(b"JFS1"):
        return None
    return Signature(type="jfs", uuid=uuid_text(block[136:152]), label=label_text(block[152:168]))


def ufs(surface: Surface) -> Signature | None:
    """UFS 1 and 2 of either byte order."""
    for offset in (65536, 8192, 0, 262144):
        block = surface.at(offset, 1376)
        for order, magic in ((le, block[1372:]), (be, block[1372:])):
            version = {0x00011954: 1, 0x19540119: 2}.get(order(magic))
            if version is None:
                continue
            first, second = order(block[144:148]), order(block[148:152])
            uuid = f"{first:08x}{second:08x}" if first or second else ""
            label = label_text(block[680:712]) if version == 2 else ""
            return Signature(type="ufs", uuid=uuid, label=label, detail=str(version))
    return None


def squashfs(surface: Surface) -> Signature | None:
    """Squashfs of version 4, and the older ones as "squashfs3"."""
    block = surface.at(0, 32)
    if block[:4] not in {b"hsqs", b"sqsh"}:
        return None
    version = (le if block.startswith(b"h") else be)(block[28:30])
    return Signature(type="squashfs" if version >= 4 else "squashfs3", detail=str(version))


def iso9660(surface: Surface) -> Signature | None:
    """ISO 9660 (ECMA-119): the label of the primary volume, and its date as the UUID."""
    block = surface.at(32768, 848)
    if block[1:6] != b"CD001" or block[0] not in {0, 1}:
        return None
    if block[0] != 1:
        return Signature(type="iso9660")
    dates = (block[830:846], block[813:829])
    date = next((d for d in dates if d.isdigit() and d != b"0" * 16), b"")
    text = date.decode("ascii")
    parts = (text[:4], *(text[at : at + 2] for at in range(4, 16, 2)))
    return Signature(type="iso9660", uuid="-".join(parts) if text else "", label=label_text(block[40:72]))
