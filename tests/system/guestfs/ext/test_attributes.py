"""Extended attributes: shared blocks, values in inodes of their own, ACLs."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable
from pathlib import Path

import pytest

from guestwright.guestfs.errors import GuestFSError, NoSpace, NotFound, TooLarge, UnsupportedFilesystem
from tests.support.ext import assert_clean, attribute, run
from tests.support.ext_bench import Bench, number
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "e2fsck", "debugfs")]

PLAIN = ("-t", "ext4", "-b", "4096", "-O", "^metadata_csum")
BIG = bytes(range(256)) * 5
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, permissions, who)
    for tag, permissions, who in ((1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF),
                                  (32, 0, 0xFFFFFFFF))
)  # fmt: skip


def share(bench: Bench, owner: str, others: Iterable[str]) -> None:
    """Let other files use the attribute block of one, as the kernel does with equal attributes."""
    bench.close()
    stat = run("debugfs", "-R", f"stat /{owner}", str(bench.image))
    block = int(stat.split("File ACL: ")[1].split()[0])
    count = 1
    for other in others:
        count += 1
        run("debugfs", "-w", "-R", f"sif /{other} file_acl {block}", str(bench.image))
        blocks = int(
            run("debugfs", "-R", f"stat /{other}", str(bench.image)).split("Blockcount: ")[1].split()[0]
        )
        run("debugfs", "-w", "-R", f"sif /{other} blocks {blocks + 8}", str(bench.image))
    with bench.image.open("r+b") as disk:
        disk.seek(block * 4096 + 4)
        disk.write(struct.pack("<I", count))
    assert_clean(bench.image)


def test_a_shared_block_goes_with_its_last_user(bench: Bench) -> None:
    volume = bench.make(*PLAIN)
    volume.set_xattr(number(volume, "etc/file5"), "user.big", BIG)
    volume.sync()
    share(bench, "etc/file5", ["etc/file6", "etc/file7", "etc/file8"])
    volume = bench.open()
    etc = number(volume, "etc")
    room = volume.space().free
    volume.unlink(etc, ["file5"], scrub=True)
    volume = bench.settle()
    assert volume.xattrs(number(volume, "etc/file6")) == {"user.big": BIG}
    volume.set_xattr(number(volume, "etc/file6"), "user.own", b"changed")
    volume = bench.settle()
    assert volume.xattrs(number(volume, "etc/file6")) == {"user.big": BIG, "user.own": b"changed"}
    assert volume.xattrs(number(volume, "etc/file7")) == {"user.big": BIG}
    volume.remove_xattr(number(volume, "etc/file8"), "user.big")
    volume = bench.settle()
    volume.remove_tree(volume.root, "etc", scrub=False)
    volume = bench.settle()
    assert volume.space().free > room


def test_large_values_live_and_die_with_their_file(bench: Bench) -> None:
    volume = bench.make("-t", "ext4", "-O", "ea_inode")
    room = volume.space()
    values = {f"user.v{size}": random.Random(size).randbytes(size) for size in (5000, 60_000, 65_536)}
    file, other = number(volume, "etc/file1"), number(volume, "etc/file2")
    for name, value in values.items():
        volume.set_xattr(file, name, value)
    volume.set_xattr(other, "user.v", values["user.v60000"])
    volume = bench.settle()
    assert volume.xattrs(file) == values
    assert attribute(bench.image, "/etc/file1", "user.v60000", bench.folder / "v") == values["user.v60000"]
    volume.set_xattr(file, "user.v60000", b"now small")
    volume.remove_xattr(file, "user.v5000")
    volume = bench.settle()
    volume.unlink(number(volume, "etc"), ["file1", "file2"], scrub=False)
    volume = bench.settle()
    assert volume.space().inodes_free == room.inodes_free + 2


def test_large_values_in_a_shared_block(bench: Bench) -> None:
    volume = bench.make("-t", "ext4", "-b", "4096", "-I", "128", "-O", "ea_inode,^metadata_csum")
    volume.set_xattr(number(volume, "etc/file5"), "user.value-with-a-long-name-for-the-block", bytes(10_000))
    bench.settle()
    stat = run("debugfs", "-R", "stat /etc/file5", str(bench.image))
    assert "File ACL: 0" not in stat
    bench.close()
    block = int(stat.split("File ACL: ")[1].split()[0])
    run("debugfs", "-w", "-R", f"sif /etc/file6 file_acl {block}", str(bench.image))
    run("debugfs", "-w", "-R", "sif /etc/file6 blocks 40", str(bench.image))  # data, block and value
    with bench.image.open("r+b") as disk:
        disk.seek(block * 4096 + 4)
        disk.write(struct.pack("<I", 2))
    assert_clean(bench.image)
    volume = bench.open()
    with pytest.raises(UnsupportedFilesystem):
        volume.set_xattr(number(volume, "etc/file6"), "user.x", b"1")
    volume.unlink(number(volume, "etc"), ["file5"], scrub=False)
    volume = bench.settle()
    assert len(volume.xattrs(number(volume, "etc/file6"))) == 1
    volume.unlink(number(volume, "etc"), ["file6"], scrub=False)
    bench.settle()


@pytest.mark.parametrize("options", [PLAIN, ("-t", "ext4", "-O", "inline_data"), ("-t", "ext2", "-I", "128")],
                         ids=["ext4", "inline", "small-inode"])  # fmt: skip
def test_access_lists_are_shown_as_getxattr_shows_them(bench: Bench, options: tuple[str, ...]) -> None:
    volume = bench.make(*options)
    file = number(volume, "etc/file1")
    volume.set_xattr(file, "system.posix_acl_access", ACL)
    volume.set_xattr(file, "security.selinux", b"system_u:object_r:etc_t:s0\0")
    volume = bench.settle()
    assert volume.xattrs(file) == {
        "system.posix_acl_access": ACL,
        "security.selinux": b"system_u:object_r:etc_t:s0\0",
    }
    volume.remove_xattr(file, "system.posix_acl_access")
    volume = bench.settle()
    assert list(volume.xattrs(file)) == ["security.selinux"]


def test_refused_attributes(bench: Bench) -> None:
    volume = bench.make("-t", "ext4", "-O", "inline_data")
    file = number(volume, "etc/file1")
    with pytest.raises(NotFound):
        volume.remove_xattr(file, "user.none")
    with pytest.raises(NotFound):
        volume.remove_xattr(file, "system.data")
    for name in ("system.data", "nonsense", "user", "user.", "security.nul\0"):
        with pytest.raises(GuestFSError):
            volume.set_xattr(file, name, b"")
    with pytest.raises(GuestFSError):
        volume.set_xattr(file, "system.posix_acl_access", b"broken")
    with pytest.raises(TooLarge):
        volume.set_xattr(file, "user.a", bytes(70_000))
    with pytest.raises(NoSpace):
        volume.set_xattr(file, "user.a", bytes(50_000))
    assert volume.xattrs(file) == {}
    bench.settle()


def test_a_filesystem_without_attributes(bench: Bench) -> None:
    volume = bench.make("-t", "ext2", "-O", "^ext_attr")
    file = number(volume, "etc/file1")
    assert volume.xattrs(file) == {}
    with pytest.raises(UnsupportedFilesystem):
        volume.set_xattr(file, "user.a", b"1")
    with pytest.raises(NotFound):
        volume.remove_xattr(file, "user.a")
    volume.unlink(number(volume, "etc"), ["file1"], scrub=False)
    bench.settle()


def test_attributes_that_mke2fs_copied(bench: Bench) -> None:
    import os

    tree = bench.folder / "tree"
    tree.mkdir()
    file: Path = tree / "file"
    file.write_bytes(b"x")
    try:
        os.setxattr(file, "user.note", b"from the host")
    except OSError:
        pytest.skip("the host's filesystem has no user attributes")
    volume = bench.make("-t", "ext4")
    assert volume.xattrs(number(volume, "file"))["user.note"] == b"from the host"
