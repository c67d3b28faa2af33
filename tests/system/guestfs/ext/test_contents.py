"""Contents: holes, reserved blocks, indirect maps, scrubbing, times, and what must not be written."""

from __future__ import annotations

import hashlib
import random

import pytest

from guestwright.guestfs.errors import (
    AlreadyExists,
    NoSpace,
    NotFound,
    TooLarge,
    UnsupportedFilesystem,
    WrongKind,
)
from guestwright.guestfs.port import FileKind, Removed
from tests.support.ext import NOW, assert_clean, run
from tests.support.ext_bench import Bench, number
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "e2fsck", "debugfs")]

SECRET = b"-----BEGIN PRIVATE KEY----- 0123456789abcdef"
EXT4 = ("-t", "ext4", "-b", "4096")
MAPS = {
    "indirect-1k": ("-t", "ext2", "-b", "1024"),
    "indirect-4k": ("-t", "ext3", "-b", "4096"),
    "extents": EXT4,
    "bigalloc": ("-t", "ext4", "-O", "bigalloc"),
    "inline": ("-t", "ext4", "-O", "inline_data"),
}


@pytest.mark.parametrize("options", MAPS.values(), ids=MAPS)
def test_a_large_file_with_holes(bench: Bench, options: tuple[str, ...]) -> None:
    tree = bench.folder / "tree"
    tree.mkdir()
    chance = random.Random(3)
    with (tree / "large").open("wb") as file:
        for place in sorted(chance.sample(range(0, 9_000_000, 1000), 60)):
            file.seek(place)
            file.write(chance.randbytes(chance.choice((10, 5000, 70_000))))
    content = (tree / "large").read_bytes()
    volume = bench.make(*options)
    large = number(volume, "large")
    assert volume.read(large, limit=1 << 24) == content
    for size in (8_000_001, 4_194_304, 300_000, 12 * 1024 + 5, 61):
        volume.truncate(large, size, scrub=True)
        assert volume.read(large, limit=1 << 24) == content[:size]
        volume = bench.settle()
    volume.write(large, content[:2_000_000])
    volume = bench.settle()
    assert volume.read(large, limit=1 << 24) == content[:2_000_000]


@pytest.mark.parametrize("options", MAPS.values(), ids=MAPS)
def test_scrubbed_secrets_are_gone(bench: Bench, options: tuple[str, ...]) -> None:
    tree = bench.folder / "tree"
    (tree / "keys/more").mkdir(parents=True)
    for path in ("gone", "keys/a", "keys/more/b", "cut", "tail", "linked"):
        (tree / path).write_bytes(SECRET * 300)
    (tree / "small").write_bytes(SECRET)
    (tree / "other").hardlink_to(tree / "linked")
    volume = bench.make(*options)
    assert bench.image.read_bytes().count(SECRET) > 1000
    assert volume.unlink(volume.root, ["gone", "small"], scrub=True).files == 2
    volume.remove_tree(volume.root, "keys", scrub=True)
    volume.truncate(number(volume, "cut"), 0, scrub=True)
    volume.truncate(number(volume, "tail"), 1, scrub=True)
    assert volume.unlink(volume.root, ["linked"], scrub=True) == Removed(files=1)
    volume = bench.settle()
    assert volume.read(number(volume, "other"), limit=1 << 20) == SECRET * 300
    assert bench.image.read_bytes().count(SECRET) in {299, 300}  # an indirect block may lie within one
    volume.unlink(volume.root, ["other"], scrub=True)
    bench.settle()
    assert SECRET not in bench.image.read_bytes()


def test_the_names_of_removed_files_are_wiped(bench: Bench) -> None:
    volume = bench.make(*EXT4)
    folder = number(volume, "wide")
    marked = [link.name for link in volume.entries(folder)][3:20]
    volume.unlink(folder, marked, scrub=False)
    bench.settle()
    raw = bench.image.read_bytes()
    assert not [name for name in marked if name.encode() in raw]


def test_growing_does_not_bring_old_bytes_back(bench: Bench) -> None:
    volume = bench.make(*EXT4)
    file = volume.create(volume.root, "file", SECRET * 50, mode=0o600, uid=0, gid=0)
    volume.truncate(file, 10, scrub=False)
    volume.write(file, b"short")
    volume = bench.settle()
    run("debugfs", "-w", "-R", "sif /file size 4096", str(bench.image))
    assert bench.open().read(file, limit=4096) == b"short".ljust(4096, b"\0")


