"""Superblocks of the filesystems of DOS and Windows. Each function returns None when it is another one.

Sources: Microsoft's "FAT: General Overview of On-Disk Format" 1.03, the exFAT specification, and for NTFS the
attribute layout as in the Linux kernel's fs/ntfs3/ntfs.h; names and choices as libblkid reports them.
"""

from __future__ import annotations

from typing import Final

from guestwright.disk.partitions.surface import Signature, Surface, label_text, le, serial_text

_ENTRY: Final = 32
_MAX_ROOT: Final = 64 << 10  # how much of a root directory is searched for a label
_MAX_STEPS: Final = 64  # how many clusters of it
_VOLUME, _LONG_NAME = 0x08, 0x0F
_EXFAT_LABEL: Final = 0x83
_NTFS_VOLUME_RECORD: Final = 3
_NTFS_VOLUME_NAME: Final = 0x60
_NTFS_END: Final = 0xFFFFFFFF


def bitlocker(surface: Surface) -> Signature | None:
    """BitLocker, on fixed disks and "To Go"."""
    block = surface.at(0, 512)
    to_go = bytes.fromhex("3bd6674929 2ed84a8399f6a339e3d001")
    if block[3:11] == b"-FVE-FS-" or (block[3:11] == b"MSWIN4.1" and block[0x1A8:0x1B8] == to_go):
        return Signature(type="BitLocker")
    return None


def ntfs(surface: Surface) -> Signature | None:
    """NTFS; the label is in the file $Volume."""
    block = surface.at(0, 96)
    if block[3:11] != b"NTFS    ":
        return None
    sector, per_cluster = le(block[11:13]), block[13]
    if per_cluster > 0x80:
        per_cluster = 1 << (256 - per_cluster)
    if sector not in {256, 512, 1024, 2048, 4096} or not per_cluster:
        return None
    uuid = f"{le(block[0x48:0x50]):016X}"
    return Signature(type="ntfs", uuid=uuid, label=_ntfs_label(surface, block, sector * per_cluster))


def _ntfs_label(surface: Surface, block: bytes, cluster: int) -> str:
    size = block[0x40]
    record_size = 1 << (256 - size) if size > 0x80 else size * cluster
    if not 512 <= record_size <= 65536:
        return ""
    start = le(block[0x30:0x38]) * cluster + _NTFS_VOLUME_RECORD * record_size
    record = surface.at(start, record_size)
    if not record.startswith(b"FILE"):
        return ""
    position = le(record[20:22])
    while position + 24 <= record_size:
        kind, length = le(record[position : position + 4]), le(record[position + 4 : position + 8])
        if kind == _NTFS_END or length < 24:
            return ""
        if kind == _NTFS_VOLUME_NAME:
            value = position + le(record[position + 20 : position + 22])
            return label_text(record[value : value + le(record[position + 16 : position + 20])], "utf-16-le")
        position += length
    return ""


def exfat(surface: Surface) -> Signature | None:
    """ExFAT; the label is an entry of the root directory."""
    block = surface.at(0, 512)
    if block[3:11] != b"EXFAT   " or not 9 <= block[108] <= 12 or block[109] > 25 - block[108]:
        return None
    sector = 1 << block[108]
    cluster = sector << block[109]
    heap, root = le(block[88:92]) * sector, le(block[96:100])
    start = heap + (root - 2) * cluster
    directory = surface.at(start, min(cluster, _MAX_ROOT)) if root >= 2 else b""
    label = ""
    for position in range(0, len(directory), _ENTRY):
        if directory[position] == 0:
            break
        if directory[position] == _EXFAT_LABEL:
            count = min(directory[position + 1], 11)
            label = label_text(directory[position + 2 : position + 2 + 2 * count], "utf-16-le")
            break
    return Signature(type="exfat", uuid=serial_text(le(block[100:104])), label=label)


def vfat(surface: Surface) -> Signature | None:
    """FAT12, FAT16 and FAT32, told apart by the number of clusters; the label is in the root directory."""
    block = surface.at(0, 512)
    layout = _fat_layout(block)
    if layout is None:
        return None
    bits, sector, per_cluster, fat_sectors, root_start, root_size = layout
    if bits == 32:
        serial, valid = le(block[0x43:0x47]), block[0x42] in {0x28, 0x29}
        root = _fat32_root(surface, block, sector, per_cluster, fat_sectors)
    else:
        serial, valid = le(block[0x27:0x2B]), block[0x26] in {0x28, 0x29}
        root = surface.at(root_start, min(root_size, _MAX_ROOT))
    uuid = serial_text(serial) if valid else ""
    return Signature(type="vfat", uuid=uuid, label=_fat_label(root), detail=f"fat{bits}")


def _fat_layout(block: bytes) -> tuple[int, int, int, int, int, int] | None:
    """(bits, sector size, sectors per cluster, sectors of one FAT, start and size of the root directory)."""
    named = block[0x36:0x3B] in {b"MSDOS", b"FAT12", b"FAT16", b"FAT  "} or block[0x52:0x57] in {
        b"MSWIN",
        b"FAT32",
    }
    if not named and (block[0] not in {0xEB, 0xE9} or block[510:512] != b"\x55\xaa"):
        return None
    sector, per_cluster, reserved, fats = le(block[11:13]), block[13], le(block[14:16]), block[16]
    media = block[21]
    if sector not in {512, 1024, 2048, 4096} or not per_cluster or per_cluster & (per_cluster - 1):
        return None
    if not reserved or not fats or (media < 0xF8 and media != 0xF0):
        return None
    root_size = le(block[17:19]) * _ENTRY
    total = le(block[19:21]) or le(block[32:36])
    short = le(block[22:24])
    fat_sectors = short or le(block[36:40])
    root_start = (reserved + fats * fat_sectors) * sector
    clusters = (total - (root_start + root_size) // sector) // per_cluster
    if not fat_sectors or clusters <= 0:
        return None
    small = 12 if clusters < 4085 else 16
    bits = small if short else 32
    return bits, sector, per_cluster, fat_sectors, root_start, root_size


def _fat32_root(surface: Surface, block: bytes, sector: int, per_cluster: int, fat_sectors: int) -> bytes:
    """The start of a FAT32 root directory, which is a chain of clusters."""
    reserved = le(block[14:16])
    data = (reserved + block[16] * fat_sectors) * sector
    size = sector * per_cluster
    cluster = le(block[44:48])
    root = b""
    for _ in range(_MAX_STEPS):
        if not 2 <= cluster < 0x0FFFFFF8 or len(root) >= _MAX_ROOT:
            break
        root += surface.at(data + (cluster - 2) * size, min(size, _MAX_ROOT))
        cluster = le(surface.at(reserved * sector + cluster * 4, 4)) & 0x0FFFFFFF
    return root


def _fat_label(root: bytes) -> str:
    for position in range(0, len(root) - _ENTRY + 1, _ENTRY):
        name, attributes = root[position : position + 11], root[position + 11]
        if name[0] == 0:
            break
        if name[0] != 0xE5 and attributes & _LONG_NAME != _LONG_NAME and attributes & _VOLUME:
            return label_text((b"\xe5" if name[0] == 0x05 else name[:1]) + name[1:])
    return ""
