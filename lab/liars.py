"""Partition tables that lie: each a small disk, most with a good ext filesystem at 1 MiB.

    data = LIARS["gpt-entries-huge"](filesystem)

GPT: UEFI 2.10, section 5.3. MBR and EBR: every entry is 16 bytes from byte 446; a chain of extended records
hangs off an entry of type 5, 15 or 0x85. Checksums are right unless the lie is about them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

_SECTOR = 512
_START = 2048
_LINUX = bytes.fromhex("AF3DC60F838472478E793D69D8477DE4")
_ENTRIES = 128
_ENTRY = 128

Liar = Callable[[bytes], bytes]


def _blank(filesystem: bytes) -> bytearray:
    disk = bytearray(_START * _SECTOR + len(filesystem) + (1 << 20))
    disk[_START * _SECTOR : _START * _SECTOR + len(filesystem)] = filesystem
    return disk


def _mbr_entry(kind: int, start: int, length: int) -> bytes:
    return struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", kind, b"\xfe\xff\xff", start, length)


def _boot_record(disk: bytearray, sector: int, *entries: bytes) -> None:
    at = sector * _SECTOR
    disk[at + 446 : at + 510] = b"".join(entries).ljust(64, b"\0")
    disk[at + 510 : at + 512] = b"\x55\xaa"


def gpt(
    filesystem: bytes,
    *,
    first: int = _START,
    last: int = -1,
    count: int = _ENTRIES,
    size: int = _ENTRY,
    array: int = 2,
    header_size: int = 92,
    usable: tuple[int, int] | None = None,
    alternate: int = -1,
    good_header: bool = True,
    good_array: bool = True,
    protective: bool = True,
    twice: bool = False,
) -> bytes:
    """A GPT disk; every argument is a field that may lie, the defaults are the truth."""
    disk = _blank(filesystem)
    sectors = len(disk) // _SECTOR
    last = last if last >= 0 else first + len(filesystem) // _SECTOR - 1
    entry = (
        _LINUX
        + bytes(range(16))
        + struct.pack("<QQQ", first, last, 0)
        + "root".encode("utf-16-le").ljust(72, b"\0")
    )
    table = (entry + (entry if twice else b"")).ljust(_ENTRIES * _ENTRY, b"\0")
    table_sum = zlib.crc32(table) if good_array else 0xBAD
    low, high = usable or (34, sectors - 34)
    for here, there, at in ((1, sectors - 1, array), (sectors - 1, 1, sectors - 33)):
        other = alternate if alternate >= 0 and here == 1 else there
        head = struct.pack(
            "<8sIIIIQQQQ16sQIII",
            b"EFI PART",
            0x10000,
            header_size,
            0,
            0,
            here,
            other,
            low,
            high,
            b"D" * 16,
            at,
            count,
            size,
            table_sum,
        )
        total = zlib.crc32(head) if good_header else 0xBAD
        head = head[:16] + struct.pack("<I", total) + head[20:]
        disk[here * _SECTOR : here * _SECTOR + 92] = head
    for at in (2, sectors - 33):
        disk[at * _SECTOR : at * _SECTOR + len(table)] = table
    if protective:
        _boot_record(disk, 0, _mbr_entry(0xEE, 1, sectors - 1))
    return bytes(disk)


def mbr(filesystem: bytes, *entries: bytes) -> bytes:
    """An MBR disk with these entries (default: one true one)."""
    disk = _blank(filesystem)
    _boot_record(disk, 0, *(entries or (_mbr_entry(0x83, _START, len(filesystem) // _SECTOR),)))
    return bytes(disk)


def _extended(filesystem: bytes, *links: tuple[int, tuple[int, int], int]) -> bytes:
    """Extended partition from sector 64; links: (its sector, (start, length) of its logical, next or 0)."""
    disk = _blank(filesystem)
    _boot_record(disk, 0, _mbr_entry(5, 64, len(disk) // _SECTOR - 64))
    for sector, (start, length), following in links:
        rows = [_mbr_entry(0x83, start, length)]
        rows += [_mbr_entry(5, following - 64, 1)] if following else []
        _boot_record(disk, sector, *rows)
    return bytes(disk)


def _chain(filesystem: bytes) -> bytes:
    """A chain of 1900 records, one a sector: longer than any real disk's."""
    return _extended(filesystem, *((64 + n, (_START - 64 - n, 8), 65 + n) for n in range(1900)))


