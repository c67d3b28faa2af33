"""Media that were made to keep a reader busy."""

from __future__ import annotations

import struct
import time

import pytest

from guestwright.media.errors import DamagedMedium
from guestwright.media.image import Budget, ImageBytes, safe_name
from guestwright.media.iso_susp import fields
from guestwright.media.read import read_medium
from guestwright.media.write import MediaKind, write_medium
from tests.support.media import TIME, Contents, in_memory, tree_of


def image_of(kind: MediaKind, contents: Contents) -> bytearray:
    tree = tree_of(contents)
    return bytearray(in_memory(lambda sink: write_medium(kind, tree, sink, label="X", time=TIME, serial=1)))


def test_thousands_of_files_that_share_one_chain_end_in_an_error() -> None:
    files: Contents = {f"/Z{number}": b"z" for number in range(3000)}
    image = image_of(MediaKind.DISK, {"/AAA": bytes(20 << 20), **files})
    at = image.index(b"AAA        ")
    first, size = struct.unpack_from("<HI", image, at + 26)
    for number in range(3000):
        entry = image.index(f"Z{number}".ljust(11).encode())
        struct.pack_into("<HI", image, entry + 26, first, size)
    begin = time.perf_counter()
    with pytest.raises(DamagedMedium, match="chains of clusters without end"):
        read_medium(ImageBytes(bytes(image))).found()
    assert time.perf_counter() - begin < 10


def test_a_chain_that_bites_its_tail_ends() -> None:
    image = image_of(MediaKind.FLOPPY, {"/F": b"x" * 2000})
    # Clusters 2 to 5; the entry of the last one, twelve bits from byte 7 on, leads back to the first.
    image[512 + 7 : 512 + 9] = bytes((image[512 + 7] & 0x0F | 0x20, 0))
    at = image.index(b"F          ")
    struct.pack_into("<I", image, at + 28, 1 << 31)
    (one,) = read_medium(ImageBytes(bytes(image))).found()
    assert one.size == 1 << 31
    assert sum(length for _, length in one.extents) <= 1_474_560


def test_folders_in_a_circle_are_entered_once() -> None:
    image = image_of(MediaKind.CDROM, {"/a": None, "/a/b": None, "/a/b/c": b"1"})
    medium = read_medium(ImageBytes(bytes(image)))
    a, b = (one for one in medium.found() if one.path in {"/a", "/a/b"})
    assert (a.path, b.path) == ("/a", "/a/b")
    # The record of b now leads to a.
    record = next(at for at in range(0x8000, len(image) - 40) if image[at + 32 : at + 34] == b"\x01B")
    own = next(at for at in range(0x8000, len(image) - 40) if image[at + 32 : at + 34] == b"\x01A")
    image[record + 2 : record + 10] = image[own + 2 : own + 10]
    paths = [one.path for one in read_medium(ImageBytes(bytes(image))).found()]
    assert paths == ["/a", "/a/b"]


def test_continuations_in_a_circle_end() -> None:
    image = bytearray(4096)
    area = struct.pack("<4sI4xI4xI4x", b"CE\x1c\x01", 1, 0, 28)
    image[2048 : 2048 + len(area)] = area
    assert list(fields(ImageBytes(bytes(image)), area, Budget(10_000, "continuations"))) == []
    with pytest.raises(DamagedMedium, match="continuations without end"):
        list(fields(ImageBytes(bytes(image)), area, Budget(100, "continuations")))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("..", "_"),
        (".", "_"),
        ("", "_"),
        ("/etc/passwd", "_etc_passwd"),
        ("a\0b", "a_b"),
        ("...", "..."),
        ("é", "é"),
    ],
)
def test_names_from_a_medium_stay_in_their_folder(name: str, safe: str) -> None:
    assert safe_name(name) == safe
