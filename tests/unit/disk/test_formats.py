"""Formats are stated, never guessed; headers that name other files are refused."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.base.errors import GuestwrightError, UsageError
from guestwright.disk import qcow2, vmdk
from guestwright.disk.chain import MAX_CHAIN, Checked, check_image
from guestwright.disk.errors import (
    FormatMismatch,
    FormatNotStated,
    ImageCorrupt,
    ImageHasSnapshots,
    ImageNotAlone,
    ImageUnsupported,
)
from guestwright.disk.formats import Choice, ImageFormat, choose_format


def header(  # a qcow2 header, docs/interop/qcow2.txt
    *,
    version: int = 3,
    backing: bytes = b"",
    backing_format: bytes = b"",
    data_file: bytes = b"",
    snapshots: int = 0,
    crypt: int = 0,
    incompatible: int = 0,
    cluster_bits: int = 16,
    bitmaps: bool = False,
) -> bytes:
    extensions = b""
    for kind, data in (
        (0xE2792ACA, backing_format),
        (0x44415441, data_file),
        (0x23852875, bytes(24) if bitmaps else b""),
    ):
        if data:
            extensions += struct.pack(">II", kind, len(data)) + data.ljust((len(data) + 7) & ~7, b"\0")
    extensions += bytes(8)
    length = 104 if version == 3 else 72
    at = length + len(extensions) if backing else 0
    fixed = struct.pack(
        ">4sIQIIQIIQQIIQ",
        *(
            b"QFI\xfb",
            version,
            at,
            len(backing),
            cluster_bits,
            1 << 20,
            crypt,
            1,
            0x30000,
            0x10000,
            1,
            snapshots,
            0,
        ),
    )
    more = struct.pack(">QQQII", incompatible, 0, 0, 4, length) if version == 3 else b""
    return (fixed + more + extensions + backing).ljust(65536, b"\0")


def check(path: Path, image_format: str, *, stated: bool = True, **allowed: bool) -> Checked:
    fd = os.open(path, os.O_RDONLY)
    try:
        return check_image(fd, str(path), Choice(ImageFormat(image_format), stated), **allowed)
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("name", "stated", "expected"),
    [
        ("a.raw", None, "raw"),
        ("a.img", None, "raw"),
        ("a.QCOW2", None, "qcow2"),
        ("a.img", "qcow2", "qcow2"),
        ("a", "raw", "raw"),
        ("a.vmdk", "VMDK", "vmdk"),
    ],
)
def test_format_by_word_or_suffix(name: str, stated: str | None, expected: str) -> None:
    choice = choose_format(name, stated)
    assert choice == Choice(ImageFormat(expected), stated is not None)


@pytest.mark.parametrize("name", ["a", "a.vmdk", "a.qcow", "a.vhd", "a.iso", "raw", ".raw/x"])
def test_format_not_stated(name: str) -> None:
    with pytest.raises(FormatNotStated, match="not stated") as caught:
        choose_format(name, None)
    assert "--format" in caught.value.advice


def test_unknown_format() -> None:
    with pytest.raises(UsageError, match="unknown image format 'qed'"):
        choose_format("a.raw", "qed")


@pytest.mark.parametrize(
    ("head", "image_format", "found"),
    [
        (header(), "raw", "qcow2"),
        (b"KDMV", "raw", "vmdk"),
        (b"# Disk DescriptorFile\n", "raw", "vmdk"),
        (b"vhdxfile", "raw", "vhdx"),
        (b"conectix", "raw", "vpc"),
        (bytes(64) + b"\x7f\x10\xda\xbe", "raw", "vdi"),
        (bytes(512), "qcow2", "raw"),
        (b"KDMV", "qcow2", "vmdk"),
        (header(), "vmdk", "qcow2"),
        (bytes(512), "vdi", "raw"),
        (bytes(512), "vpc", "raw"),
    ],
)
def test_content_must_not_contradict_the_format(
    tmp_path: Path, head: bytes, image_format: str, found: str
) -> None:
    path = tmp_path / "image"
    path.write_bytes(head.ljust(4096, b"\0"))
    with pytest.raises(FormatMismatch) as caught:
        check(path, image_format, stated=image_format != "raw")
    assert f"--format {found}" in caught.value.advice


def test_raw_is_raw_when_stated(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(header(backing=b"/etc/shadow"))
    assert check(path, "raw") == Checked()


def test_fixed_vhd_has_its_magic_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(bytes(4096) + b"conectix".ljust(512, b"\0"))
    assert check(path, "vpc") == Checked()


BAD: dict[str, tuple[bytes, type[GuestwrightError], str]] = {
    "backing": (header(backing=b"/etc/shadow", backing_format=b"raw"), ImageNotAlone, "/etc/shadow"),
    "backing-v2": (header(version=2, backing=b"base.img"), ImageNotAlone, "base.img"),
    "data-file": (header(data_file=b"/dev/sda", incompatible=4), ImageNotAlone, "/dev/sda"),
    "data-file-unnamed": (header(incompatible=4), ImageUnsupported, "does not name"),
    "snapshots": (header(snapshots=2), ImageHasSnapshots, "2 internal"),
    "encrypted": (header(crypt=2), ImageUnsupported, "encrypted"),
    "corrupt": (header(incompatible=2), ImageCorrupt, "marked the image as corrupt"),
    "unknown-feature": (header(incompatible=1 << 40), ImageUnsupported, "0x10000000000"),
    "version": (header(version=2).replace(b"\0\0\0\2", b"\0\0\0\1", 1), ImageUnsupported, "version 1"),
    "cluster": (header(cluster_bits=40), ImageCorrupt, "cluster"),
    "short": (header()[:80], ImageCorrupt, "cut off"),
    "backing-outside": (header(backing=b"x" * 1023, cluster_bits=9), ImageCorrupt, "outside"),
    "newline": (header(backing=b"a\nb"), ImageNotAlone, r"a\x0ab"),
}


@pytest.mark.parametrize(("data", "error", "text"), BAD.values(), ids=BAD.keys())
def test_qcow2_that_is_refused(tmp_path: Path, data: bytes, error: type[GuestwrightError], text: str) -> None:
    path = tmp_path / "image"
    path.write_bytes(data)
    with pytest.raises(error) as caught:
        check(path, "qcow2")
    assert text in caught.value.message


@pytest.mark.parametrize(
    "name", [b"nbd://host/x", b"json:{}", b"http://h/x", b"file:/etc/shadow", b"fat:/etc", b"a\0b"]
)
def test_protocols_are_refused_even_if_backing_is_allowed(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / "image"
    path.write_bytes(header(backing=name, backing_format=b"raw"))
    with pytest.raises(ImageUnsupported, match="not the path of a file"):
        check(path, "qcow2", allow_backing=True)
    path.write_bytes(header(data_file=name, incompatible=4))
    with pytest.raises(ImageUnsupported, match="not the path of a file"):
        check(path, "qcow2", allow_backing=True)


def test_chain_is_walked(tmp_path: Path) -> None:
    (tmp_path / "base:1").mkdir()
    (tmp_path / "top").write_bytes(header(backing=b"./base:1/mid", backing_format=b"qcow2", bitmaps=True))
    (tmp_path / "base:1" / "mid").write_bytes(
        header(backing=b"../bottom", backing_format=b"raw", data_file=b"data", incompatible=4)
    )
    (tmp_path / "bottom").write_bytes(b"x" * 512)
    checked = check(tmp_path / "top", "qcow2", allow_backing=True)
    assert [(os.path.relpath(f.path, tmp_path), str(f.format), f.written) for f in checked.files] == [
        ("base:1/mid", "qcow2", False),
        ("base:1/data", "raw", False),
        ("bottom", "raw", False),
    ]
    assert "bitmaps" in checked.warnings[0]


@pytest.mark.parametrize("backing_format", [b"", b"qed", b"luks", b"\xff"])
def test_backing_format_must_be_stated(tmp_path: Path, backing_format: bytes) -> None:
    (tmp_path / "base").write_bytes(b"x" * 512)
    (tmp_path / "top").write_bytes(header(backing=b"base", backing_format=backing_format))
    with pytest.raises(ImageUnsupported, match="without a stated format"):
        check(tmp_path / "top", "qcow2", allow_backing=True)


def test_chain_that_comes_back_to_itself(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(header(backing=b"b", backing_format=b"qcow2"))
    (tmp_path / "b").write_bytes(header(backing=b"a", backing_format=b"qcow2"))
    with pytest.raises(ImageCorrupt, match="comes back"):
        check(tmp_path / "a", "qcow2", allow_backing=True)


def test_chain_that_is_too_long(tmp_path: Path) -> None:
    for number in range(MAX_CHAIN + 1):
        (tmp_path / str(number)).write_bytes(
            header(backing=str(number + 1).encode(), backing_format=b"qcow2")
        )
    (tmp_path / str(MAX_CHAIN + 1)).write_bytes(header())
    with pytest.raises(ImageUnsupported, match="more than 32"):
        check(tmp_path / "0", "qcow2", allow_backing=True)


def test_snapshots_may_be_allowed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(header(snapshots=1, incompatible=1))
    assert len(check(tmp_path / "a", "qcow2", allow_snapshots=True).warnings) == 2


@given(st.integers(0, 200), st.binary(min_size=1, max_size=12), st.booleans())
def test_mutated_qcow2_headers_raise_only_our_errors(at: int, junk: bytes, extensions: bool) -> None:
    data = bytearray(header(backing=b"base", backing_format=b"raw", bitmaps=extensions))
    data[at : at + len(junk)] = junk
    with suppress(ImageCorrupt, ImageUnsupported):
        qcow2.parse_header(bytes(data), "x")


DESCRIPTOR = b"""# Disk DescriptorFile
version=1
CID=12345678
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW 2048 SPARSE "disk.vmdk"