def test_reserved_blocks_read_as_zeros_and_can_be_written(bench: Bench) -> None:
    bench.make(*EXT4)
    bench.close()
    for command in ("fallocate /etc/file0 0 20", "sif /etc/file0 size 50000"):
        run("debugfs", "-w", "-R", command, str(bench.image))
    assert_clean(bench.image)
    volume = bench.open()
    file = number(volume, "etc/file0")
    assert volume.read(file, limit=1 << 20) == bytes(50_000)
    data = random.Random(1).randbytes(30_000)
    volume.write(file, data)
    volume = bench.settle()
    assert volume.read(file, limit=1 << 20) == data
    volume.truncate(file, 5000, scrub=True)
    volume = bench.settle()
    assert volume.read(file, limit=1 << 20) == data[:5000]


def test_rewriting_in_place_keeps_inode_and_blocks(bench: Bench) -> None:
    volume = bench.make(*EXT4)
    file = number(volume, "var/log/large")
    before, room = volume.stat(file), volume.space().free
    volume.write(file, b"x" * before.size)
    assert volume.space().free == room
    after = volume.stat(file)
    assert (after.inode, after.mode, after.uid, after.links) == (file, before.mode, before.uid, before.links)
    volume.write(file, b"")
    assert volume.space().free > room
    bench.settle()


def test_times_come_from_the_clock_that_was_given(bench: Bench) -> None:
    volume = bench.make(*EXT4)
    bench.close()
    later = 5_000_000_000  # after 2038: needs the epoch bits
    volume = bench.open(now=later)
    file = number(volume, "etc/file3")
    volume.write(file, b"new")
    volume.unlink(number(volume, "etc"), ["file4"], scrub=False)
    volume.create(number(volume, "tmp"), "fresh", b"", mode=0o600, uid=0, gid=0)
    for path in ("etc/file3", "etc", "tmp", "tmp/fresh"):
        assert volume.stat(number(volume, path)).mtime == later
    log = number(volume, "var/log")
    assert volume.stat(log).mtime != later
    bench.settle()


def test_the_same_changes_give_the_same_image(bench: Bench) -> None:
    sums = set()
    original = None
    for _ in range(2):
        if original is None:
            bench.make(*EXT4)
            bench.close()
            original = bench.image.read_bytes()
        bench.image.write_bytes(original)
        volume = bench.open()
        volume.create(volume.root, "a", b"data" * 5000, mode=0o600, uid=0, gid=0)
        folder = volume.mkdir(volume.root, "d", mode=0o700, uid=0, gid=0)
        volume.symlink(folder, "s", "x" * 70)
        volume.remove_tree(volume.root, "wide", scrub=True)
        volume.set_xattr(number(volume, "etc/file1"), "security.selinux", b"label\0")
        bench.settle()
        sums.add(hashlib.sha256(bench.image.read_bytes()).digest())
    assert len(sums) == 1


def test_nothing_reaches_the_device_without_sync(bench: Bench) -> None:
    volume = bench.make(*EXT4)
    before = hashlib.sha256(bench.image.read_bytes()).digest()
    volume.remove_tree(volume.root, "wide", scrub=True)
    volume.write(number(volume, "etc/file1"), b"x" * 100_000)
    volume.create(volume.root, "new", b"y", mode=0o600, uid=0, gid=0)
    volume.close()
    volume.close()
    assert hashlib.sha256(bench.image.read_bytes()).digest() == before


def test_reading_alone_changes_nothing(bench: Bench) -> None:
    volume = bench.make(*EXT4)
    before = hashlib.sha256(bench.image.read_bytes()).digest()
    volume.entries(volume.root)
    volume.read(number(volume, "etc/file9"), limit=1 << 20)
    volume.sync()
    assert hashlib.sha256(bench.image.read_bytes()).digest() == before


def test_a_full_filesystem_says_so_and_stays_clean(bench: Bench) -> None:
    volume = bench.make("-t", "ext4", "-b", "1024", "-N", "64", size="4M", tree=False)
    keep = volume.create(volume.root, "keep", b"old", mode=0o600, uid=0, gid=0)
    with pytest.raises(NoSpace):
        volume.create(volume.root, "huge", bytes(8 << 20), mode=0o600, uid=0, gid=0)
    with pytest.raises(NoSpace):
        volume.write(keep, bytes(8 << 20))
    assert volume.read(keep, limit=10) == b"old"
    with pytest.raises(NotFound):
        volume.lookup(volume.root, "huge")
    with pytest.raises(NoSpace):
        for index in range(100):
            volume.create(volume.root, f"inode-{index}", b"", mode=0o600, uid=0, gid=0)
    with pytest.raises(NoSpace):
        volume.mkdir(volume.root, "directory", mode=0o700, uid=0, gid=0)
    volume = bench.settle()
    names = [link.name for link in volume.entries(volume.root)]
    volume.unlink(volume.root, [name for name in names if name != "lost+found"], scrub=False)
    filler = volume.create(volume.root, "filler", b"", mode=0o600, uid=0, gid=0)
    volume.write(filler, bytes(volume.space().free - 60_000))
    with pytest.raises(NoSpace):
        for index in range(300):
            volume.mkdir(volume.root, f"{index:0100}", mode=0o700, uid=0, gid=0)
    bench.settle()


