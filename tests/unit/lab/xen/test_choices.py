"""Which modules and which packages' files a guest gets."""

from __future__ import annotations

from lab.xen.modules import with_dependencies
from lab.xen.packages import closure

_INDEX = """kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/fs/mbcache.ko
kernel/fs/jbd2/jbd2.ko:
kernel/fs/mbcache.ko:
kernel/drivers/block/xen-blkfront.ko:
kernel/drivers/net/xen-netfront.ko:
"""

_STATUS = """Package: python3.11
Status: install ok installed
Depends: python3.11-minimal (= 3.11.2-6), media-types | mime-support, libc6 (>= 2.36)

Package: python3.11-minimal
Pre-Depends: libc6 (>= 2.35)
Description: short
 Depends: nothing, this is text

Package: libc6
Depends: libgcc-s1

Package: libgcc-s1

Package: media-types

Package: perl-base
"""


def test_modules_come_with_what_they_need_and_built_in_ones_are_no_error() -> None:
    assert with_dependencies(_INDEX, ["ext4", "xen_blkfront", "xenbus"]) == [
        "kernel/drivers/block/xen-blkfront.ko",
        "kernel/fs/ext4/ext4.ko",
        "kernel/fs/jbd2/jbd2.ko",
        "kernel/fs/mbcache.ko",
    ]


def test_packages_come_with_what_they_need() -> None:
    assert closure(_STATUS, ["python3.11"]) == {
        "libc6",
        "libgcc-s1",
        "media-types",
        "python3.11",
        "python3.11-minimal",
    }
