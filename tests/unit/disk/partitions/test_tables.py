"""Partition tables made by hand: what real tools would not write."""

from __future__ import annotations

import struct
import time
from contextlib import suppress
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.disk.errors import DiskError, PartitionTableInvalid
from guestwright.disk.memory import MemoryDevice
from guestwright.disk.partitions.probe import probe
from guestwright.disk.partitions.table import read_partitions

SIZE = 8 << 20
LINUX = bytes.fromhex("af3dc60f838472478e793d69d8477de4")


def mbr(*rows: tuple[int, int, int], flag: int = 0, disk_id: int = 0x1234ABCD) -> bytes:
    """A boot record with (type, first sector, sectors) rows."""
    table = b"".join(struct.pack("<B3xB3xII", flag, *row) for row in rows).ljust(64, b"\0")
    return bytes(440) + struct.pack("<I2x", disk_id) + table + b"\x55\xaa"


def disk(*parts: tuple[int, bytes]) -> MemoryDevice:
    device = MemoryDevice(SIZE)
    for offset, data in parts:
        device.write(offset, data)
    return device


def gpt(*rows: tuple[int, int], sector: int = 512, size: int = SIZE, **changed: int) -> MemoryDevice:
    """A disk with a primary GUID table of (first, last) rows and `changed` fields."""
    entries = b"".join(
        struct.pack(
            "<16s16sQQQ72s", LINUX, bytes([n + 1] * 16), first, last, 0, f"part {n}".encode("utf-16-le")
        )
        for n, (first, last) in enumerate(rows)
    ).ljust(128 * 128, b"\0")
    last = size // sector - 1
    fields: dict[str, int] = {
        "length": 92,
        "own": 1,
        "other": last,
        "first": 2 + 16384 // sector,
        "last": last - 33,
        "array": 2,
        "count": 128,
        "entry": 128,
        "crc": crc32(entries),
        **changed,
    }
    names = ("own", "other", "first", "last")
    tail = struct.pack(
        "<QQQQ16sQIII",
        *(fields[n] for n in names),
        b"d" * 16,
        *(fields[n] for n in ("array", "count", "entry", "crc")),
    )
    head = struct.pack("<8sIII4x", b"EFI PART", 0x10000, fields["length"], 0) + tail
    head = head[:16] + struct.pack("<I", crc32(head[: fields["length"]])) + head[20:]
    device = MemoryDevice(size)
    device.write(0, mbr((0xEE, 1, 0xFFFFFFFF)))
    device.write(sector, head)
    device.write(2 * sector, entries)
    return device


@pytest.mark.parametrize("sector", [512, 4096])
def test_both_sector_sizes(sector: int) -> None:
    table = read_partitions(gpt((100, 199), (300, 300), sector=sector))
    assert table.kind == "gpt"
    assert [(p.number, p.start, p.size, p.label) for p in table.partitions] == [
        (1, 100 * sector, 100 * sector, "part 0"),
        (2, 300 * sector, sector, "part 1"),
    ]
    assert table.partitions[0].type_id == "0fc63daf-8483-4772-8e79-3d69d8477de4"
    assert table.partitions[0].uuid == "01010101-0101-0101-0101-010101010101"


