"""Random operations on every kind of filesystem; e2fsck and debugfs judge, a model in Python predicts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestwright.disk.raw import RawDevice
from guestwright.guestfs.drivers.ext.volume import ExtVolume, open_volume
from guestwright.guestfs.port import FileKind
from tests.support.ext import (
    DISK,
    NOW,
    SHAPES,
    Node,
    assert_clean,
    attribute,
    dump,
    index_directories,
    make_image,
    sample_tree,
)
from tests.support.ext_model import Driver, Model
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "e2fsck", "debugfs")]


def opened(image: Path) -> tuple[RawDevice, ExtVolume]:
    device = RawDevice.open(str(image), writable=True)
    return device, open_volume(device, DISK, now=NOW)


def listed(volume: ExtVolume, number: int, prefix: str = "") -> dict[str, int]:
    found = {}
    for link in volume.entries(number):
        found[prefix + link.name] = link.inode
        if volume.stat(link.inode).kind is FileKind.DIRECTORY:
            found.update(listed(volume, link.inode, f"{prefix}{link.name}/"))
    return found


def assert_volume_agrees(volume: ExtVolume, model: Model) -> None:
    found = listed(volume, volume.root)
    found.pop("lost+found", None)
    assert set(found) == {path for path in model.nodes if path != "lost+found"}
    for path, number in found.items():
        node, stat = model.nodes[path], volume.stat(number)
        assert (stat.kind, stat.uid, stat.gid) == (node.kind, node.uid, node.gid), path
        if node.kind is FileKind.FILE:
            assert volume.read(number, limit=1 << 24) == node.data, path
        elif node.kind is FileKind.SYMLINK:
            assert volume.readlink(number) == node.target, path
        if node.kind is not FileKind.SYMLINK:
            assert stat.mode == node.mode, path
            assert volume.xattrs(number) == node.xattrs, path


def assert_dump_agrees(top: Path, model: Model, shape: str) -> None:
    """What debugfs wrote out: contents, modes, targets (names with line breaks are not its strength)."""
    for path, node in model.nodes.items():
        if path == "lost+found" or node.kind is FileKind.FIFO or not path.isprintable():
            continue
        real = top / path
        if node.kind is FileKind.SYMLINK:
            assert os.readlink(real) == node.target
            continue
        if node.kind is FileKind.FILE:
            # Of inline data debugfs writes all that the inode has room for; what is behind the end is zero.
            shown = real.read_bytes()
            assert shown[: len(node.data)] == node.data, path
            assert not shown[len(node.data) :].strip(b"\0"), path
            assert len(shown) == len(node.data) or "inline" in shape or "everything" in shape, path
        assert real.stat().st_mode & 0o777 == node.mode & 0o777, path  # it drops the higher bits
        if os.geteuid() == 0:
            assert (real.stat().st_uid, real.stat().st_gid) == (node.uid, node.gid), path


def some_attributes(model: Model) -> list[tuple[str, str, bytes]]:
    return [
        (path, name, value)
        for path, node in model.nodes.items()
        if path.isprintable()
        for name, value in node.xattrs.items()
    ][:8]


@pytest.mark.parametrize("indexed", [False, True], ids=["as-made", "indexed"])
@pytest.mark.parametrize("shape", SHAPES)
def test_random_operations_leave_a_clean_filesystem(tmp_path: Path, shape: str, indexed: bool) -> None:
    sample_tree(tmp_path / "tree")
    image = make_image(tmp_path / "image", *SHAPES[shape], tree=tmp_path / "tree")
    if indexed:
        index_directories(image)
    model = Model(tmp_path / "tree")
    model.nodes["lost+found"] = Node(FileKind.DIRECTORY, mode=0o700)
    limit = 60_000 if "ea-inode" in shape or "everything" in shape else 2000
    device, volume = opened(image)
    driver = Driver(model, volume, seed=len(shape) * 2 + indexed, attribute_limit=limit)
    for _ in range(3):
        for _ in range(60):
            driver.step()
        volume.sync()
        assert_volume_agrees(volume, model)
        volume.close()
        device.close()
        assert_clean(image)
        device, volume = opened(image)
        driver.volume = volume
        assert_volume_agrees(volume, model)
    volume.close()
    device.close()
    assert_dump_agrees(dump(image, tmp_path / "dump"), model, shape)
    for path, name, value in some_attributes(model):
        assert attribute(image, path, name, tmp_path / "value") == value