# The Disk Data Base
ddb.virtualHWVersion = "4"
"""


def sparse(
    descriptor: bytes = DESCRIPTOR, *, capacity: int = 2048, offset: int = 1, sectors: int = 20
) -> bytes:
    fixed = struct.pack("<4sIIQQQQIQQQ", b"KDMV", 1, 3, capacity, 128, offset, sectors, 512, 21, 26, 128)
    return (fixed.ljust(512, b"\0") + descriptor.ljust(20 * 512, b"\0")).ljust(1 << 16, b"\0")


def test_monolithic_sparse_vmdk_is_accepted() -> None:
    vmdk.check_header(sparse(), "x")


def test_a_compressed_vmdk_is_for_reading_only() -> None:
    data = sparse(DESCRIPTOR.replace(b"monolithicSparse", b"streamOptimized"))
    vmdk.check_header(data, "x", (vmdk.SPARSE, vmdk.STREAM))
    with pytest.raises(ImageUnsupported, match="streamOptimized"):
        vmdk.check_header(data, "x")
    elsewhere = data.replace(b'RW 2048 SPARSE "disk.vmdk"', b'RW 2048 FLAT "/etc/shadow" 0')
    with pytest.raises(ImageUnsupported, match="extents"):
        vmdk.check_header(elsewhere, "x", (vmdk.SPARSE, vmdk.STREAM))


BAD_VMDK = {
    "descriptor-only": (DESCRIPTOR, "several files"),
    "no-capacity": (sparse(capacity=0), "without an embedded descriptor"),
    "no-descriptor": (sparse(offset=0), "without an embedded descriptor"),
    "huge-descriptor": (sparse(sectors=1 << 40), "without an embedded descriptor"),
    "two-extents": (sparse(DESCRIPTOR + b'RW 1 SPARSE "b.vmdk"\n'), "extents"),
    "flat": (
        sparse(DESCRIPTOR.replace(b'RW 2048 SPARSE "disk.vmdk"', b'RW 2048 FLAT "/etc/shadow" 0')),
        "extents",
    ),
    "path": (sparse(DESCRIPTOR.replace(b"disk.vmdk", b"/etc/shadow")), "extents"),
    "type": (sparse(DESCRIPTOR.replace(b"monolithicSparse", b"monolithicFlat")), "monolithicFlat"),
    "parent": (sparse(DESCRIPTOR.replace(b"ffffffff", b"12341234")), "parent"),
    "parent-hint": (sparse(DESCRIPTOR + b'parentFileNameHint="/etc/shadow"\n'), "parent"),
}


@pytest.mark.parametrize(("data", "text"), BAD_VMDK.values(), ids=BAD_VMDK.keys())
def test_vmdk_that_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(ImageUnsupported, match=text):
        vmdk.check_header(data, "x")


@given(st.integers(0, 600), st.binary(min_size=1, max_size=20))
def test_mutated_vmdk_headers_raise_only_our_errors(at: int, junk: bytes) -> None:
    data = bytearray(sparse())
    data[at : at + len(junk)] = junk
    with suppress(ImageCorrupt, ImageUnsupported):
        vmdk.check_header(bytes(data), "x")
