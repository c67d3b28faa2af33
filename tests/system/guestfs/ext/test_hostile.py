"""Images that lie: every lie ends in an error of ours, soon, and no name ever leaves its directory."""

from __future__ import annotations

import random
import struct
from contextlib import suppress

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.guestfs.drivers.ext.volume import ExtVolume
from guestwright.guestfs.errors import Corrupt, TooLarge
from guestwright.guestfs.port import FileKind
from tests.support.ext import run
from tests.support.ext_bench import Bench, number
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "debugfs")]

BARE = ("-t", "ext4", "-b", "1024", "-O", "^metadata_csum,^uninit_bg,^dir_index")


def debugfs(bench: Bench, *commands: str) -> ExtVolume:
    bench.close()
    for command in commands:
        run("debugfs", "-w", "-R", command, str(bench.image))
    return bench.open()


def test_a_directory_within_itself(bench: Bench) -> None:
    bench.make(*BARE)
    volume = debugfs(bench, "ln /var/log /var/log/deep/loop")
    with pytest.raises(Corrupt):
        volume.remove_tree(volume.root, "var", scrub=False)


def test_a_directory_of_another_parent(bench: Bench) -> None:
    bench.make(*BARE)
    volume = debugfs(bench, "ln /etc /tmp/etc")
    with pytest.raises(Corrupt, match="not a child"):
        volume.remove_tree(volume.root, "tmp", scrub=False)


@pytest.mark.parametrize("inode", [1, 2, 7, 8])
def test_a_name_of_a_reserved_inode(bench: Bench, inode: int) -> None:
    bench.make(*BARE)
    volume = debugfs(bench, f"ln <{inode}> /tmp/reserved")
    with pytest.raises(Corrupt):
        volume.remove_tree(volume.root, "tmp", scrub=True)


def test_a_name_of_an_unused_inode(bench: Bench) -> None:
    bench.make(*BARE)
    volume = debugfs(bench, "ln <3000> /tmp/unused")
    with pytest.raises(Corrupt):
        volume.stat(3000)
    with pytest.raises(Corrupt):
        volume.unlink(number(volume, "tmp"), ["unused"], scrub=False)


def test_numbers_that_do_not_exist(bench: Bench) -> None:
    volume = bench.make(*BARE)
    for inode in (0, -1, 1 << 31, 10_000_000):
        with pytest.raises(Corrupt):
            volume.stat(inode)


def test_a_file_that_claims_to_be_huge(bench: Bench) -> None:
    bench.make(*BARE)
    volume = debugfs(bench, "sif /etc/file3 size 0x7fffffffffffff")
    with pytest.raises(TooLarge):
        volume.read(number(volume, "etc/file3"), limit=1 << 20)


def test_a_symlink_that_claims_to_be_huge(bench: Bench) -> None:
    bench.make(*BARE)
    volume = debugfs(bench, "sif /etc/slow size 1000000")
    with pytest.raises(Corrupt):
        volume.readlink(number(volume, "etc/slow"))


@pytest.mark.parametrize("bad", [b"a/b", b"nul\0x", b""], ids=["slash", "nul", "empty"])
def test_impossible_names_are_never_returned(bench: Bench, bad: bytes) -> None:
    tree = bench.folder / "tree"
    tree.mkdir()
    (tree / "MARK").write_bytes(b"")
    bench.make(*BARE)
    bench.close()
    raw = bytearray(bench.image.read_bytes())
    at = raw.find(b"MARK") - 8
    raw[at + 6] = len(bad)
    raw[at + 8 : at + 8 + len(bad)] = bad
    bench.image.write_bytes(raw)
    volume = bench.open()
    with pytest.raises(Corrupt):
        volume.entries(volume.root)


def test_repeated_names(bench: Bench) -> None:
    tree = bench.folder / "tree"
    tree.mkdir()
    for name in ("MARK", "MARC"):
        (tree / name).write_bytes(b"")
    bench.make(*BARE)
    bench.close()
    bench.image.write_bytes(bench.image.read_bytes().replace(b"MARC", b"MARK"))
    volume = bench.open()
    with pytest.raises(Corrupt):
        volume.entries(volume.root)


@pytest.mark.parametrize("length", [0, 4, 7, 13, 2000, 65535])
def test_broken_chains_of_entries(bench: Bench, length: int) -> None:
    tree = bench.folder / "tree"
    tree.mkdir()
    (tree / "MARK").write_bytes(b"")
    bench.make(*BARE)
    bench.close()
    raw = bytearray(bench.image.read_bytes())
    struct.pack_into("<H", raw, raw.find(b"MARK") - 8 + 4, length)
    bench.image.write_bytes(raw)
    volume = bench.open()
    with pytest.raises(Corrupt):
        volume.entries(volume.root)


