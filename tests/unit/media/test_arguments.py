"""Volume ids, serial numbers, times and sizes; sources that change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestwright.media.errors import (
    BadVolumeId,
    DamagedMedium,
    MediaRequestError,
    MediaSourceError,
    MediaTooBig,
)
from guestwright.media.fat import write_fat
from guestwright.media.fat_geometry import FLOPPY_SIZE
from guestwright.media.image import ImageBytes, ImageFile
from guestwright.media.iso import write_iso
from guestwright.media.read import read_medium
from guestwright.media.sink import DescriptorSink, MemorySink, measured
from guestwright.media.tree import FileSource, MediaFile, MediaTree
from tests.support.media import TIME, in_memory, tree_of

EMPTY = MediaTree()


def iso(tree: MediaTree = EMPTY, label: str = "x", time: int = TIME) -> bytes:
    return in_memory(lambda sink: write_iso(tree, sink, volume_id=label, time=time))


def fat(
    tree: MediaTree = EMPTY, label: str = "x", time: int = TIME, serial: int = 1, size: int | None = None
) -> bytes:
    return in_memory(lambda sink: write_fat(tree, sink, label=label, serial=serial, time=time, size=size))


@pytest.mark.parametrize("label", ["", "cidata", "config-2", "Ünï", "a b", "x" * 32, "漢" * 10])
def test_labels_of_cds(label: str) -> None:
    assert read_medium(ImageBytes(iso(label=label))).label == label


@pytest.mark.parametrize("label", ["x" * 33, "é" * 17, "a\nb", "a\0", "\x1b[2J", "\ud800", "💾"], ids=ascii)
def test_refused_labels_of_cds(label: str) -> None:
    with pytest.raises(BadVolumeId) as caught:
        iso(label=label)
    caught.value.message.encode()


@pytest.mark.parametrize("label", ["", "cidata", "CONFIG-2", "A B", "ELEVEN CHAR"])
def test_labels_of_fat(label: str) -> None:
    assert read_medium(ImageBytes(fat(label=label))).label == label.upper()


@pytest.mark.parametrize(
    "label", ["x" * 12, "é", "a.b", "a/b", " a", "a\n", "a\0", "a+b", "\ud800"], ids=ascii
)
def test_refused_labels_of_fat(label: str) -> None:
    with pytest.raises(BadVolumeId):
        fat(label=label)


@pytest.mark.parametrize("time", [-1, 4_102_444_800, 1 << 63])
def test_refused_times(time: int) -> None:
    for write in (iso, fat):
        with pytest.raises(MediaRequestError, match="time"):
            write(time=time)


@pytest.mark.parametrize("time", [0, 4_102_444_799])
def test_the_first_and_last_time(time: int) -> None:
    assert iso(time=time)
    assert fat(time=time)


@pytest.mark.parametrize("serial", [-1, 1 << 32])
def test_refused_serials(serial: int) -> None:
    with pytest.raises(MediaRequestError, match="serial"):
        fat(serial=serial)


@pytest.mark.parametrize("size", [-512, 0, 1, 512, 32_256, 1_474_561, 1 << 33])
def test_refused_sizes(size: int) -> None:
    with pytest.raises(MediaRequestError):
        fat(size=size)


def test_a_floppy_holds_no_more_than_it_can() -> None:
    room = 2847 * 512
    assert len(fat(tree_of({"/f": bytes(room)}), size=FLOPPY_SIZE)) == FLOPPY_SIZE
    with pytest.raises(MediaTooBig, match="1457664 bytes fit a FAT volume of 1474560 bytes"):
        fat(tree_of({"/f": bytes(room + 1)}), size=FLOPPY_SIZE)
    with pytest.raises(MediaTooBig, match="entries fit this floppy"):
        fat(tree_of({f"/{number}": b"" for number in range(224)}), size=FLOPPY_SIZE)


def test_what_is_too_big_for_fat_is_refused_before_anything_is_written() -> None:
    sink = MemorySink()
    tree = MediaTree(files=(MediaFile(path="/f", source=FileSource(size=1 << 31, path="/nowhere")),))
    with pytest.raises(MediaTooBig):
        write_fat(tree, sink, label="", serial=1, time=TIME)
    assert sink.getvalue() == b""


def test_what_is_too_big_for_a_cd_is_refused_before_anything_is_written() -> None:
    sink = MemorySink()
    tree = MediaTree(files=(MediaFile(path="/f", source=FileSource(size=1 << 43, path="/nowhere")),))
    with pytest.raises(MediaTooBig):
        write_iso(tree, sink, volume_id="", time=TIME)
    assert sink.getvalue() == b""


def to_file(path: Path, tree: MediaTree) -> None:
    with path.open("wb", buffering=0) as file:
        write_iso(tree, DescriptorSink(file.fileno()), volume_id="x", time=TIME)


def to_memory(path: Path, tree: MediaTree) -> None:
    path.write_bytes(iso(tree))


SINKS = pytest.mark.parametrize("sink", [to_file, to_memory])


@SINKS
@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 2049, 3_000_000])
def test_a_file_of_the_host_is_copied(tmp_path: Path, sink: object, size: int) -> None:
    assert callable(sink)
    source = tmp_path / "source"
    source.write_bytes(os.urandom(size))
    inline = MediaTree(files=(MediaFile(path="/f", source=source.read_bytes()),))
    by_path = MediaTree(files=(MediaFile(path="/f", source=measured(str(source))),))
    sink(tmp_path / "1", by_path)
    with source.open("rb") as file:
        opened = FileSource(size=size, descriptor=file.fileno())
        sink(tmp_path / "2", MediaTree(files=(MediaFile(path="/f", source=opened),)))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes() == iso(inline)


@SINKS
def test_a_source_that_became_shorter_is_an_error(tmp_path: Path, sink: object) -> None:
    assert callable(sink)
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100_000)
    tree = MediaTree(files=(MediaFile(path="/f", source=measured(str(source))),))
    os.truncate(source, 50_000)
    with pytest.raises(MediaSourceError, match="ended"):
        sink(tmp_path / "out", tree)


@SINKS
@pytest.mark.parametrize("what", ["missing", "folder", "pipe", "nul"])
def test_sources_that_cannot_be_read(tmp_path: Path, sink: object, what: str) -> None:
    assert callable(sink)
    source = tmp_path / "source"
    if what == "folder":
        source.mkdir()
    elif what == "pipe":
        os.mkfifo(source)
    path = f"{source}\0" if what == "nul" else str(source)
    with pytest.raises(MediaSourceError):
        measured(path)
    with pytest.raises(MediaSourceError):
        sink(tmp_path / "out", MediaTree(files=(MediaFile(path="/f", source=FileSource(size=1, path=path)),)))


def test_a_pipe_gets_the_same_bytes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"y" * 20_000)
    tree = MediaTree(files=(MediaFile(path="/f", source=measured(str(source))),))
    reader, writer = os.pipe()
    try:
        # The image is smaller than what a pipe holds once it is enlarged.
        import fcntl

        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 20)
        write_iso(tree, DescriptorSink(writer), volume_id="x", time=TIME)
        assert os.read(reader, 1 << 20) == iso(tree)
    finally:
        os.close(reader)
        os.close(writer)


def test_an_image_may_go_over_an_older_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_bytes(b"\xff" * 200_000)
    descriptor = os.open(out, os.O_RDWR)
    try:
        size = write_iso(EMPTY, DescriptorSink(descriptor), volume_id="x", time=TIME)
    finally:
        os.close(descriptor)
    assert out.read_bytes()[:size] == iso()


@pytest.mark.parametrize(
    "data", [b"", b"x" * 511, bytes(40_000), bytes(510) + b"\x55\xaa", b"\xff" * 100_000]
)
def test_what_is_no_medium(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(DamagedMedium):
        read_medium(ImageBytes(data))
    (tmp_path / "image").write_bytes(data)
    with (tmp_path / "image").open("rb") as file, pytest.raises(DamagedMedium):
        read_medium(ImageFile(file.fileno()))
