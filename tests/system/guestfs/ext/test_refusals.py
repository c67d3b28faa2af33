"""What the driver must not open, told before anything is written."""

from __future__ import annotations

import hashlib

import pytest

from guestwright.guestfs.errors import Corrupt, UnsupportedFilesystem
from tests.support.ext import run
from tests.support.ext_bench import Bench
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "debugfs")]

EXT4 = ("-t", "ext4", "-b", "4096")


@pytest.mark.parametrize(
    ("commands", "options", "words"),
    [
        (["feature needs_recovery"], EXT4, "journal was not replayed"),
        (["ssv last_orphan 12"], EXT4, "orphaned inodes"),
        (["feature orphan_present"], (*EXT4, "-O", "orphan_file"), "orphaned inodes"),
        (["ssv state 0"], EXT4, "not unmounted cleanly"),
        (["ssv state 5"], EXT4, "orphaned inodes"),
        (["feature encrypt"], EXT4, "feature encrypt"),
        ([], (*EXT4, "-O", "quota"), "feature quota"),
        (["feature shared_blocks"], EXT4, "feature shared_blocks"),
        (["feature read-only"], EXT4, "feature read-only"),
        (["ssv feature_incompat 0x402c2"], EXT4, "feature incompat 0x40000"),
        (["ssv feature_ro_compat 0x2046b"], EXT4, "feature ro_compat 0x20000"),
        (["ssv feature_compat 0x203c"], EXT4, "feature compat 0x2000"),
        (["ssv journal_inum 0", "ssv journal_dev 0x801"], EXT4, "journal is on another device"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(bench: Bench, commands: list[str], options: tuple[str, ...], words: str) -> None:
    try:
        bench.make(*options, tree=False)
    except UnsupportedFilesystem:
        assert not commands
    bench.close()
    for command in commands:
        run("debugfs", "-w", "-R", command, str(bench.image))
    before = hashlib.sha256(bench.image.read_bytes()).digest()
    with pytest.raises(UnsupportedFilesystem, match=words):
        bench.open()
    assert hashlib.sha256(bench.image.read_bytes()).digest() == before


def test_a_marked_error_is_damage(bench: Bench) -> None:
    bench.make(*EXT4, tree=False)
    bench.close()
    run("debugfs", "-w", "-R", "ssv state 3", str(bench.image))
    with pytest.raises(Corrupt, match="marked as containing errors"):
        bench.open()


def test_larger_than_its_device(bench: Bench) -> None:
    bench.make(*EXT4, tree=False)
    bench.close()
    with bench.image.open("r+b") as disk:
        disk.truncate(32 << 20)
    with pytest.raises(Corrupt, match="16384 blocks of 4096 bytes"):
        bench.open()


def test_not_ext_at_all(bench: Bench) -> None:
    bench.image.write_bytes(bytes(1 << 20))
    with pytest.raises(Corrupt, match="no ext2, ext3 or ext4 superblock"):
        bench.open()
    bench.image.write_bytes(bytes(100))
    with pytest.raises(Corrupt, match="too small"):
        bench.open()


def test_a_wrong_superblock_checksum(bench: Bench) -> None:
    bench.make(*EXT4, tree=False)
    bench.close()
    with bench.image.open("r+b") as disk:
        disk.seek(1024 + 120)
        disk.write(b"renamed")
    with pytest.raises(Corrupt, match=r"(?i)superblock checksum"):
        bench.open()


def test_mounted_somewhere(bench: Bench) -> None:
    bench.make(*EXT4, "-O", "mmp", tree=False)
    bench.close()
    block = int(run("debugfs", "-R", "dump_mmp", str(bench.image)).split("block_number: ")[1].split()[0])
    with bench.image.open("r+b") as disk:
        disk.seek(block * 4096 + 4)
        disk.write((0x1234).to_bytes(4, "little"))
    with pytest.raises(UnsupportedFilesystem, match="in use"):
        bench.open()
