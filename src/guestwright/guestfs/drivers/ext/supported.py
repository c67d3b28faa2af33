"""Which filesystems the driver takes, decided from the superblock before anything is written.

Theory of operation: libext2fs would open more than it can keep consistent. It writes past a journal that
still has to be replayed, ignores orphaned inodes, and leaves quota files stale; a seal must not end with a
filesystem that e2fsck complains about. Features that are not in these lists are refused by name, including
those invented after this was written.
"""

from __future__ import annotations

from typing import Final

from guestwright.guestfs.drivers.ext import superblock as sb
from guestwright.guestfs.errors import Corrupt, UnsupportedFilesystem

_INCOMPAT: Final = {
    0x0001: "compression",
    0x0004: "needs_recovery",
    0x0008: "journal_dev",
    0x1000: "dirdata",
    0x10000: "encrypt",
}
_RO_COMPAT: Final = {
    0x0080: "has_snapshot",
    0x0100: "quota",
    0x0800: "replica",
    0x1000: "read-only",
    0x4000: "shared_blocks",
    0x10000: "orphan_present",
}
_COMPAT: Final = {0x0040: "lazy_bg", 0x0080: "exclude_inode", 0x0100: "exclude_bitmap"}

_TAKEN_COMPAT: Final = 0x1E3F  # all up to orphan_file but those of _COMPAT
_TAKEN_INCOMPAT: Final = 0x2E7D2  # filetype meta_bg extents 64bit mmp flex_bg ea_inode … casefold
_TAKEN_RO_COMPAT: Final = 0xA67B  # sparse_super large_file huge_file … bigalloc metadata_csum project verity

_REPLAY: Final = "replay the journal first (e2fsck -p, or start and shut down the guest cleanly)"
_APPLIANCE: Final = "use the appliance driver"
MMP_CLEAN: Final = 0xFF4D4D50  # ext4 documentation, "Multiple Mount Protection": EXT4_MMP_SEQ_CLEAN


def check(block: sb.Superblock, *, device_size: int, filesystem: str) -> None:
    """Refuse what the driver cannot keep consistent.

    Args:
        block: the superblock.
        device_size: bytes of the device it was read from.
        filesystem: id, for the error.

    Raises:
        UnsupportedFilesystem: features by name, or a journal or orphans still to be processed.
        Corrupt: the kernel or e2fsck has marked it damaged, or it is larger than its device.
    """
    if block.state & sb.STATE_ERROR:
        raise Corrupt(filesystem=filesystem, detail="it is marked as containing errors")
    if block.blocks * block.block_size > device_size or not block.blocks or not block.inodes:
        raise Corrupt(
            filesystem=filesystem,
            detail=f"{block.blocks} blocks of {block.block_size} bytes on a device of {device_size}",
        )
    _check_state(block, filesystem)
    refused = _refused(block)
    if refused:
        raise UnsupportedFilesystem(
            filesystem=filesystem, detail=f"feature {', '.join(refused)}", advice=_APPLIANCE
        )
    if block.compat & sb.COMPAT_HAS_JOURNAL and not block.journal_inode:
        raise UnsupportedFilesystem(
            filesystem=filesystem, detail="its journal is on another device", advice=_APPLIANCE
        )


def _check_state(block: sb.Superblock, filesystem: str) -> None:
    reasons = []
    if block.incompat & 0x0004:
        reasons.append("its journal was not replayed (needs_recovery)")
    if block.ro_compat & 0x10000 or block.last_orphan or block.state & sb.STATE_ORPHANS:
        reasons.append("it has orphaned inodes")
    if not reasons and not block.state & sb.STATE_CLEAN:
        reasons.append("it was not unmounted cleanly")
    if reasons:
        raise UnsupportedFilesystem(filesystem=filesystem, detail=" and ".join(reasons), advice=_REPLAY)


def _refused(block: sb.Superblock) -> list[str]:
    return [
        *_names("compat", block.compat & ~_TAKEN_COMPAT, _COMPAT),
        *_names("incompat", block.incompat & ~_TAKEN_INCOMPAT, _INCOMPAT),
        *_names("ro_compat", block.ro_compat & ~_TAKEN_RO_COMPAT, _RO_COMPAT),
    ]


def _names(kind: str, bits: int, known: dict[int, str]) -> list[str]:
    return [known.get(1 << shift, f"{kind} 0x{1 << shift:x}") for shift in range(32) if bits & (1 << shift)]


def check_mmp(raw: bytes, *, filesystem: str) -> None:
    """Refuse a filesystem that some host has mounted.

    Args:
        raw: its MMP block ("struct mmp_struct": magic, then the sequence number).
        filesystem: id, for the error.

    Raises:
        UnsupportedFilesystem: the sequence is not the one of a clean unmount.
    """
    if int.from_bytes(raw[4:8], "little") != MMP_CLEAN:
        raise UnsupportedFilesystem(
            filesystem=filesystem,
            detail="its multiple mount protection says that it is in use",
            advice="unmount it everywhere; if no host has it mounted: tune2fs -f -E clear_mmp",
        )
