"""What we read out of a qcow2 file ourselves is what QEMU reads out of it."""

from __future__ import annotations

import random
import struct
import subprocess
from pathlib import Path

import pytest

from guestwright.disk.errors import DiskError, NotWritable, OutOfRange
from guestwright.disk.image import open_image
from guestwright.disk.qcow2_reader import Qcow2Reader
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("qemu-nbd", "qemu-img", "qemu-io")]

SIZE = 24 << 20
_VARIANTS = {
    "plain": (),
    "small-clusters": ("-o", "cluster_size=512"),
    "large-clusters": ("-o", "cluster_size=2M"),
    "version-2": ("-o", "compat=0.10"),
    "preallocated": ("-o", "preallocation=metadata"),
    "lazy": ("-o", "lazy_refcounts=on"),
    "subclusters": ("-o", "extended_l2=on"),
    "compressed": ("-c",),
    "zstd": ("-c", "-o", "compression_type=zstd"),
}


def qemu(*arguments: str | Path) -> None:
    subprocess.run([str(each) for each in arguments], check=True, capture_output=True)


def content(seed: int) -> bytes:
    """Data, zeros and repetition in pieces of odd sizes."""
    chance = random.Random(seed)
    parts: list[bytes] = []
    while sum(map(len, parts)) < SIZE:
        size = chance.randrange(1, 700_000)
        parts.append(chance.choice([bytes(size), chance.randbytes(size), b"ab" * (size // 2)]))
    return b"".join(parts)[:SIZE]


def make(work: Path, *options: str) -> tuple[Path, bytes]:
    """An image that was filled, and then written to, zeroed and trimmed in places."""
    data = content(len(options))
    source, path = work / "source.raw", work / "disk.qcow2"
    source.write_bytes(data)
    qemu("qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, source, path)
    if "-c" in options:
        qemu("qemu-io", "-f", "qcow2", path, "-c", "write -P 7 1000000 300000")
    qemu("qemu-io", "-f", "qcow2", path, "-c", "write -z 2M 1M", "-c", "write -z -u 5M 70000")
    qemu("qemu-io", "-f", "qcow2", "-d", "unmap", path, "-c", "discard 9M 2M", "-c", "write -P 5 10M 64k")
    qemu("qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, source)
    return path, source.read_bytes()


@pytest.mark.parametrize("options", _VARIANTS.values(), ids=_VARIANTS)
def test_reads_what_qemu_reads(tmp_path: Path, options: tuple[str, ...]) -> None:
    path, data = make(tmp_path, *options)
    chance = random.Random(1)
    with open_image(str(path)) as image:
        reader = image.reader
        assert isinstance(reader, Qcow2Reader) == ("extended_l2=on" not in options)
        assert reader.size == len(data)
        assert reader.read(0, reader.size) == data
        for _ in range(3000):
            offset = chance.randrange(SIZE)
            length = min(chance.choice([1, 512, 4096, 65536, 200_000]), SIZE - offset)
            assert reader.read(offset, length) == data[offset : offset + length]
        assert reader.read(SIZE, 0) == b""
        with pytest.raises(OutOfRange):
            reader.read(SIZE - 1, 2)


def test_asks_qemu_only_for_what_is_not_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, data = make(tmp_path)
    with open_image(str(path)) as image:
        reader = image.reader

        def refuse(offset: int, length: int) -> bytes:
            raise AssertionError(f"QEMU was asked for {length} bytes at {offset}")

        monkeypatch.setattr(image.device, "read", refuse)
        assert reader.read(0, SIZE) == data
        with pytest.raises(NotWritable):
            reader.write(0, b"x")


@pytest.mark.parametrize("backed", [False, True])
def test_snapshots_and_backing_files(tmp_path: Path, backed: bool) -> None:
    path, data = make(tmp_path)
    if backed:
        path = tmp_path / "top.qcow2"
        qemu("qemu-img", "create", "-f", "qcow2", "-F", "qcow2", "-b", "disk.qcow2", path)
    qemu("qemu-img", "snapshot", "-c", "before", path)
    qemu("qemu-io", "-f", "qcow2", path, "-c", "write -P 9 3000 100000")
    data = data[:3000] + b"\x09" * 100_000 + data[103_000:]
    with open_image(str(path), allow_snapshots=True, allow_backing=True) as image:
        assert isinstance(image.reader, Qcow2Reader) != backed
        assert image.reader.read(0, SIZE) == data


@pytest.mark.parametrize("seed", range(20))
def test_damaged_tables_give_qemus_word_or_its_error(tmp_path: Path, seed: int) -> None:
    """Wild entries: an answer that QEMU gives too, or an error; never more than the file holds."""
    chance = random.Random(seed)
    path, _ = make(tmp_path)
    raw = bytearray(path.read_bytes())
    (l1,) = struct.unpack_from(">Q", raw, 40)
    (l2,) = struct.unpack_from(">Q", raw, l1)
    for _ in range(30):
        table, entries = chance.choice([(l1, 1), ((l2 & 0xFFFFFFFFFFFE00), 8192)])
        place = table + 8 * chance.randrange(entries)
        raw[place + chance.randrange(8)] ^= 1 << chance.randrange(8)
    path.write_bytes(raw)
    try:
        image = open_image(str(path))
        reader = image.reader
    except DiskError:
        return
    with image:
        for cluster in range(SIZE >> 16):
            offset = cluster << 16
            try:
                theirs: object = image.device.read(offset, 65536)
            except DiskError:
                continue  # QEMU refuses entries with reserved bits or out of place
            assert reader.read(offset, 65536) == theirs
