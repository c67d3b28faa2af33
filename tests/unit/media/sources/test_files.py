"""Payloads of any files: names, sizes, base64, labels."""

from __future__ import annotations

import base64
import time

import pytest

from guestwright.media.sources import files
from guestwright.media.sources.errors import BadPayload, BadPayloadEncoding, BadPayloadName, PayloadTooLarge
from guestwright.media.sources.model import Form, Input, contents
from guestwright.media.tree import FileSource

BAD_BASE64 = [
    *("a", "ab", "abc", "abcde", "ab=c", "a===", "====", "=", "ab==cd==", "abcd=", "ab=", "ab\0c", "ab-_"),
    *(
        "ab\u00e9d",
        "abc\x1b",
        "ab.d",
        "{}",
        "ab==x",
        "\u2028abc",
        "ab\x0bd",
        "a b c",
        "YWJj!",
        "%41BCD",
        "\ud800abc",
    ),
]
BAD_LABELS = ["a b", "a/b", "a" * 33, "-a", ".a", "_a", "a\0", "a\n", "a:b", "a\u202eb", "a*", "a\\b", "é€"]


def one(data: bytes = b"x") -> Input:
    return Input(name="input", data=data)


def test_files_come_through() -> None:
    made = files.build([("a.txt", one(b"1")), ("d/ü.txt", one(b"2"))], label="LABEL-1")
    assert (made.form, made.label) == (Form.FILES, "LABEL-1")
    assert contents(made.tree) == {"/a.txt": b"1", "/d/ü.txt": b"2"}


def test_files_of_the_host_are_not_read() -> None:
    made = files.build([("big", FileSource(size=1000, path="/no/such/file"))])
    assert made.tree.files[0].size == 1000


def test_a_scrubbed_payload_keeps_label_and_names_only() -> None:
    twin = files.scrub(files.build([("a", one(b"secret")), ("b", FileSource(size=9, path="/x"))], label="L"))
    assert twin.label == "L"
    assert contents(twin.tree) == {"/a": b"", "/b": b""}


@pytest.mark.parametrize("text", BAD_BASE64, ids=ascii)
def test_broken_base64_is_refused(text: str) -> None:
    with pytest.raises(BadPayloadEncoding) as caught:
        files.build_base64({"name.txt": text})
    assert caught.value.message.startswith("name.txt:1:")


@pytest.mark.parametrize("size", [0, 1, 2, 3, 8192])
def test_base64_with_line_breaks_is_read(size: int) -> None:
    data = bytes(range(256)) * 32
    made = files.build_base64({"n": base64.encodebytes(data[:size]).decode()})
    assert contents(made.tree) == {"/n": data[:size]}


def test_base64_names_line_and_column() -> None:
    with pytest.raises(BadPayloadEncoding) as caught:
        files.build_base64({"n": "YWJj\nYW!j"})
    assert caught.value.message.startswith("n:2:3: ")


@pytest.mark.parametrize("label", BAD_LABELS, ids=ascii)
def test_a_bad_label_is_refused(label: str) -> None:
    with pytest.raises(BadPayload):
        files.build([("a", one())], label=label)


@pytest.mark.parametrize(
    ("count", "size", "limits"),
    [
        (2, 1, files.Limits(count=1)),
        (1, 2, files.Limits(file_bytes=1)),
        (3, 2, files.Limits(total_bytes=5)),
        (1, 8193, files.OVIRT),
        (1001, 0, files.OVIRT),
        (1001, 0, files.LIMITS),
        (1, 16 * 1024 * 1024 + 1, files.LIMITS),
    ],
)
def test_too_much_is_refused(count: int, size: int, limits: files.Limits) -> None:
    data = bytes(size)
    with pytest.raises(PayloadTooLarge):
        files.build([(f"f{n}", one(data)) for n in range(count)], limits=limits)


def test_limits_are_inclusive() -> None:
    files.build([("a", one(bytes(8192)))], limits=files.OVIRT)


def test_a_file_of_the_host_counts() -> None:
    with pytest.raises(PayloadTooLarge):
        files.build([("a", FileSource(size=10**12, path="/x"))])


def test_a_flood_of_base64_is_not_decoded() -> None:
    flood = " " * 50_000_000
    begun = time.process_time()
    with pytest.raises(PayloadTooLarge):
        files.build_base64({"a": flood})
    assert time.process_time() - begun < 5


def test_nothing_is_no_payload() -> None:
    with pytest.raises(BadPayload):
        files.build([])


def test_duplicates_are_refused_not_the_last_one_taken() -> None:
    with pytest.raises(BadPayloadName):
        files.build_base64([("a", ""), ("a", "")])
