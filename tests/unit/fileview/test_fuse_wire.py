"""The codec, against the layouts of include/uapi/linux/fuse.h."""

from __future__ import annotations

import errno
import stat
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.fileview import fuse_wire as wire


def _request(opcode: int, body: bytes = b"", *, length: int | None = None) -> bytes:
    size = 40 + len(body) if length is None else length
    return struct.pack("=IIQQIIIHH", size, opcode, 77, 1, 0, 0, 0, 0, 0) + body


def test_request_head() -> None:
    raw = _request(wire.Opcode.GETATTR, b"x" * 16)
    assert wire.parse_request(raw, len(raw)) == wire.Request(56, 3, 77, 1)


@pytest.mark.parametrize(
    "raw",
    [pytest.param(b"short", id="short"), pytest.param(_request(3, length=400), id="wrong length")],
)
def test_malformed_request(raw: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.parse_request(raw, len(raw))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_read_request(offset: int, size: int) -> None:
    raw = _request(wire.Opcode.READ, struct.pack("=QQIIQII", 5, offset, size, 0, 0, 0, 0))
    assert wire.READ_REQUEST.unpack_from(raw) == (wire.Opcode.READ, 77, offset, size)


@given(st.integers(0, 2**63), st.binary(max_size=50))
def test_write_request(offset: int, data: bytes) -> None:
    raw = _request(16, struct.pack("=QQIIQII", 5, offset, len(data), 0, 0, 0, 0) + data)
    _, at, size, *_ = wire.WRITE_IN.unpack_from(raw, wire.IN_HEADER.size)
    assert (at, size) == (offset, len(data))
    assert raw[wire.IN_HEADER.size + wire.WRITE_IN.size :] == data


def test_init() -> None:
    raw = _request(26, struct.pack("=IIIIII", 7, 45, 131072, 0xFFFFFFFF, 0, 0))
    offer = wire.parse_init(raw)
    assert offer == wire.Init(7, 45, 131072, 0xFFFFFFFF)
    answer = wire.init_out(offer, 1 << 20)
    assert len(answer) == 64
    major, minor, readahead, flags, _, _, max_write, _, pages = struct.unpack_from("=IIIIHHIIH", answer)
    assert (major, minor, readahead, max_write, pages) == (7, 31, 1 << 20, 1 << 20, 256)
    assert flags == wire.FUSE_ASYNC_READ | wire.FUSE_BIG_WRITES | wire.FUSE_MAX_PAGES


def test_init_takes_only_what_is_offered() -> None:
    answer = wire.init_out(wire.Init(7, 25, 4096, wire.FUSE_BIG_WRITES), 4096)
    assert struct.unpack_from("=IIII", answer) == (7, 25, 4096, wire.FUSE_BIG_WRITES)


@pytest.mark.parametrize("offer", [wire.Init(6, 40, 0, 0), wire.Init(8, 0, 0, 0), wire.Init(7, 22, 0, 0)])
def test_init_with_a_strange_kernel(offer: wire.Init) -> None:
    with pytest.raises(wire.WireError, match="kernel speaks FUSE"):
        wire.init_out(offer, 0)


@pytest.mark.parametrize(("writable", "bits"), [(True, 0o600), (False, 0o400)])
def test_attributes(writable: bool, bits: int) -> None:
    raw = wire.attr_out(1_000_001, writable=writable)
    assert len(raw) == 104  # fuse_attr_out
    _, _, _, inode, size, blocks = struct.unpack_from("=QIIQQQ", raw)
    (mode,) = struct.unpack_from("=I", raw, 16 + 60)
    assert (inode, size, blocks) == (1, 1_000_001, 1954)
    assert mode == stat.S_IFREG | bits


@pytest.mark.parametrize(
    ("payload", "length"),
    [(wire.open_out(), 16), (wire.write_out(5), 8), (wire.statfs_out(1 << 30), 80)],
    ids=["open", "write", "statfs"],
)
def test_sizes_of_answers(payload: bytes, length: int) -> None:
    assert len(payload) == length
    whole = wire.reply(9, payload)
    assert struct.unpack_from("=IiQ", whole) == (16 + length, 0, 9)


def test_failure() -> None:
    assert struct.unpack("=IiQ", wire.failure(9, errno.EIO)) == (16, -5, 9)
