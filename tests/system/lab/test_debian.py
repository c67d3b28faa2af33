"""The lab's Debian images, built from real packages; that they boot is seen in tests/machine/test_boot."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab import debian, ext
from tests.support.tools import needs

pytestmark = [
    pytest.mark.machine,
    pytest.mark.timeout(900),
    needs("mmdebstrap", "mke2fs", "sfdisk", "qemu-img"),
]


@pytest.mark.parametrize(("layout", "disk_format"), [("single", "raw"), ("boot", "qcow2"), ("bare", "raw")])
def test_an_image_is_clean(tmp_path: Path, layout: str, disk_format: str) -> None:
    image = str(tmp_path / "x.img")
    built = debian.build(image, debian.Recipe(layout=layout, format=disk_format))
    if disk_format == "qcow2":
        subprocess.run(["qemu-img", "check", "-q", image], check=True)
        raw = str(tmp_path / "raw")
        subprocess.run(["qemu-img", "convert", "-O", "raw", image, raw], check=True)
        image = raw
    if layout != "bare":
        assert (
            b"No errors detected"
            in subprocess.run(["sfdisk", "--verify", image], check=True, capture_output=True).stdout
        )
    assert ext.check(image, offset=built.offset) == ""
    assert built.inodes > 8_000