def test_an_entry_that_lies_about_its_type(bench: Bench) -> None:
    tree = bench.folder / "tree"
    (tree / "MARK").mkdir(parents=True)
    bench.make(*BARE)
    bench.close()
    raw = bytearray(bench.image.read_bytes())
    raw[raw.find(b"MARK") - 1] = 1
    bench.image.write_bytes(raw)
    volume = bench.open()
    assert next(link for link in volume.entries(volume.root) if link.name == "MARK").kind is FileKind.FILE
    with pytest.raises(Corrupt):
        volume.unlink(volume.root, ["MARK"], scrub=False)


def test_extents_outside_of_the_filesystem(bench: Bench) -> None:
    bench.make(*BARE)
    volume = debugfs(bench, "sif /etc/file9 block[5] 0x7fffffff")
    with pytest.raises(Corrupt):
        volume.read(number(volume, "etc/file9"), limit=1 << 20)
    with pytest.raises(Corrupt):
        volume.unlink(number(volume, "etc"), ["file9"], scrub=True)


def test_an_attribute_value_that_refers_to_itself(bench: Bench) -> None:
    volume = bench.make("-t", "ext4", "-b", "4096", "-O", "ea_inode,^metadata_csum")
    file = number(volume, "etc/file1")
    volume.set_xattr(file, "user.v", bytes(10_000))
    volume.sync()
    bench.close()
    value = next(
        inode
        for inode in range(11, 400)
        if "Flags: 0x280000" in run("debugfs", "-R", f"stat <{inode}>", str(bench.image))
    )
    place = run("debugfs", "-R", f"imap <{value}>", str(bench.image))
    at = int(place.split("block ")[2].split(",")[0]) * 4096 + int(place.split("offset ")[1].split()[0], 16)
    with bench.image.open("r+b") as disk:
        disk.seek(at + 128 + 32)
        disk.write(struct.pack("<IBBHIII", 0xEA020000, 1, 1, 0, value, 10_000, 0) + b"v\0\0\0" + bytes(4))
    volume = bench.open()
    with pytest.raises(Corrupt):
        volume.unlink(number(volume, "etc"), ["file1"], scrub=False)


def exercise(volume: ExtVolume) -> None:
    """Everything that can be asked, as long as the image lets it."""
    waiting, seen = [volume.root], {volume.root}
    while waiting and len(seen) < 3000:
        folder = waiting.pop()
        with suppress(GuestwrightError):
            for link in volume.entries(folder):
                assert "/" not in link.name
                assert link.name not in {"", ".", ".."}
                with suppress(GuestwrightError):
                    stat = volume.stat(link.inode)
                    volume.xattrs(link.inode)
                    if stat.kind is FileKind.FILE:
                        volume.read(link.inode, limit=1 << 22)
                    elif stat.kind is FileKind.SYMLINK:
                        volume.readlink(link.inode)
                    elif stat.kind is FileKind.DIRECTORY and link.inode not in seen:
                        seen.add(link.inode)
                        waiting.append(link.inode)
    for change in (
        lambda: volume.create(volume.root, "new", b"x" * 5000, mode=0o600, uid=0, gid=0),
        lambda: volume.mkdir(volume.root, "newdir", mode=0o700, uid=0, gid=0),
        lambda: volume.write(volume.lookup(volume.lookup(volume.root, "etc"), "file9"), b"y" * 9000),
        lambda: volume.set_xattr(volume.lookup(volume.root, "etc"), "user.a", b"z" * 600),
        lambda: volume.remove_tree(volume.root, "etc", scrub=True),
        lambda: volume.remove_tree(volume.root, "var", scrub=False),
        lambda: volume.remove_tree(volume.root, "wide", scrub=False),
        volume.sync,
    ):
        with suppress(GuestwrightError):
            change()


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("options", [BARE, ("-t", "ext2", "-b", "1024"),
                                     ("-t", "ext4", "-O", "inline_data,ea_inode,^metadata_csum")],
                         ids=["ext4", "ext2", "inline"])  # fmt: skip
def test_random_damage_never_escapes(bench: Bench, seed: int, options: tuple[str, ...]) -> None:
    bench.make(*options, size="8M")
    bench.close()
    chance = random.Random(seed)
    raw = bytearray(bench.image.read_bytes())
    used = [at for at in range(0, len(raw), 256) if any(raw[at : at + 256])]
    for _ in range(chance.choice((5, 50, 500))):
        at = chance.choice(used) + chance.randrange(256)
        if not 1024 <= at < 2048:
            raw[at] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
    bench.image.write_bytes(raw)
    with suppress(GuestwrightError):
        exercise(bench.open())
