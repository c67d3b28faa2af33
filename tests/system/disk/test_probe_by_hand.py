"""Superblocks that no mkfs program here can make, laid out by hand; blkid gives the verdict on them too."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from guestwright.disk.partitions.probe import probe
from guestwright.disk.raw import RawDevice
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("blkid")]

SIZE = 64 << 20
UUID = bytes(range(16, 32))
Parts = list[tuple[int, bytes]]


def jfs() -> Parts:
    head = struct.pack("<4sIQIHHIHH", b"JFS1", 1, 1000, 4096, 12, 3, 512, 9, 0)
    return [(32768, head), (32768 + 136, UUID), (32768 + 152, b"jay label")]


def reiserfs() -> Parts:
    block = bytearray(204)
    block[0:4] = struct.pack("<I", 2048)
    block[12:16] = struct.pack("<I", 18)
    block[44:46] = struct.pack("<H", 4096)
    block[52:61] = b"ReIsEr2Fs"
    block[84:100] = UUID
    block[100:106] = b"rlabel"
    return [(65536, bytes(block))]


def reiser4() -> Parts:
    return [(65536, b"ReIsEr4".ljust(16, b"\0") + struct.pack("<HH", 0, 4096) + UUID + b"four")]


def ufs2() -> Parts:
    return [
        (65536 + 144, struct.pack("<II", 0x5F5E1000, 0xABCD)),
        (65536 + 680, b"volume"),
        (65536 + 1372, struct.pack("<I", 0x19540119)),
    ]


def ufs1_big_endian() -> Parts:
    return [(8192 + 144, struct.pack(">II", 7, 8)), (8192 + 1372, struct.pack(">I", 0x00011954))]


def iso9660() -> Parts:
    volume = bytearray(2048)
    volume[0:7] = b"\x01CD001\x01"
    volume[40:72] = b"DEBIAN 12".ljust(32)
    volume[813:829] = b"2024010203040506"
    volume[830:846] = b"2025111213141516"
    return [(32768, bytes(volume)), (32768 + 2048, b"\xffCD001\x01")]


def raid(minor: int) -> Parts:
    offset = {0: ((SIZE // 512 - 16) & ~7) * 512, 1: 0, 2: 4096}[minor]
    block = bytearray(256)
    block[0:8] = struct.pack("<II", 0xA92B4EFC, 1)
    block[16:32] = UUID
    block[32:42] = b"host:array"
    block[72:76] = struct.pack("<I", 1)
    block[128:144] = struct.pack("<QQ", 2048, 8192)
    block[144:152] = struct.pack("<Q", offset // 512)
    return [(offset, bytes(block))]


def raid_old() -> Parts:
    block = struct.pack("<IIIIII", 0xA92B4EFC, 0, 90, 0, 0, 0x01020304).ljust(52, b"\0")
    return [((SIZE & ~0xFFFF) - 65536, block + struct.pack("<III", 0x05060708, 0x090A0B0C, 0x0D0E0F10))]


def bitlocker() -> Parts:
    boot = bytearray(512)
    boot[0:11] = b"\xeb\x58\x90-FVE-FS-"
    boot[160:176] = bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")
    boot[176:184] = struct.pack("<Q", 65536)
    boot[510:] = b"\x55\xaa"
    return [(0, bytes(boot)), (65536, b"-FVE-FS-" + struct.pack("<HH", 64, 2))]


def zfs() -> Parts:
    def pair(name: bytes, kind: int, value: bytes) -> bytes:
        body = (
            struct.pack(">I", len(name))
            + name.ljust((len(name) + 3) & ~3, b"\0")
            + struct.pack(">II", kind, 1)
        )
        return struct.pack(">II", 8 + len(body) + len(value), 64) + body + value

    pairs = b"\x01\x01\0\0" + struct.pack(">II", 0, 1)
    pairs += pair(b"version", 8, struct.pack(">Q", 5000))
    pairs += pair(b"name", 9, struct.pack(">I", 4) + b"tank")
    pairs += pair(b"pool_guid", 8, struct.pack(">Q", 1234567890123456789)) + bytes(8)
    parts: Parts = []
    for label in (0, 256 << 10, SIZE - (512 << 10), SIZE - (256 << 10)):
        parts.append((label + (16 << 10), pairs))
        parts += [
            (label + (128 << 10) + at, struct.pack("<QQ", 0x00BAB10C, 5000)) for at in range(0, 131072, 4096)
        ]
    return parts


MADE: dict[str, Parts] = {
    "jfs": jfs(),
    "reiserfs": reiserfs(),
    "reiser4": reiser4(),
    "ufs2": ufs2(),
    "ufs1-big-endian": ufs1_big_endian(),
    "iso9660": iso9660(),
    "raid-1.0": raid(0),
    "raid-1.1": raid(1),
    "raid-1.2": raid(2),
    "raid-0.90": raid_old(),
    "bitlocker": bitlocker(),
    "zfs": zfs(),
}


@pytest.mark.parametrize("name", MADE)
def test_agrees_with_blkid(name: str, tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(SIZE)
        for offset, data in MADE[name]:
            file.seek(offset)
            file.write(data)
    done = subprocess.run(
        ["/usr/sbin/blkid", "-p", "-o", "export", image], capture_output=True, text=True, check=False
    )
    expected = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    device = RawDevice.open(str(image))
    found = probe(device)
    device.close()
    assert expected.get("TYPE"), "blkid does not recognise what the test made"
    assert found.type == expected["TYPE"]
    assert found.uuid == expected.get("UUID", "")
    assert found.label == expected.get("LABEL", "").replace("\\", "")
