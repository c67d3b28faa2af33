"""A guest with 100,000 files in one directory that sealing empties."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from guestwright.disk.raw import RawDevice
from guestwright.guestfs.drivers.ext.volume import open_volume
from guestwright.guestfs.port import Filesystem
from guestwright.guestfs.tree import Tree
from tests.support.ext_wide import make_wide_image
from tests.support.program import guestwright
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("e2fsck", "mke2fs", "debugfs")]

COUNT = 100_000


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed", "linear"])
def test_a_directory_of_100_000_files(indexed: bool, tmp_path: Path) -> None:
    image = make_wide_image(tmp_path, COUNT, indexed=indexed, checksums=True)
    device = RawDevice.open(str(image), writable=True)
    facts = Filesystem(id="disk0", type="ext4", size=device.size, disk=0, partition=0, mountable=True)
    tree = Tree({"disk0": open_volume(device, facts, now=1_700_000_000)})
    tree.mount("disk0", "/")
    for path in ("/etc", "/usr", "/usr/bin"):
        tree.mkdir(path)
    tree.write("/etc/hosts", b"127.0.0.1 localhost\n")
    tree.symlink("usr/bin", "/bin")
    tree.symlink("/big", "/tmp")
    tree.sync()
    tree.close()
    device.close()
    done = guestwright("seal", "run", "--json", "--no-manifest", "--format", "raw", str(image), timeout=100)
    assert done.status == 0, done.err
    assert done.json["totals"]["files_removed"] >= COUNT
    assert done.json["seconds"]["operations"] < 60
    subprocess.run(["e2fsck", "-fn", image], check=True, capture_output=True)
    print(done.json["seconds"])
