"""Directories of 100,000 files: listed, emptied in one pass, removed whole; e2fsck judges."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from guestwright.disk.raw import RawDevice
from guestwright.guestfs.drivers.ext.volume import open_volume
from guestwright.guestfs.port import Removed
from tests.support.ext import DISK, NOW, assert_clean
from tests.support.ext_wide import make_wide_image, name_of
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "e2fsck", "debugfs", "tune2fs")]

COUNT = 100_000
PATIENCE = 60  # seconds of CPU; some two are usual on an idle machine, half an hour if it were quadratic


@pytest.mark.parametrize("indexed", [False, True], ids=["linear", "indexed"])
@pytest.mark.parametrize("checksums", [False, True], ids=["plain", "checksums"])
def test_unlinking_all_names_in_one_pass(tmp_path: Path, indexed: bool, checksums: bool) -> None:
    image = make_wide_image(tmp_path, COUNT, indexed=indexed, checksums=checksums)
    device = RawDevice.open(str(image), writable=True)
    volume = open_volume(device, DISK, now=NOW)
    big = volume.lookup(volume.root, "big")
    started = time.process_time()
    names = [link.name for link in volume.entries(big)]
    assert len(names) == COUNT
    keep = set(names[:: COUNT // 10])
    removed = volume.unlink(big, [name for name in names if name not in keep], scrub=False)
    assert removed == Removed(files=COUNT - len(keep))
    assert time.process_time() - started < PATIENCE
    for number in range(20):
        volume.create(big, f"new-{number}", b"new", mode=0o600, uid=0, gid=0)
    volume.sync()
    assert {link.name for link in volume.entries(big)} == keep | {f"new-{n}" for n in range(20)}
    volume.close()
    device.close()
    assert_clean(image)


def test_removing_the_directory_whole(tmp_path: Path) -> None:
    image = make_wide_image(tmp_path, COUNT, indexed=True, checksums=True)
    device = RawDevice.open(str(image), writable=True)
    volume = open_volume(device, DISK, now=NOW)
    before = volume.space()
    started = time.process_time()
    assert volume.remove_tree(volume.root, "big", scrub=False) == Removed(files=COUNT, directories=1)
    assert time.process_time() - started < PATIENCE
    assert volume.space().inodes_free == before.inodes_free + COUNT + 1
    volume.sync()
    volume.close()
    device.close()
    assert_clean(image)


def test_filling_an_indexed_directory_keeps_its_index(tmp_path: Path) -> None:
    image = make_wide_image(tmp_path, 3000, indexed=True, checksums=True)
    device = RawDevice.open(str(image), writable=True)
    volume = open_volume(device, DISK, now=NOW)
    big = volume.lookup(volume.root, "big")
    for number in range(1500):
        volume.create(big, f"added-{number:0200}", b"", mode=0o600, uid=0, gid=0)
    assert volume.lookup(big, name_of(7)) > 0
    volume.sync()
    volume.close()
    device.close()
    assert_clean(image)
