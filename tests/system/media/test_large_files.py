"""Files that a directory record cannot hold in one piece, and images that stay sparse."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pycdlib
import pytest

from guestwright.media.image import FoundKind, ImageFile, lookup
from guestwright.media.iso import write_iso
from guestwright.media.iso_hierarchy import MAX_EXTENT
from guestwright.media.read import read_medium
from guestwright.media.sink import measured
from guestwright.media.tree import MediaFile, MediaTree
from tests.support.media import TIME, in_file, run
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("isoinfo", "xorriso")]
SIZE = MAX_EXTENT + 5_000_001
MARKS = {0: b"begin", MAX_EXTENT - 4: b"across the border", SIZE - 3: b"end", 1 << 30: b"inside"}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "source"
    with path.open("wb") as file:
        file.truncate(SIZE)
        for at, mark in MARKS.items():
            file.seek(at)
            file.write(mark)
    return path


@pytest.fixture(scope="module")
def image(large: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "large.iso"
    tree = MediaTree(
        files=(
            MediaFile(path="/before", source=b"b" * 3000),
            MediaFile(path="/large file.bin", source=measured(str(large))),
            MediaFile(path="/zz after", source=b"a" * 3000),
        )
    )
    in_file(path, lambda sink: write_iso(tree, sink, volume_id="LARGE", time=TIME))
    return path


def test_holes_stay_holes(image: Path) -> None:
    about = image.stat()
    assert about.st_size > SIZE
    assert about.st_blocks * 512 < 2 << 20


def test_our_reader_finds_every_section(image: Path) -> None:
    descriptor = os.open(image, os.O_RDONLY)
    try:
        medium = read_medium(ImageFile(descriptor))
        one = lookup(medium, "/large file.bin")
        assert (one.kind, one.size) == (FoundKind.FILE, SIZE)
        assert [length for _, length in one.extents] == [MAX_EXTENT, SIZE - MAX_EXTENT]
        first = one.extents[0][0]
        assert first % (64 << 10) == 0
        for at, mark in MARKS.items():
            assert os.pread(descriptor, len(mark), first + at) == mark
        after = lookup(medium, "/zz after")
        assert os.pread(descriptor, 3000, after.extents[0][0]) == b"a" * 3000
    finally:
        os.close(descriptor)


def sections_of(image: Path) -> list[tuple[int, int]]:
    """Block and size of each section, as our reader found them and the marks prove them."""
    descriptor = os.open(image, os.O_RDONLY)
    try:
        one = lookup(read_medium(ImageFile(descriptor)), "/large file.bin")
    finally:
        os.close(descriptor)
    return [(at // 2048, length) for at, length in one.extents]


def test_isoinfo_sees_the_sections(image: Path) -> None:
    lines = run("isoinfo", "-R", "-l", "-i", image).decode().splitlines()
    seen = [line.replace("[", " ").split() for line in lines if line.endswith("large file.bin ")]
    assert [(int(parts[8]), int(parts[4])) for parts in seen] == sections_of(image)


def test_xorriso_sees_the_sections(image: Path) -> None:
    said = run("xorriso", "-indev", image, "-find", "/large file.bin", "-exec", "report_sections").decode()
    seen = [line.split(":")[1].split(",") for line in said.splitlines() if line.startswith("File data")]
    assert [(int(parts[1]), int(parts[3])) for parts in seen] == sections_of(image)


def test_pycdlib_sees_the_sections(image: Path) -> None:
    disc = pycdlib.PyCdlib()
    disc.open(str(image))
    try:
        for top in ({"rr_path": "/"}, {"joliet_path": "/"}):
            records: list[Any] = [one for one in disc.list_children(**top) if one and one.data_continuation]
            records.append(records[0].data_continuation)
            assert [(one.extent_location(), one.data_length) for one in records] == sections_of(image)
    finally:
        disc.close()
