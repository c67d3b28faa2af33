"""Superblocks of what is not a filesystem: swap, encryption, and members of volume groups, RAIDs and pools.

Sources: the Linux kernel (include/linux/swap.h, include/uapi/linux/raid/md_p.h), the LUKS 1 and 2 on-disk
format specifications, LVM2's lib/format_text/layout.h, and OpenZFS's include/sys/vdev_impl.h; names as in
libblkid.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final
from zlib import crc32

from guestwright.disk.partitions.surface import Signature, Surface, be, label_text, le, uuid_text

_RAID_MAGIC: Final = 0xA92B4EFC
_PAGE_SIZES: Final = (4096, 8192, 16384, 32768, 65536)
_HIBERNATED: Final = (b"S1SUSPEND", b"S2SUSPEND", b"ULSUSPEND", b"LINHIB0001")
_LVM_CRC_START: Final = 0xF597A6CF
_ZFS_MAGIC: Final = 0x00BAB10C
_ZFS_LABEL: Final = 256 << 10
_ZFS_PAIRS: Final = 16 << 10
_ZFS_PAIRS_SIZE: Final = 112 << 10
_ZFS_RING: Final = 128 << 10


def luks(surface: Surface) -> Signature | None:
    """LUKS 1 and 2."""
    block = surface.at(0, 208)
    version = be(block[6:8])
    if not block.startswith(b"LUKS\xba\xbe") or version not in {1, 2}:
        return None
    label = label_text(block[24:72]) if version == 2 else ""
    return Signature(type="crypto_LUKS", uuid=label_text(block[168:208]), label=label, detail=str(version))


def lvm2(surface: Surface) -> Signature | None:
    """A physical volume of LVM2: the label is in one of the first four sectors."""
    for number in range(4):
        sector = surface.at(number * 512, 512)
        if not sector.startswith(b"LABELONE") or sector[24:32] != b"LVM2 001":
            continue
        checksum = crc32(sector[20:], _LVM_CRC_START ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
        start = le(sector[20:24])
        if le(sector[8:16]) != number or le(sector[16:20]) != checksum or not 32 <= start <= 480:
            continue
        text = label_text(sector[start : start + 32])
        cuts = (0, 6, 10, 14, 18, 22, 26, 32)
        uuid = "-".join(text[a:b] for a, b in pairwise(cuts))
        return Signature(type="LVM2_member", uuid=uuid)
    return None


def raid(surface: Surface) -> Signature | None:
    """A member of a Linux software RAID: metadata 1.0 and 0.90 lie at the end, 1.1 and 1.2 at the start."""
    sectors = surface.size // 512
    for minor, offset in ((0, ((sectors - 16) & ~7) * 512), (1, 0), (2, 4096)):
        block = surface.at(offset, 256)
        if le(block[:4]) == _RAID_MAGIC and le(block[4:8]) == 1 and le(block[144:152]) * 512 == offset:
            return Signature(
                type="linux_raid_member",
                uuid=uuid_text(block[16:32]),
                label=label_text(block[32:64]),
                detail=f"1.{minor}",
            )
    if surface.size < 65536:
        return None
    block = surface.at((surface.size & ~0xFFFF) - 65536, 64)
    for order in (le, be):
        if order(block[:4]) == _RAID_MAGIC and order(block[4:8]) == 0 and order(block[8:12]) == 90:
            words = (block[20:24], block[52:56], block[56:60], block[60:64])
            uuid = uuid_text(b"".join(order(word).to_bytes(4, "big") for word in words))
            return Signature(type="linux_raid_member", uuid=uuid, detail="0.90")
    return None


def swap(surface: Surface) -> Signature | None:
    """Swap space; "swsuspend" when a hibernated system lies in it."""
    for page in _PAGE_SIZES:
        magic = surface.at(page - 10, 10)
        if magic == b"SWAP-SPACE":
            return Signature(type="swap", detail="0")
        hibernated = magic.startswith(_HIBERNATED)
        if magic != b"SWAPSPACE2" and not hibernated:
            continue
        head = surface.at(1024, 44)
        if not hibernated and (le(head[:4]) != 1 or not le(head[4:8])):
            continue
        return Signature(
            type="swsuspend" if hibernated else "swap",
            uuid=uuid_text(head[12:28]),
            label=label_text(head[28:44]),
            detail="hibernated" if hibernated else "1",
        )
    return None


def zfs(surface: Surface) -> Signature | None:
    """A member of a ZFS pool: UUID is the pool's number in decimal, the label its name."""
    for label in (0, _ZFS_LABEL):
        ring = surface.at(label + _ZFS_RING, _ZFS_LABEL - _ZFS_RING)
        starts = (ring[at : at + 8] for at in range(0, len(ring), 1024))
        if any(_ZFS_MAGIC in {le(start), be(start)} for start in starts):
            name, number = _zfs_pool(surface.at(label + _ZFS_PAIRS, _ZFS_PAIRS_SIZE))
            return Signature(type="zfs_member", uuid=str(number) if number else "", label=name)
    return None


def _zfs_pool(pairs: bytes) -> tuple[str, int]:
    """Name and number of the pool from the label's list of pairs (XDR, RFC 4506); each step goes forward."""
    name, number = "", 0
    position = 12  # encoding, byte order, version, flags
    while position + 20 <= len(pairs):
        size = be(pairs[position : position + 4])
        length = be(pairs[position + 8 : position + 12])
        if size < 20 or length > 256:
            break
        key = pairs[position + 12 : position + 12 + length]
        value = position + 12 + ((length + 3) & ~3) + 8  # type and count lie before it
        if key == b"name":
            count = min(be(pairs[value : value + 4]), 256)
            name = label_text(pairs[value + 4 : value + 4 + count])
        elif key == b"pool_guid":
            number = be(pairs[value : value + 8])
        position += size
    return name, number