def _superblock_only(filesystem: bytes) -> bytes:
    """A filesystem that says it is bigger than its disk."""
    return filesystem[: len(filesystem) // 4]


def _both(filesystem: bytes) -> bytes:
    """A partition table in front of a filesystem that starts at byte 0 (both are there, which is true?)."""
    disk = bytearray(filesystem)
    _boot_record(disk, 0, _mbr_entry(0x83, _START, 8192))
    return bytes(disk)


def _lvm(size: int, areas: bytes) -> Liar:
    def make(filesystem: bytes) -> bytes:
        body = struct.pack("<8sQ", b"A" * 8, 0)
        header = b"P" * 32 + struct.pack("<Q", size) + areas
        label = bytearray(b"LABELONE" + struct.pack("<QII8s", 1, 0, 32, b"LVM2 001") + header)
        disk = _blank(filesystem)
        disk[512 : 512 + len(label)] = label
        disk[512 + 480 : 512 + 496] = body
        return bytes(disk)

    return make


LIARS: dict[str, Liar] = {
    "gpt-true": gpt,
    "gpt-entries-huge": lambda fs: gpt(fs, count=0xFFFFFFFF),
    "gpt-entries-0": lambda fs: gpt(fs, count=0),
    "gpt-entry-size-0": lambda fs: gpt(fs, size=0),
    "gpt-entry-size-1": lambda fs: gpt(fs, size=1),
    "gpt-entry-size-2-to-31": lambda fs: gpt(fs, size=1 << 31),
    "gpt-array-beyond": lambda fs: gpt(fs, array=1 << 62),
    "gpt-array-is-header": lambda fs: gpt(fs, array=1),
    "gpt-header-size-0": lambda fs: gpt(fs, header_size=0),
    "gpt-header-size-huge": lambda fs: gpt(fs, header_size=0xFFFFFFFF),
    "gpt-header-sum": lambda fs: gpt(fs, good_header=False),
    "gpt-array-sum": lambda fs: gpt(fs, good_array=False),
    "gpt-ends-before-start": lambda fs: gpt(fs, last=_START - 10),
    "gpt-partition-beyond": lambda fs: gpt(fs, last=1 << 60),
    "gpt-partition-over-table": lambda fs: gpt(fs, first=0),
    "gpt-partition-wraps": lambda fs: gpt(fs, first=(1 << 63) + 1, last=(1 << 64) - 1),
    "gpt-usable-reversed": lambda fs: gpt(fs, usable=(1000, 10)),
    "gpt-alternate-self": lambda fs: gpt(fs, alternate=1),
    "gpt-no-protective": lambda fs: gpt(fs, protective=False),
    "gpt-overlapping": lambda fs: gpt(fs, twice=True),
    "mbr-true": mbr,
    "mbr-beyond": lambda fs: mbr(fs, _mbr_entry(0x83, _START, 0xFFFFFFFF)),
    "mbr-start-beyond": lambda fs: mbr(fs, _mbr_entry(0x83, 0xFFFFFFFF, 0xFFFFFFFF)),
    "mbr-start-0": lambda fs: mbr(fs, _mbr_entry(0x83, 0, 8192)),
    "mbr-length-0": lambda fs: mbr(fs, _mbr_entry(0x83, _START, 0)),
    "mbr-overlapping": lambda fs: mbr(fs, _mbr_entry(0x83, _START, 8192), _mbr_entry(0x83, _START + 8, 8192)),
    "mbr-two-extended": lambda fs: mbr(fs, _mbr_entry(5, 64, 8192), _mbr_entry(5, 64, 8192)),
    "mbr-protective-only": lambda fs: mbr(fs, _mbr_entry(0xEE, 1, 0xFFFFFFFF)),
    "ebr-true": lambda fs: _extended(fs, (64, (_START - 64, len(fs) // _SECTOR), 0)),
    "ebr-self": lambda fs: _extended(fs, (64, (_START - 64, 8192), 64)),
    "ebr-loop": lambda fs: _extended(fs, (64, (_START - 64, 8192), 66), (66, (_START - 66, 8192), 64)),
    "ebr-chain": _chain,
    "ebr-beyond": lambda fs: _extended(fs, (64, (_START - 64, 8192), 0xF0000000)),
    "ebr-backwards": lambda fs: _extended(fs, (64, (0xFFFFFFF0, 8192), 65)),
    "disk-empty": lambda _fs: b"",
    "disk-one-sector": lambda _fs: bytes(512),
    "disk-odd-size": lambda fs: gpt(fs)[:-100],
    "disk-zeros": lambda _fs: bytes(1 << 20),
    "disk-noise": lambda _fs: bytes((n * n * 31 + (n >> 3)) & 0xFF for n in range(1 << 20)),
    "disk-says-qcow2": lambda fs: (
        b"QFI\xfb\0\0\0\x03" + struct.pack(">QI", 104, 11) + gpt(fs)[20:104] + b"/etc/shadow"
    ),
    "filesystem-longer-than-disk": _superblock_only,
    "table-and-filesystem": _both,
    "lvm-area-beyond": _lvm(1 << 62, struct.pack("<QQQQ", 1 << 61, 1 << 61, 0, 0)),
    "lvm-areas-without-end": _lvm(1 << 20, b"\1" * 440),
}
