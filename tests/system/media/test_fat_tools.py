"""Our FAT volumes under other people's readers and checkers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.media.fat import write_fat
from guestwright.media.fat_geometry import FLOPPY_SIZE
from guestwright.media.sink import Sink
from tests.support.media import TIME, Contents, by_mtools, in_file, in_memory, run, tree_of, trees
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mcopy", "mlabel", "fsck.fat")]


def image_of(contents: Contents, size: int | None) -> bytes:
    def write(sink: Sink) -> None:
        write_fat(tree_of(contents), sink, label="cidata", serial=0xCAFE_0001, time=TIME, size=size)

    return in_memory(write)


@given(contents=trees(), size=st.sampled_from([None, FLOPPY_SIZE, 2_949_120, 4 << 20, 40 << 20]))
@settings(max_examples=60)
def test_every_tool_reads_the_generated_tree(contents: Contents, size: int | None) -> None:
    with tempfile.TemporaryDirectory() as top:
        image = Path(top, "image.img")
        image.write_bytes(image_of(contents, size))
        run("fsck.fat", "-n", image)
        assert by_mtools(image, Path(top, "mtools")) == contents


TREES: dict[str, Contents] = {
    "nothing": {},
    "deep": {"/" + "/".join(f"level {n}" for n in range(1, depth)): None for depth in range(2, 30)},
    "wide": {f"/many/{number:04} of many.conf": b"%d" % number for number in range(800)} | {"/many": None},
    "255 bytes": {"/" + "n" * 255: b"1", "/" + "é" * 127: b"2", "/" + "漢" * 85: b"3"},
    "clashes": {f"/{'c' * 100}{number}.txt": b"%d" % number for number in range(200)},
    "tildes": {
        "/LONGNA~1.TXT": b"1",
        "/longname1.txt": b"2",
        "/longna~2.txt": b"3",
        "/Long Name 2.txt": b"4",
    },
    "whole clusters": {f"/{size}": b"x" * size for size in (0, 1, 511, 512, 513, 1024, 65_536, 65_537)},
    "16 bits": {"/big": bytes(range(256)) * 16_384},
    "large clusters": {"/big": bytes(range(256)) * 200_000, "/small": b"s"},
}


@pytest.mark.parametrize("contents", TREES.values(), ids=TREES)
def test_every_tool_reads_the_tree(contents: Contents, tmp_path: Path) -> None:
    image = tmp_path / "image.img"
    image.write_bytes(image_of(contents, None))
    run("fsck.fat", "-n", image)
    assert by_mtools(image, tmp_path / "mtools") == contents


@pytest.mark.parametrize("size", [1 << 20, (4 << 20) + 512, 16 << 20, 100 << 20, (2 << 30) - (1 << 20)])
def test_volumes_of_any_size_are_sound(size: int, tmp_path: Path) -> None:
    image = tmp_path / "image.img"
    tree = tree_of({"/user-data": b"u" * 3000, "/a/b/c.txt": b"c", "/a": None, "/a/b": None})
    in_file(image, lambda sink: write_fat(tree, sink, label="X", serial=1, time=TIME, size=size))
    assert image.stat().st_size == size
    assert image.stat().st_blocks * 512 < 3 << 20
    run("fsck.fat", "-n", image)
    assert set(by_mtools(image, tmp_path / "mtools")) == {"/user-data", "/a", "/a/b", "/a/b/c.txt"}


def test_label_serial_and_time_are_what_was_asked_for(tmp_path: Path) -> None:
    image = tmp_path / "image.img"
    image.write_bytes(image_of({"/f": b"1"}, FLOPPY_SIZE))
    assert b"Volume label is CIDATA" in run("mlabel", "-s", "-i", image, "::")
    said = run("mdir", "-i", image, "::").decode()
    assert "CAFE-0001" in said
    assert "2023-11-14  22:13" in said
    about = run("blkid", "-p", "-o", "export", image).decode()
    assert "LABEL=CIDATA\n" in about
    assert "UUID=CAFE-0001\n" in about
    assert "TYPE=vfat\n" in about
