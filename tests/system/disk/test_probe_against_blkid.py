"""Superblock recognition agrees with util-linux's blkid on what real mkfs programs make."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from guestwright.disk.partitions.probe import probe
from guestwright.disk.raw import RawDevice
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("blkid")]

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
MKFS = {
    "ext2": ["mke2fs", "-q", "-t", "ext2", "-L", "Label two", "IMAGE"],
    "ext2-no-label": ["mke2fs", "-q", "-t", "ext2", "IMAGE"],
    "ext3": ["mke2fs", "-q", "-t", "ext3", "-L", "three", "IMAGE"],
    "ext4": ["mke2fs", "-q", "-t", "ext4", "-L", "sixteen-letters-", "IMAGE"],
    "ext4-no-journal": ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "IMAGE"],
    "ext4-old-features": ["mke2fs", "-q", "-t", "ext3", "-O", "extent", "IMAGE"],
    "jbd": ["mke2fs", "-q", "-O", "journal_dev", "IMAGE"],
    "xfs": ["mkfs.xfs", "-q", "-L", "x f s", "IMAGE"],
    "btrfs": ["mkfs.btrfs", "-q", "-L", "butter", "IMAGE"],
    "fat12": ["mkfs.vfat", "-F", "12", "-s", "128", "-n", "TWELVE", "IMAGE"],
    "fat16": ["mkfs.vfat", "-F", "16", "-n", "SIXTEEN", "IMAGE"],
    "fat32": ["mkfs.vfat", "-F", "32", "-n", "THIRTY TWO", "IMAGE"],
    "fat32-4096": ["mkfs.vfat", "-S", "4096", "-F", "32", "IMAGE"],
    "fat-no-label": ["mkfs.vfat", "IMAGE"],
    "exfat": ["mkfs.exfat", "-L", "exlabel", "IMAGE"],
    "ntfs": ["mkntfs", "-F", "-q", "-Q", "-L", "Fenster", "IMAGE"],
    "swap": ["mkswap", "-L", "swappy", "IMAGE"],
    "swap-no-label": ["mkswap", "IMAGE"],
    "swap-64k": ["mkswap", "-p", "65536", "IMAGE"],
    "luks1": [
        "cryptsetup",
        "luksFormat",
        "--type",
        "luks1",
        "-q",
        "--pbkdf-force-iterations",
        "1000",
        "IMAGE",
    ],
    "luks2": [
        *("cryptsetup", "luksFormat", "--type", "luks2", "-q", "--label", "secret", "--pbkdf", "pbkdf2"),
        *("--pbkdf-force-iterations", "1000", "IMAGE"),
    ],
    "f2fs": ["mkfs.f2fs", "-q", "-l", "flash", "IMAGE"],
    "squashfs": ["mksquashfs", "/etc/apt", "IMAGE", "-quiet", "-noappend", "-no-progress"],
    "jfs": ["mkfs.jfs", "-q", "-L", "jay", "IMAGE"],
    "reiserfs": ["mkfs.reiserfs", "-q", "-f", "-f", "-l", "rfs", "IMAGE"],
    "nothing": ["true"],
}
SIZES = {"xfs": 320 << 20, "btrfs": 128 << 20, "f2fs": 64 << 20}


def blkid(path: Path) -> dict[str, str]:
    command = ["blkid", "-p", "-o", "export", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": PATH})
    pairs = (line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return {name: value.replace("\\", "") for name, value in pairs}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs(command[0]), id=name) for name, command in MKFS.items()]
)
def test_agrees_with_blkid(name: str, tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(0 if name == "squashfs" else SIZES.get(name, 40 << 20))
    command = [str(image) if word == "IMAGE" else word for word in MKFS[name]]
    subprocess.run(
        command,
        check=True,
        input=b"passphrase",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": PATH},
    )
    expected = blkid(image)
    device = RawDevice.open(str(image))
    found = probe(device)
    device.close()
    assert found.type == expected.get("TYPE", "")
    assert found.uuid == expected.get("UUID", "")
    assert found.label == expected.get("LABEL", "")
    if found.type in {"crypto_LUKS", "vfat", "squashfs"}:
        assert expected["VERSION"].lower().startswith(found.detail.removeprefix("squashfs"))


@needs("pvcreate")
def test_agrees_with_blkid_about_physical_volumes(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(bytes(8 << 20))
    loop = subprocess.run(
        ["losetup", "-f", "--show", image], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        subprocess.run(
            ["pvcreate", "-q", "-ff", "-y", loop], check=True, capture_output=True, env={"PATH": PATH}
        )
    finally:
        subprocess.run(["losetup", "-d", loop], check=True)
    expected = blkid(image)
    device = RawDevice.open(str(image))
    found = probe(device)
    device.close()
    assert (found.type, found.uuid) == (expected["TYPE"], expected["UUID"])
    assert found.type == "LVM2_member"


@pytest.mark.parametrize("magic", [b"S1SUSPEND", b"LINHIB0001"])
def test_agrees_with_blkid_about_hibernation(magic: bytes, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(bytes(1 << 20))
    subprocess.run(["mkswap", "-L", "asleep", image], check=True, capture_output=True, env={"PATH": PATH})
    with image.open("r+b") as file:
        file.seek(4096 - 10)
        file.write(magic.ljust(10, b"\0"))
    expected = blkid(image)
    device = RawDevice.open(str(image))
    found = probe(device)
    device.close()
    assert (found.type, found.uuid, found.label) == (expected["TYPE"], expected["UUID"], expected["LABEL"])
    assert found.detail == "hibernated"
