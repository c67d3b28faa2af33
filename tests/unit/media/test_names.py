"""Which trees are refused, with which words."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.media.errors import BadMediaName, MediaNameClash, MediaRequestError
from guestwright.media.fat import write_fat
from guestwright.media.fat_names import short_names
from guestwright.media.folders import arranged
from guestwright.media.iso import write_iso
from guestwright.media.iso_names import iso_identifiers, joliet_identifiers
from guestwright.media.names import folded
from guestwright.media.sink import MemorySink
from guestwright.media.tree import FileSource, MediaFile, MediaTree

BAD_PATHS = {
    "empty": "",
    "relative": "a",
    "root": "/",
    "slash at the end": "/a/",
    "two slashes": "//a",
    "empty part": "/a//b",
    "dot": "/.",
    "dots": "/..",
    "traversal": "/../etc/passwd",
    "traversal inside": "/a/../../b",
    "dot inside": "/a/./b",
    "dot at the end": "/a/.",
    "256 bytes": "/" + "n" * 256,
    "258 bytes of UTF-8": "/" + "漢" * 86,
    "surrogate": "/a\ud800b",
    "bytes that are no text": "/" + os.fsdecode(b"\xff\xfe"),
    "U+FFFE": "/a\ufffe",
    "U+FFFF": "/\uffff",
    "65 deep": "/d" * 65,
    "5000 bytes": "/" + "/".join(["n" * 250] * 20),
    **{f"control {code:#04x}": f"/a{chr(code)}b" for code in [*range(0x20), *range(0x7F, 0xA0)]},
}
WINDOWS_REFUSES = {
    **{f"character {each}": f"/a{each}b" for each in '\\:*?"<>|'},
    **{
        f"device {name}": f"/{name}"
        for name in ["con", "PRN", "aux.txt", "NUL", "nul.tar.gz", "conin$", "CONOUT$", "con .txt", "Lpt1.x"]
    },
    **{f"device com{n}": f"/sub/com{n}" for n in "0123456789¹²³"},
    **{f"device lpt{n}": f"/LPT{n}.log" for n in "0123456789¹²³"},
    "dot at the end": "/a.",
    "dots at the end": "/a...",
    "space at the end": "/a ",
    "folder with a space": "/a /b",
}
CLASHES = {
    "the same": (["/a", "/a"], []),
    "case": (["/a", "/A"], []),
    "case beyond ASCII": (["/é", "/É"], []),
    "case of folders": (["/a/1", "/A/2"], []),
    "file and folder": (["/a", "/a/b"], []),
    "folder and file": (["/a"], ["/A"]),
    "file in a file": (["/a/b", "/a/b/c"], []),
    "deep": (["/x/y/z", "/x/y/Z"], []),
}


def tree(paths: list[str], folders: list[str] | None = None) -> MediaTree:
    return MediaTree(
        files=tuple(MediaFile(path=path, source=b"x") for path in paths), directories=tuple(folders or [])
    )


def refused(one: MediaTree, error: type[MediaRequestError], *, fat_only: bool = False) -> str:
    """The message; both writers refuse before they write a byte."""
    begin = time.perf_counter()
    sink = MemorySink()
    with pytest.raises(error) as caught:
        write_fat(one, sink, label="", serial=0, time=0)
    if not fat_only:
        with pytest.raises(error):
            write_iso(one, sink, volume_id="", time=0)
    assert sink.getvalue() == b""
    assert time.perf_counter() - begin < 5
    assert caught.value.exit_status == 2
    assert "\n" not in caught.value.message
    caught.value.message.encode()
    return caught.value.message


@pytest.mark.parametrize("path", BAD_PATHS.values(), ids=BAD_PATHS)
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_no_medium_has_such_a_name(path: str, kind: str) -> None:
    message = refused(tree([path]) if kind == "file" else tree([], [path]), BadMediaName)
    assert message.startswith("name ")


@pytest.mark.parametrize("path", WINDOWS_REFUSES.values(), ids=WINDOWS_REFUSES)
def test_fat_refuses_what_windows_does(path: str) -> None:
    assert "Windows" in refused(tree([path]), BadMediaName, fat_only=True)
    write_iso(tree([path]), MemorySink(), volume_id="", time=0)


@pytest.mark.parametrize(("paths", "folders"), CLASHES.values(), ids=CLASHES)
def test_names_that_a_guest_takes_for_one_are_refused(paths: list[str], folders: list[str]) -> None:
    refused(tree(paths, folders), MediaNameClash)
    refused(tree(paths[::-1], folders), MediaNameClash)


def test_sharp_s_and_ss_are_two_names() -> None:
    arranged(tree(["/straße", "/STRASSE"]))


@pytest.mark.parametrize(
    "file",
    [
        MediaFile(path="/a", source=FileSource(size=-1)),
        MediaFile(path="/a", source=b"", mode=-1),
        MediaFile(path="/a", source=b"", mode=0o10000),
    ],
    ids=["negative size", "negative mode", "mode with a type"],
)
def test_impossible_files_are_refused(file: MediaFile) -> None:
    refused(MediaTree(files=(file,)), MediaRequestError)


def test_too_many_files_are_refused() -> None:
    one = MediaFile(path="/a", source=b"")
    assert "200001" in refused(MediaTree(files=(one,) * 200_001), MediaRequestError)


def test_too_many_folders_are_refused() -> None:
    folders = [f"/{number}" + "/d" * 60 for number in range(1100)]
    refused(tree([], folders), MediaRequestError)


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=80)


@given(names=st.lists(_TEXT, max_size=30, unique_by=folded))
def test_short_names_are_of_their_alphabet_and_unique(names: list[str]) -> None:
    pairs = [(name, number % 3 == 0) for number, name in enumerate(sorted(names))]
    iso = iso_identifiers(pairs)
    assert len({one.removesuffix(b";1").removesuffix(b".") for one in iso}) == len(iso)
    for one, (_, folder) in zip(iso, pairs, strict=True):
        text = one.decode()
        allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
        assert set(text if folder else text.removesuffix(";1").replace(".", "", 1)) <= set(allowed)
        assert len(text) <= 33
    joliet = [one.decode("utf-16-be").removesuffix(";1") for one in joliet_identifiers(pairs)]
    assert len({folded(one) for one in joliet}) == len(joliet)
    assert all(len(one) <= 64 and not set(one) & set("*/:;?\\") for one in joliet)


@given(names=st.lists(_TEXT, max_size=30, unique_by=folded))
def test_dos_names_are_unique(names: list[str]) -> None:
    short = short_names(sorted(names))
    assert len(set(short)) == len(short)
    assert all(len(one) == 11 and one.isascii() and one[:1] not in b" " for one in short)


def test_many_equal_beginnings_take_linear_time() -> None:
    pairs = [(f"{'same' * 20}{number}.txt", False) for number in range(20_000)]
    begin = time.perf_counter()
    assert len(set(iso_identifiers(pairs))) == len(set(joliet_identifiers(pairs))) == len(pairs)
    assert len(set(short_names([name for name, _ in pairs]))) == len(pairs)
    assert time.perf_counter() - begin < 10
