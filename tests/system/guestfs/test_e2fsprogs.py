"""e2fsck and tune2fs on views. The verdicts come from the same tools, run by hand on the plain file."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from guestwright.base.errors import UsageError
from guestwright.fileview import fuse_view
from guestwright.fileview.view import CHOICE
from guestwright.guestfs import e2fsprogs
from guestwright.guestfs.errors import Corrupt
from guestwright.guestfs.ext_superblock import read_superblock
from tests.support.forked import IDENTITIES, forked
from tests.support.memory_device import MemoryDevice
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "e2fsck", "tune2fs", "debugfs", "dumpe2fs")]

UUID = "01234567-89ab-cdef-0123-456789abcdef"
OLD_UUID = "11111111-2222-3333-4444-555555555555"
KINDS = {
    "ext4": ["-t", "ext4", "-O", "^orphan_file,^metadata_csum_seed"],
    "csum_seed": ["-t", "ext4", "-O", "metadata_csum_seed"],
    "orphan_file": ["-t", "ext4", "-O", "orphan_file"],
    "uninit_bg": ["-t", "ext4", "-O", "^metadata_csum,uninit_bg"],
    "1k": ["-t", "ext4", "-b", "1024"],
    "ext3": ["-t", "ext3"],
    "ext2": ["-t", "ext2"],
}
MEANS = ["copy", *(["fuse"] if fuse_view.available() else [])]


@pytest.fixture(autouse=True, params=MEANS)
def means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(CHOICE, request.param)
    monkeypatch.setenv("PATH", os.environ["PATH"] + ":/usr/sbin:/sbin")
    return str(request.param)


def _make(tmp_path: Path, kind: str) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(50):
        (tree / f"file{number}").write_bytes(os.urandom(3000))
    image = tmp_path / "fs.img"
    image.touch()
    _tool("mke2fs", "-q", *KINDS[kind], "-U", OLD_UUID, "-d", str(tree), str(image), "24M")
    return image


def _tool(*argv: str, check: bool = True) -> str:
    done = subprocess.run(argv, check=check, capture_output=True, text=True)
    return done.stdout


def _state(image: Path) -> str:
    return _tool("dumpe2fs", "-h", str(image))


def _debugfs(image: Path, request: str) -> None:
    _tool("debugfs", "-w", "-R", request, str(image))


def _clean(image: Path, device: MemoryDevice) -> bool:
    image.write_bytes(device.content)
    return subprocess.run(["e2fsck", "-fn", str(image)], check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_superblock_agrees_with_dumpe2fs(tmp_path: Path, kind: str) -> None:
    image = _make(tmp_path, kind)
    superblock = read_superblock(MemoryDevice(image.read_bytes()), name="d")
    shown = dict(line.split(":", 1) for line in _state(image).splitlines() if ":" in line)
    assert superblock.uuid == shown["Filesystem UUID"].strip()
    assert superblock.blocks == int(shown["Block count"])
    assert superblock.free_blocks == int(shown["Free blocks"])
    assert superblock.inodes == int(shown["Inode count"])
    assert superblock.free_inodes == int(shown["Free inodes"])
    assert superblock.block_size == int(shown["Block size"])
    assert superblock.inode_size == int(shown["Inode size"])
    assert superblock.type == _tool("blkid", "-o", "value", "-s", "TYPE", str(image)).strip()


@pytest.mark.parametrize("kind", KINDS)
def test_check_of_a_clean_one(tmp_path: Path, kind: str) -> None:
    device = MemoryDevice(_make(tmp_path, kind).read_bytes(), writable=False)
    report = e2fsprogs.check(device, name="disk0/p1")
    assert report.clean
    assert re.match(r"disk0/p1: 6[12]/6144 files", report.tail)
    assert report.seconds > 0


@pytest.mark.parametrize("damage", ["clri file7", "setb 20000 10", "set_inode_field file3 links_count 9"])
def test_check_finds_damage(tmp_path: Path, damage: str) -> None:
    image = _make(tmp_path, "ext4")
    _debugfs(image, damage)
    device = MemoryDevice(image.read_bytes(), writable=False)
    report = e2fsprogs.check(device, name="disk0/p1")
    assert not report.clean
    assert report.tail
    assert report.tail.replace("\n", "").isprintable()


def test_check_of_garbage() -> None:
    report = e2fsprogs.check(MemoryDevice(os.urandom(1 << 20), writable=False), name="disk0")
    assert not report.clean
    assert "superblock" in report.tail.lower()


def test_hostile_label_cannot_drive_the_terminal(tmp_path: Path) -> None:
    image = _make(tmp_path, "ext4")
    _tool("tune2fs", "-L", "\x1b[31mred\x07", str(image))
    report = e2fsprogs.check(MemoryDevice(image.read_bytes(), writable=False), name="disk0")
    assert "\x1b" not in report.tail


def test_nothing_to_replay(tmp_path: Path) -> None:
    device = MemoryDevice(_make(tmp_path, "ext4").read_bytes())
    assert not e2fsprogs.replay(device, name="d")
    assert device.written == []


def test_replay_of_a_journal(tmp_path: Path) -> None:
    """debugfs writes a transaction that puts a block of our own over a file's data; replay must show it."""
    image = _make(tmp_path, "ext4")
    block = int(_tool("debugfs", "-R", "bmap file5 0", str(image)))
    new = tmp_path / "block"
    new.write_bytes(b"replayed" * 512)
    script = tmp_path / "script"
    script.write_text(f"journal_open\njournal_write -b {block} {new}\njournal_close\n")
    _tool("debugfs", "-w", "-f", str(script), str(image))
    assert "needs_recovery" in _state(image)
    device = MemoryDevice(image.read_bytes())
    at = block * read_superblock(device, name="d").block_size
    assert device.content[at : at + 8] != b"replayed"
    assert e2fsprogs.replay(device, name="d")
    assert device.content[at : at + 8] == b"replayed"
    assert not read_superblock(device, name="d").needs_recovery
    assert _clean(image, device)