def test_wrong_kinds_and_names(bench: Bench) -> None:
    volume = bench.make(*EXT4)
    etc, root = number(volume, "etc"), volume.root
    with pytest.raises(WrongKind):
        volume.read(etc, limit=10)
    with pytest.raises(WrongKind):
        volume.write(number(volume, "etc/fast"), b"")
    with pytest.raises(WrongKind):
        volume.entries(number(volume, "etc/file1"))
    with pytest.raises(WrongKind):
        volume.readlink(etc)
    with pytest.raises(WrongKind):
        volume.unlink(root, ["etc"], scrub=False)
    with pytest.raises(WrongKind):
        volume.remove_tree(etc, "file1", scrub=False)
    with pytest.raises(NotFound):
        volume.unlink(etc, ["file1", "missing"], scrub=False)
    assert volume.lookup(etc, "file1")
    with pytest.raises(AlreadyExists):
        volume.create(etc, "file1", b"", mode=0o600, uid=0, gid=0)
    with pytest.raises(AlreadyExists):
        volume.mkdir(root, "etc", mode=0o700, uid=0, gid=0)
    with pytest.raises(TooLarge):
        volume.read(number(volume, "var/log/large"), limit=1000)
    with pytest.raises(TooLarge):
        volume.truncate(number(volume, "etc/file1"), 2, scrub=False)
    with pytest.raises(TooLarge):
        volume.create(root, "n" * 256, b"", mode=0o600, uid=0, gid=0)
    assert volume.stat(number(volume, "tmp/pipe")).kind is FileKind.FIFO
    assert volume.unlink(number(volume, "tmp"), ["pipe"], scrub=True).files == 1
    bench.settle()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "nul\0", "\ud800"])
def test_impossible_names_are_refused(bench: Bench, name: str) -> None:
    volume = bench.make(*EXT4, tree=False)
    with pytest.raises(Exception, match="not a possible file name"):
        volume.create(volume.root, name, b"", mode=0o600, uid=0, gid=0)
    bench.settle()


def test_verity_files_are_not_written_but_can_go(bench: Bench) -> None:
    bench.make(*EXT4, "-O", "verity")
    bench.close()
    run("debugfs", "-w", "-R", "sif /etc/file9 flags 0x180000", str(bench.image))
    volume = bench.open()
    file = number(volume, "etc/file9")
    with pytest.raises(UnsupportedFilesystem):
        volume.write(file, b"")
    with pytest.raises(UnsupportedFilesystem):
        volume.truncate(file, 0, scrub=False)
    volume.unlink(number(volume, "etc"), ["file9"], scrub=True)
    bench.settle()


def test_directories_that_ignore_case(bench: Bench) -> None:
    bench.make(*EXT4, "-O", "casefold")
    bench.close()
    run("debugfs", "-w", "-R", "sif /wide flags 0x40080000", str(bench.image))
    volume = bench.open()
    folder = number(volume, "wide")
    with pytest.raises(UnsupportedFilesystem):
        volume.create(folder, "New", b"", mode=0o600, uid=0, gid=0)
    names = [link.name for link in volume.entries(folder)]
    volume.unlink(folder, names[:10], scrub=False)
    volume.sync()
    volume.remove_tree(volume.root, "wide", scrub=False)
    bench.settle()


def test_project_ids_are_inherited(bench: Bench) -> None:
    bench.make(*EXT4, "-O", "project")
    bench.close()
    for command in ("sif /tmp projid 4711", "sif /tmp flags 0x20080000"):
        run("debugfs", "-w", "-R", command, str(bench.image))
    volume = bench.open()
    folder = volume.mkdir(number(volume, "tmp"), "d", mode=0o700, uid=0, gid=0)
    volume.create(folder, "f", b"", mode=0o600, uid=0, gid=0)
    bench.settle()
    assert "Project:  4711" in run("debugfs", "-R", "stat /tmp/d/f", str(bench.image))


def test_new_files_have_exactly_what_was_asked_for(bench: Bench) -> None:
    volume = bench.make(*EXT4)
    volume.create(volume.root, "f", b"x", mode=0o4711, uid=2_000_000_000, gid=70_000)
    volume = bench.settle()
    stat = volume.stat(number(volume, "f"))
    assert (stat.mode, stat.uid, stat.gid, stat.size, stat.links, stat.mtime) == (
        0o4711, 2_000_000_000, 70_000, 1, 1, NOW,
    )  # fmt: skip
    shown = run("debugfs", "-R", "stat /f", str(bench.image))
    assert "Mode:  04711" in shown
    assert "User: 2000000000" in shown
