"""fstab."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.guestfs import fstab
from guestwright.guestfs.port import Filesystem

DEBIAN = """\
# /etc/fstab: static file system information.
UUID=0a1b2c3d-0000-4000-8000-000000000001 /               ext4    errors=remount-ro 0       1
UUID=ABCD-1234  /boot/efi       vfat    umask=0077      0       1

  # indented comment
/dev/mapper/vg-home\t/home ext4 defaults,noatime 0 2\r
tmpfs /tmp tmpfs
/dev/sr0 /media/cdrom0
LABEL=my\\040label /with\\040blank\\011tab auto noauto 0
justone
/dev/x /\\303\\274\\134\\000\\777 ext4 defaults many 0
"""


def test_parse() -> None:
    rows = fstab.parse(DEBIAN)
    assert [row.spec for row in rows] == [
        "UUID=0a1b2c3d-0000-4000-8000-000000000001",
        "UUID=ABCD-1234",
        "/dev/mapper/vg-home",
        "tmpfs",
        "/dev/sr0",
        "LABEL=my label",
        "/dev/x",
    ]
    assert rows[0] == fstab.Row(
        spec="UUID=0a1b2c3d-0000-4000-8000-000000000001",
        mountpoint="/",
        type="ext4",
        options="errors=remount-ro",
        frequency=0,
        passno=1,
    )
    assert (rows[2].mountpoint, rows[2].passno) == ("/home", 2)
    assert (rows[3].type, rows[3].options) == ("tmpfs", "defaults")
    assert (rows[4].type, rows[4].mountpoint) == ("auto", "/media/cdrom0")
    assert rows[5].mountpoint == "/with blank\ttab"
    assert rows[6].mountpoint == "/ü\\\\000\\777"
    assert rows[6].frequency == 0


def test_parse_is_bounded() -> None:
    assert len(fstab.parse("a /b\n" * 100_000)) == fstab.MAX_ROWS
    assert fstab.parse("a /" + "b" * fstab.MAX_LINE) == []


@settings(deadline=None)
@given(st.text())
def test_parse_takes_anything(text: str) -> None:
    for row in fstab.parse(text):
        fstab.match(row.spec, FILESYSTEMS)


TEXT = st.text(
    alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=20
)


@settings(deadline=None)
@given(st.lists(TEXT, min_size=4, max_size=4))
def test_parse_reads_back_what_mangling_wrote(fields: list[str]) -> None:
    written = " ".join("".join(f"\\{byte:03o}" for byte in field.encode()) for field in fields)
    (row,) = fstab.parse(f"{written} 1 2\n")
    assert [row.spec, row.mountpoint, row.type, row.options] == fields
    assert (row.frequency, row.passno) == (1, 2)


def filesystem(identity: str, **more: object) -> Filesystem:
    return Filesystem(id=identity, type="ext4", size=1, **more)  # type: ignore[arg-type]  # keywords of a table


FILESYSTEMS = [
    filesystem("disk0/p1", uuid="ABCD-1234", part_uuid="11-01", disk=0, partition=1),
    filesystem(
        "disk0/p2",
        uuid="0a1b2c3d-0000-4000-8000-000000000001",
        label="root fs",
        part_uuid="11-02",
        part_label="Linux",
        disk=0,
        partition=2,
    ),
    filesystem("disk1", label="ü", disk=1, partition=0),
    filesystem("disk26/p12", disk=26, partition=12),
    filesystem("lvm:vg/home"),
    filesystem("lvm:vg-a/lv-b-c"),
]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("UUID=0a1b2c3d-0000-4000-8000-000000000001", "disk0/p2"),
        ("UUID=0A1B2C3D-0000-4000-8000-000000000001", "disk0/p2"),
        ('UUID="0a1b2c3d-0000-4000-8000-000000000001"', "disk0/p2"),
        ("uuid=abcd-1234", "disk0/p1"),
        ("UUID=", None),
        ('UUID=""', None),
        ("UUID=ffff", None),
        ("LABEL=root fs", "disk0/p2"),
        ("LABEL='root fs'", "disk0/p2"),
        ("LABEL=ROOT FS", None),
        ("LABEL=", None),
        ("PARTUUID=11-02", "disk0/p2"),
        ("PARTLABEL=Linux", "disk0/p2"),
        ("PARTLABEL=linux", None),
        ("/dev/disk/by-uuid/ABCD-1234", "disk0/p1"),
        ("/dev/disk/by-label/root\\x20fs", "disk0/p2"),
        ("/dev/disk/by-label/\\xc3\\xbc", "disk1"),
        ("/dev/disk/by-label/ü", "disk1"),
        ("/dev/disk/by-partuuid/11-01", "disk0/p1"),
        ("/dev/disk/by-partlabel/Linux", "disk0/p2"),
        ("/dev/disk/by-id/ata-x-part1", None),
        ("/dev/disk/by-path/pci-0", None),
        ("/dev/sda1", "disk0/p1"),
        ("/dev/vda2", "disk0/p2"),
        ("/dev/xvda2", "disk0/p2"),
        ("/dev/hda2", "disk0/p2"),
        ("/dev/sdb", "disk1"),
        ("/dev/sdb1", None),
        ("/dev/sda", None),
        ("/dev/sdaa12", "disk26/p12"),
        ("/dev/sda1x", None),
        ("/dev/nvme0n1p2", "disk0/p2"),
        ("/dev/nvme1n1", "disk1"),
        ("/dev/nvme0n2p2", None),
        ("/dev/mmcblk0p1", "disk0/p1"),
        ("/dev/mapper/vg-home", "lvm:vg/home"),
        ("/dev/vg/home", "lvm:vg/home"),
        ("/dev/mapper/vg--a-lv--b--c", "lvm:vg-a/lv-b-c"),
        ("/dev/vg-a/lv-b-c", "lvm:vg-a/lv-b-c"),
        ("/dev/mapper/vg-a-lv-b-c", None),
        ("/dev/vg/missing", None),
        ("server:/export", None),
        ("tmpfs", None),
        ("", None),
        ("/dev/", None),
    ],
)
def test_match(spec: str, expected: str | None) -> None:
    found = fstab.match(spec, FILESYSTEMS)
    assert (found.id if found else None) == expected
