"""Partition tables agree with what sfdisk writes and reads."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from guestwright.disk.errors import PartitionTableInvalid
from guestwright.disk.partitions.table import Table, read_partitions
from guestwright.disk.raw import RawDevice
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("sfdisk")]

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
SCRIPTS = {
    "gpt": 'label: gpt\nsize=8M,type=U,name="EFI System"\nsize=4M,type=S\ntype=L,name="r\u00f6\u00f6t"\n',
    "gpt-gaps": "label: gpt\n5: start=8192,size=2048\n2: start=20480,size=2048\n128: start=40960,size=1\n",
    "gpt-256-entries": "label: gpt\ntable-length: 256\nsize=1M\n200: size=1M\n",
    "gpt-empty": "label: gpt\n",
    "mbr": "label: dos\nlabel-id: 0x0badf00d\nsize=4M,type=83,bootable\nsize=4M,type=82\n",
    "mbr-logical": (
        "label: dos\nsize=4M,type=83\nsize=40M,type=f\nsize=2M,type=8e\n"
        "5: size=3M,type=83\n6: size=4M,type=82\n7: size=5M,type=c\n"
    ),
    "mbr-full": (
        "label: dos\n1: size=1M\n2: size=1M\n3: size=1M\n4: size=20M,type=5\n5: size=1M\n6: size=1M\n"
    ),
    "mbr-empty": "label: dos\n",
}


def sfdisk(image: Path, script: str, *options: str) -> None:
    command = ["sfdisk", "-q", "--no-reread", "--no-tell-kernel", *options, str(image)]
    subprocess.run(command, check=True, input=script.encode(), capture_output=True, env=ENVIRONMENT)


def listing(image: Path) -> dict[str, Any]:
    done = subprocess.run(["sfdisk", "-J", image], check=True, capture_output=True, env=ENVIRONMENT)
    table: dict[str, Any] = json.loads(done.stdout)["partitiontable"]
    return table


def read(image: Path) -> Table:
    device = RawDevice.open(str(image))
    try:
        return read_partitions(device)
    finally:
        device.close()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    return path


@pytest.mark.parametrize("name", SCRIPTS)
def test_agrees_with_sfdisk(name: str, image: Path) -> None:
    sfdisk(image, SCRIPTS[name])
    expected = listing(image)
    found = read(image)
    assert found.kind == {"gpt": "gpt", "dos": "mbr"}[expected["label"]]
    unit = expected.get("sectorsize", 512)
    rows = []
    for row in expected.get("partitions", []):
        number = int(row["node"].removeprefix(str(image)))
        if row["type"] in {"5", "f"}:
            continue
        if found.kind == "gpt":
            kind, uuid = row["type"].lower(), row["uuid"].lower()
        else:
            kind = f"0x{int(row['type'], 16):02x}"
            uuid = f"{expected['id'].removeprefix('0x')}-{number:02x}"
        rows.append((number, row["start"] * unit, row["size"] * unit, kind, uuid, row.get("name", "")))
    assert [(p.number, p.start, p.size, p.type_id, p.uuid, p.label) for p in found.partitions] == rows


@needs("partx")
@pytest.mark.parametrize("name", ["gpt", "mbr", "mbr-logical"])
def test_part_uuids_are_those_of_libblkid(name: str, image: Path) -> None:
    sfdisk(image, SCRIPTS[name])
    command = ["partx", "--show", "--noheadings", "-o", "NR,UUID", "-", str(image)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    expected = dict(line.split() for line in done.stdout.splitlines())
    assert {str(p.number): p.uuid for p in read(image).partitions}.items() <= expected.items()


def test_backup_serves_when_the_primary_is_damaged(image: Path) -> None:
    sfdisk(image, SCRIPTS["gpt"])
    whole = read(image)
    for offset in (512 + 20, 1024 + 40):
        with image.open("r+b") as file:
            file.seek(offset)
            old = file.read(4)
            file.seek(offset)
            file.write(b"\xff\xfe\xfd\xfc")
        assert read(image) == whole
        with image.open("r+b") as file:
            file.seek(offset)
            file.write(old)


def test_both_damaged_is_an_error(image: Path) -> None:
    sfdisk(image, SCRIPTS["gpt"])
    with image.open("r+b") as file:
        for offset in (512 + 20, (64 << 20) - 512 + 20):
            file.seek(offset)
            file.write(b"\xff\xfe\xfd\xfc")
    with pytest.raises(PartitionTableInvalid, match=r"primary.*backup"):
        read(image)


@needs("sgdisk")
def test_hybrid_record_is_gpt(image: Path) -> None:
    sfdisk(image, SCRIPTS["gpt"])
    before = read(image)
    subprocess.run(["sgdisk", "-h", "1:2", image], check=True, capture_output=True, env=ENVIRONMENT)
    assert read(image) == before


def test_cut_disk_is_an_error(image: Path) -> None:
    sfdisk(image, SCRIPTS["mbr"])
    with image.open("r+b") as file:
        file.truncate(6 << 20)
    with pytest.raises(PartitionTableInvalid, match="ends at byte"):
        read(image)


@needs("mke2fs", "mkfs.vfat", "mkntfs", "mkswap")
@pytest.mark.parametrize(
    "command",
    [
        ["mke2fs", "-q", "-F"],
        ["mkfs.vfat"],
        ["mkfs.vfat", "-F", "32"],
        ["mkntfs", "-F", "-q", "-Q"],
        ["mkswap"],
        ["mkfs.exfat"],
        ["true"],
    ],
    ids=["ext2", "vfat", "fat32", "ntfs", "swap", "exfat", "blank"],
)
def test_disk_without_a_table_is_one_partition(command: list[str], image: Path) -> None:
    subprocess.run([*command, image], check=True, capture_output=True, env=ENVIRONMENT)
    table = read(image)
    assert table.kind == "bare"
    assert [(p.number, p.start, p.size) for p in table.partitions] == [(0, 0, 64 << 20)]