@pytest.mark.parametrize(
    ("device", "text"),
    [
        (gpt((100, 200), (200, 300)), "partitions 1 and 2 overlap"),
        (gpt((100, 1 << 40)), "outside of the usable sectors"),
        (gpt((200, 100)), "outside of the usable sectors"),
        (gpt((10, 100)), "outside of the usable sectors"),
        (gpt((100, 1 << 20), last=1 << 30), "ends at byte"),
        (gpt(count=1 << 31), "entries of 128 bytes"),
        (gpt(entry=8), "entries of 8 bytes"),
        (gpt(array=1 << 60), "outside of the disk"),
        (gpt(own=7), "says it is at sector 7"),
        (gpt(length=4), "header of 4 bytes"),
        (gpt(crc=1), "checksum of the entries"),
        (disk((0, mbr((0xEE, 1, 100)))), "neither it nor its backup"),
        (disk((0, mbr((0x83, 100, 100), (0x82, 150, 10)))), "partitions 1 and 2 overlap"),
        (disk((0, mbr((0x83, 100, 0xFFFFFFFF)))), "ends at byte"),
        (disk((0, mbr((5, 100, 1000))), (100 * 512, mbr((0x83, 1, 10), (5, 0, 1000)))), "does not end"),
        (disk((0, mbr((5, 0xFFFFFF00, 10)))), "leaves the disk"),
    ],
)
def test_table_that_is_refused(device: MemoryDevice, text: str) -> None:
    with pytest.raises(PartitionTableInvalid, match=text):
        read_partitions(device)


def test_chain_of_thousands_of_logical_partitions_ends() -> None:
    links = [(s * 512, mbr((0, 0, 0), (5, s + 1 - 100, 1000))) for s in range(100, 4000)]
    with pytest.raises(PartitionTableInvalid, match="does not end"):
        read_partitions(disk((0, mbr((5, 100, 10000))), *links))


def test_part_uuid_is_the_kernels() -> None:
    table = read_partitions(disk((0, mbr((0x83, 2048, 2048), (0xEF, 8192, 1), disk_id=0xAB))))
    assert [(p.uuid, p.type_id) for p in table.partitions] == [
        ("000000ab-01", "0x83"),
        ("000000ab-02", "0xef"),
    ]


def test_protective_record_over_nothing_but_real_partitions_is_mbr() -> None:
    table = read_partitions(disk((0, mbr((0xEE, 1, 63), (0x83, 2048, 2048)))))
    assert (table.kind, [p.number for p in table.partitions]) == ("mbr", [2])


@pytest.mark.parametrize(
    "device",
    [
        MemoryDevice(SIZE),
        disk((0, mbr((0x83, 1, 2), flag=7))),
        MemoryDevice(100),
        MemoryDevice(b"\xff" * 5000),
    ],
    ids=["zeros", "bad-flag", "tiny", "ones"],
)
def test_no_table_is_bare(device: MemoryDevice) -> None:
    table = read_partitions(device)
    assert table.kind == "bare"
    assert [(p.number, p.start, p.size) for p in table.partitions] == [(0, 0, device.size)]


LOGICAL = [(0, mbr((0x83, 100, 50), (5, 1000, 3000))), (512000, mbr((0x83, 10, 20), (5, 200, 100)))]
SAMPLES = {
    "gpt": gpt((100, 199), (300, 300)),
    "gpt-4096": gpt((100, 199), sector=4096),
    "mbr": disk(*LOGICAL, (1200 * 512, mbr((0x82, 10, 20)))),
}
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from([0, 440, 446, 454, 512, 524, 584, 592, 1024, 4096, 512000, 512446]),
        st.integers(0, 80),
        st.binary(min_size=1, max_size=16),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("name", SAMPLES)
@settings(deadline=None)
@given(mutations=MUTATIONS)
def test_mutated_tables_raise_only_our_errors_and_end(
    name: str, mutations: list[tuple[int, int, bytes]]
) -> None:
    device = MemoryDevice(SAMPLES[name].read(0, SIZE))
    for base, inner, junk in mutations:
        device.write(base + inner, junk)
    begun = time.monotonic()
    with suppress(DiskError):
        for partition in read_partitions(device).partitions:
            assert partition.start >= 0
            assert partition.start + partition.size <= SIZE
    assert time.monotonic() - begun < 5


@settings(deadline=None)
@given(st.binary(max_size=3000), st.sampled_from([0, 1024, 4096, 32768, 65536]))
def test_probe_of_junk_never_fails(junk: bytes, offset: int) -> None:
    device = MemoryDevice(bytes(offset) + junk)
    probe(device)
