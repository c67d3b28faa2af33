"""Our CDs under other people's readers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from guestwright.media.iso import write_iso
from guestwright.media.sink import Sink
from tests.support.media import (
    TIME,
    Contents,
    by_pycdlib,
    by_xorriso,
    in_memory,
    listed_by_isoinfo,
    tree_of,
    trees,
)
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("isoinfo", "xorriso")]


def image_of(contents: Contents) -> bytes:
    def write(sink: Sink) -> None:
        write_iso(tree_of(contents), sink, volume_id="config-2", time=TIME)

    return in_memory(write)


@given(contents=trees())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_tool_reads_the_generated_tree(contents: Contents) -> None:
    with tempfile.TemporaryDirectory() as top:
        image = Path(top, "image.iso")
        data = image_of(contents)
        image.write_bytes(data)
        assert by_xorriso(image, Path(top, "xorriso")) == contents
        assert by_pycdlib(data, "rr") == contents
        joliet = by_pycdlib(data, "joliet")
        assert sorted(joliet.values(), key=repr) == sorted(contents.values(), key=repr)
        assert listed_by_isoinfo(image, "-R") == sorted(contents)
        assert len(listed_by_isoinfo(image, "-J")) == len(contents)


def deep() -> Contents:
    path = ""
    found: Contents = {}
    for level in range(60):
        path += f"/level {level}"
        found[path] = None
    return {**found, f"{path}/file": b"bottom"}


TREES: dict[str, Contents] = {
    "nothing": {},
    "deep": deep(),
    "wide": {f"/{number:04} of many.conf": b"%d" % number for number in range(1500)},
    "wide folders": {f"/{number:04} folders": None for number in range(500)},
    "255 bytes": {"/" + "n" * 255: b"1", "/" + "é" * 127: b"2", "/" + "漢" * 85: b"3"},
    "clashes": {f"/{'c' * 100}{number}.txt": b"%d" % number for number in range(200)},
    "case in long names": {"/a.b.c": b"1", "/A_B.C": b"2", "/A_B_1.C": b"3", "/a+b.c": b"4"},
    "many long names": {f"/{number:03}{'m' * 200}": b"%d" % number for number in range(300)},
}


@pytest.mark.parametrize("contents", TREES.values(), ids=TREES)
def test_every_tool_reads_the_tree(contents: Contents, tmp_path: Path) -> None:
    data = image_of(contents)
    image = tmp_path / "image.iso"
    image.write_bytes(data)
    assert by_xorriso(image, tmp_path / "xorriso") == contents
    assert by_pycdlib(data, "rr") == contents
    assert listed_by_isoinfo(image, "-R") == sorted(contents)
    assert len(listed_by_isoinfo(image, "-J")) == len(contents)
    assert len(by_pycdlib(data, "iso")) == len(contents)