def test_replay_of_orphans(tmp_path: Path) -> None:
    image = _make(tmp_path, "ext4")
    inode = int(_tool("debugfs", "-R", "stat file9", str(image)).split()[1])
    _debugfs(image, "unlink file9")
    _debugfs(image, f"set_inode_field <{inode}> links_count 0")
    _debugfs(image, f"ssv last_orphan {inode}")
    device = MemoryDevice(image.read_bytes())
    assert read_superblock(device, name="d").has_orphans
    assert e2fsprogs.replay(device, name="d")
    assert not read_superblock(device, name="d").has_orphans
    assert _clean(image, device)


def test_replay_of_a_hopeless_one(tmp_path: Path) -> None:
    image = _make(tmp_path, "ext4")
    _debugfs(image, "clri <2>")
    _debugfs(image, "feature needs_recovery")
    _debugfs(image, "ssv state 2")
    with pytest.raises(Corrupt, match=r"e2fsck -p says: .*disk0/p2") as caught:
        e2fsprogs.replay(MemoryDevice(image.read_bytes()), name="disk0/p2")
    assert "RUN fsck MANUALLY" in str(caught.value)


@pytest.mark.parametrize("freshly", [True, False], ids=["checked", "used since"])
@pytest.mark.parametrize("kind", KINDS)
def test_set_uuid(tmp_path: Path, kind: str, freshly: bool) -> None:
    image = _make(tmp_path, kind)
    if not freshly:
        _debugfs(image, "ssv mtime 20300101000000")
    device = MemoryDevice(image.read_bytes())
    e2fsprogs.set_uuid(device, UUID, name="d")
    assert read_superblock(device, name="d").uuid == UUID
    assert _clean(image, device)
    assert UUID in _state(image)


def test_set_uuid_that_it_has(tmp_path: Path) -> None:
    device = MemoryDevice(_make(tmp_path, "ext4").read_bytes())
    e2fsprogs.set_uuid(device, OLD_UUID, name="d")
    assert device.written == []


@pytest.mark.parametrize("uuid", ["", "random", "-h", UUID.upper(), UUID + "\n", UUID[:-1]])
def test_set_uuid_takes_only_uuids(uuid: str) -> None:
    device = MemoryDevice(b"")
    with pytest.raises(UsageError):
        e2fsprogs.set_uuid(device, uuid, name="d")


@pytest.mark.parametrize("identity", IDENTITIES)
def test_as_an_ordinary_user(tmp_path: Path, identity: str) -> None:
    image = _make(tmp_path, "ext4")
    _debugfs(image, "ssv mtime 20300101000000")
    device = MemoryDevice(image.read_bytes())

    def body() -> str:
        e2fsprogs.set_uuid(device, UUID, name="d")
        report = e2fsprogs.check(device, name="d")
        return f"{report.clean} {read_superblock(device, name='d').uuid}"

    assert forked(body, identity=identity).text == f"True {UUID}"
