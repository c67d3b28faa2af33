"""The bytes of a redo log, and what a reader makes of damaged ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.disk import redo_format as form
from guestwright.disk.errors import RedoRefused
from guestwright.disk.redo_file import RedoReader, RedoWriter, read_pointer, write_pointer
from guestwright.disk.redo_names import log_path

NUMBERS = st.integers(0, (1 << 64) - 1)
PATHS = st.binary(min_size=1, max_size=200).map(
    lambda b: b.replace(b"\0", b"/").decode("utf-8", "surrogateescape")
)
IMAGES = st.builds(
    form.LoggedImage,
    path=PATHS,
    format=st.sampled_from(["raw", "qcow2", "vhdx"]),
    allow_backing=st.booleans(),
    allow_snapshots=st.booleans(),
    disk_size=NUMBERS,
    file_size=NUMBERS,
    device=NUMBERS,
    inode=NUMBERS,
    generation=NUMBERS,
)
HEADERS = st.builds(
    form.Header,
    id=st.binary(min_size=16, max_size=16),
    images=st.lists(IMAGES, min_size=1, max_size=4).map(tuple),
)
IMAGE = form.LoggedImage(
    path="/disk",
    format="raw",
    allow_backing=False,
    allow_snapshots=True,
    disk_size=1 << 20,
    file_size=1 << 20,
    device=1,
    inode=2,
    generation=3,
)
HEADER = form.Header(id=b"0123456789abcdef", images=(IMAGE,))


@given(HEADERS)
def test_header_is_read_back(header: form.Header) -> None:
    data = form.encode_header(header)
    assert form.header_length(data[: form.HEADER_START.size]) == len(data)
    assert form.decode_header(data) == header


@given(st.binary(min_size=16, max_size=16), st.integers(0, 65535), PATHS)
def test_pointer_is_read_back(log_id: bytes, index: int, log: str) -> None:
    pointer = form.Pointer(id=log_id, index=index, log=log)
    assert form.decode_pointer(form.encode_pointer(pointer)) == pointer


@given(st.binary(max_size=200))
def test_junk_is_no_header_pointer_or_mark(data: bytes) -> None:
    for decode in (form.decode_header, form.decode_pointer, form.decode_trailer, form.header_length):
        with pytest.raises(form.FormatError):
            decode(data)


def write(path: Path, *, sealed: bool = True) -> None:
    writer = RedoWriter(str(path), HEADER)
    writer.add(0, 4096, b"o" * 4096, b"n" * 4096)
    writer.add(0, 65536, b"o" * 700, b"m" * 700)
    if sealed:
        writer.seal()
    writer.close()


def entries(path: Path) -> list[tuple[int, int, bytes]]:
    reader = RedoReader(str(path))
    try:
        assert reader.header() == HEADER
        return [(entry.head.disk, entry.head.offset, entry.data) for entry in reader.entries()]
    finally:
        reader.close()


def test_log_is_read_back(tmp_path: Path) -> None:
    write(tmp_path / "log")
    assert entries(tmp_path / "log") == [(0, 4096, b"n" * 4096), (0, 65536, b"m" * 700)]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_log_that_is_cut_anywhere_is_unfinished(tmp_path: Path) -> None:
    write(tmp_path / "log")
    whole = (tmp_path / "log").read_bytes()
    cut = tmp_path / "cut"
    for length in [*range(0, 400, 7), *range(400, len(whole), 97), len(whole) - 1]:
        cut.write_bytes(whole[:length])
        cut.chmod(0o600)
        with pytest.raises(form.FormatError):
            entries(cut)
        reader = RedoReader(str(cut))
        assert not reader.has_mark()
        reader.close()


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    write(tmp_path / "log")
    whole = (tmp_path / "log").read_bytes()
    bad = tmp_path / "bad"
    for at in [*range(400), *range(400, len(whole), 61), *range(len(whole) - 80, len(whole))]:
        data = bytearray(whole)
        data[at] ^= 1 << (at % 8)
        bad.write_bytes(data)
        bad.chmod(0o600)
        reader = RedoReader(str(bad))
        with pytest.raises(form.FormatError):
            list(reader.entries())
        reader.close()


def test_damaged_log_still_has_its_mark(tmp_path: Path) -> None:
    write(tmp_path / "log")
    data = bytearray((tmp_path / "log").read_bytes())
    data[2000] ^= 1
    (tmp_path / "log").write_bytes(data)
    reader = RedoReader(str(tmp_path / "log"))
    assert reader.has_mark()
    reader.close()


def test_log_without_a_mark_is_unfinished(tmp_path: Path) -> None:
    write(tmp_path / "log", sealed=False)
    with pytest.raises(form.FormatError):
        entries(tmp_path / "log")


def test_old_checksums_go_sector_by_sector() -> None:
    table = form.sector_checksums(b"a" * 512 + b"b" * 512 + b"c")
    assert len(form.decode_checksums(table)) == 3
    assert form.decode_checksums(table)[0] == form.decode_checksums(form.sector_checksums(b"a" * 512))[0]


def test_pointer_file(tmp_path: Path) -> None:
    path = str(tmp_path / "pointer")
    pointer = form.Pointer(id=b"x" * 16, index=3, log="/some/log")
    write_pointer(path, pointer)
    assert read_pointer(path) == pointer
    write(tmp_path / "log")
    assert read_pointer(str(tmp_path / "log")) is None
    with pytest.raises(FileNotFoundError):
        read_pointer(str(tmp_path / "missing"))
    (tmp_path / "pointer").chmod(0o602)
    with pytest.raises(RedoRefused):
        read_pointer(path)


def test_log_path_follows_symlinks(tmp_path: Path) -> None:
    (tmp_path / "real.raw").touch()
    (tmp_path / "link").symlink_to("real.raw")
    assert log_path(str(tmp_path / "link")) == str(tmp_path / "real.raw.guestwright-redo")
