"""Frames, values and errors on the wire: what an honest peer sends comes through, all else is refused."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.base.errors import GuestwrightError
from guestwright.confine.errors import ConfinementMissing
from guestwright.disk.memory import MemoryDevice
from guestwright.guestfs import errors
from guestwright.guestfs.port import Entry, FileKind, Removed, Space, Stat
from guestwright.guestfs.remote import blocks, calls, forms, wire
from guestwright.guestfs.remote.failures import from_error, to_error
from guestwright.guestfs.remote.wire import Channel, Frame, Late, Malformed, Type

Pair = tuple[Channel, Channel]

STAT = Stat(
    kind=FileKind.FILE,
    mode=0o4755,
    uid=70000,
    gid=0,
    size=1 << 40,
    links=1,
    inode=12,
    filesystem="disk0/p1",
    mtime=-5,
)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def pair(ends: tuple[socket.socket, socket.socket]) -> Pair:
    ours = Channel(ends[0], patient=False)
    ours.deadline = time.monotonic() + 20
    return ours, Channel(ends[1], patient=True)


def send_all(channel: Channel, frames: Sequence[Frame]) -> None:
    for frame in frames:
        channel.send(*frame)


@pytest.mark.parametrize("size", [0, 1, 4096, 1 << 18, (1 << 18) + 1, 5 << 20])
def test_frames_come_through(pair: Pair, size: int) -> None:
    tail = os.urandom(size)
    sent = [Frame(Type.REQUEST, b'{"a":1}', tail), Frame(Type.CHUNK, b"", b"x"), Frame(Type.DATA, b"", tail)]
    sender = threading.Thread(target=lambda: send_all(pair[0], sent))
    sender.start()
    assert [pair[1].receive() for _ in sent] == sent
    sender.join()


def test_many_small_frames(pair: Pair) -> None:
    frames = [Frame(Type.CHUNK, b"h" * (n % 97), b"t" * (n * 7 % 4001)) for n in range(500)]
    sender = threading.Thread(target=lambda: send_all(pair[1], frames))
    sender.start()
    assert [pair[0].receive() for _ in frames] == frames
    sender.join()


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack(">IBI", 0, 0, 0),
        struct.pack(">IBI", 0, 10, 0),
        struct.pack(">IBI", 4, 2, 5),
        struct.pack(">IBI", wire.MAX_HEAD + 1, 2, wire.MAX_HEAD + 1),
        struct.pack(">IBI", wire.MAX_TAIL + 1, 2, 0),
        b"\xff" * 9,
    ],
)
def test_frames_that_are_refused(ends: tuple[socket.socket, socket.socket], raw: bytes) -> None:
    ends[1].send(raw)
    with pytest.raises(Malformed):
        Channel(ends[0], patient=False).receive()


def test_the_end_of_the_other_side(ends: tuple[socket.socket, socket.socket]) -> None:
    channel = Channel(ends[0], patient=False)
    ends[1].send(b"\0\0")
    ends[1].close()
    with pytest.raises(EOFError):
        channel.receive()
    with pytest.raises(EOFError):
        for _ in range(2):
            channel.send(Type.REQUEST)


def test_deadline_of_receiving(pair: Pair) -> None:
    pair[0].deadline = time.monotonic() + 0.1
    with pytest.raises(Late):
        pair[0].receive()


def test_deadline_when_bytes_trickle(ends: tuple[socket.socket, socket.socket]) -> None:
    channel = Channel(ends[0], patient=False)
    channel.deadline = time.monotonic() + 0.3

    def trickle() -> None:
        for _ in range(100):
            try:
                ends[1].send(b"\0")
            except OSError:
                return
            time.sleep(0.02)

    sender = threading.Thread(target=trickle)
    ends[1].send(struct.pack(">IBI", 1000, 2, 0))
    sender.start()
    with pytest.raises(Late):
        channel.receive()
    ends[0].shutdown(socket.SHUT_RDWR)
    sender.join()


def test_deadline_of_sending_to_one_who_does_not_read(pair: Pair) -> None:
    pair[0].deadline = time.monotonic() + 0.1
    with pytest.raises(Late):
        pair[0].send(Type.REQUEST, b"", bytes(32 << 20))


ANSWERED = [one for one in calls.CALLS.values() if not one.raw]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from(["a", "/", "\n", "\0", "ü", "\U0001f600", "\udc80", "\udcff"])))
def test_any_name_comes_through(name: str) -> None:
    assert wire.unpack(wire.pack([name])) == [name]
    assert wire.pack([name]).isascii()


@pytest.mark.parametrize("head", [b"", b"{", b"\xff", b"[" * 200_000, b"1" * 10_000, b"nope", b"[1] [2]"])
def test_heads_that_are_refused(head: bytes) -> None:
    with pytest.raises(Malformed):
        wire.unpack(head)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (calls.LSTAT, STAT),
        (calls.LISTDIR, [Entry(path="/", stat=STAT), Entry(path="/a\udcff\n", stat=STAT)]),
        (calls.WALK_MORE, forms.Page(3, [Entry(path="/x", stat=STAT)], done=True)),
        (calls.REMOVE, Removed(files=1, directories=2, size=3)),
        (calls.SPACE, Space(total=3, free=2, inodes_free=1)),
        (calls.MOUNTS, {"/": "disk0/p1", "/var": "lvm:a/b"}),
        (calls.XATTRS, {"security.selinux": b"\0\xff", "user.x": b""}),
        (calls.READLINK, "../\udc80"),
        (calls.RESOLVE, "/a/b"),
        (calls.SYNC, None),
    ],
    ids=lambda one: one.name if isinstance(one, calls.Call) else "",
)
def test_values_come_through(call: calls.Call[Any], value: Any) -> None:
    assert call.decode(wire.unpack(wire.pack(call.encode(value)))) == value


@pytest.mark.parametrize(
    "call", [one for one in calls.CALLS.values() if not one.raw], ids=lambda one: one.name
)
@settings(deadline=None)
@given(value=JSON)
def test_values_that_are_refused(call: calls.Call[Any], value: Any) -> None:
    with suppress(Malformed):
        call.decode(json.loads(json.dumps(value)))


@pytest.mark.parametrize(
    "path", ["", "a", "//", "/a//b", "/a/", "/a/..", "/../a", "/./a", "/a\0", "/a/../b", 1, None, ["/"]]
)
def test_paths_that_are_refused(path: Any) -> None:
    with pytest.raises(Malformed):
        forms.path(path)


@pytest.mark.parametrize("path", ["/", "/a", "/a/..b", "/...", "/a\n/b"])
def test_paths_that_are_taken(path: str) -> None:
    assert forms.path(path) == path


@pytest.mark.parametrize(
    ("index", "value"),
    [
        (0, "x"),
        (0, []),
        (1, 0o10000),
        (1, True),
        (2, -1),
        (3, 1 << 32),
        (4, 1.0),
        (6, "1"),
        (7, 5),
        (8, 1 << 60),
    ],
)
def test_stats_that_are_refused(index: int, value: Any) -> None:
    fields = forms.from_stat(STAT)
    fields[index] = value
    with pytest.raises(Malformed):
        forms.to_stat(fields)


@pytest.mark.parametrize(
    "error",
    [
        errors.NotFound(path="/a\udcff\n"),
        errors.TooLarge(path="/a", size=5, limit=4),
        errors.WrongKind(path="/a", found=FileKind.FIFO, expected="file"),
        errors.UnsupportedFilesystem(filesystem="disk0", detail="d", advice="a"),
        errors.Corrupt(filesystem="disk0", detail="d"),
        ConfinementMissing(what="w", detail="d"),
    ],
    ids=lambda error: error.code,
)
def test_errors_come_through(error: GuestwrightError) -> None:
    again = to_error(wire.unpack(wire.pack(from_error(error))))
    assert type(again) is type(error)
    assert (again.message, again.advice) == (error.message, error.advice)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"code": "guest-file-not-found"},
        {"code": "guest-file-not-found", "params": {}},
        {"code": "guest-file-not-found", "params": {"path": ["x"]}},
        {"code": "guest-file-not-found", "params": {"path": "/", "self": "x"}},
        {"code": "no-such-code", "params": {}},
        {"code": "image-in-use", "params": {"path": "x", "detail": "y"}},
        {"code": 5, "params": {}},
        {"code": "guest-file-not-found", "params": {f"p{n}": 1 for n in range(20)}},
    ],
)
def test_errors_that_are_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        to_error(value)


# -- blocks ------------------------------------------------------------------------------------------------


def test_blocks_come_through(pair: Pair) -> None:
    device = MemoryDevice(bytes(range(256)) * 65536)
    server = blocks.BlockServer(pair[0], [MemoryDevice(10), device])
    remote = blocks.ChannelDevice(pair[1], 1, size=device.size, writable=True)

    def use() -> None:
        assert remote.read(1, 300) == device.read(1, 300)
        assert remote.read(0, device.size) == device.read(0, device.size)
        remote.write(5, b"hello")
        remote.write(1 << 20, bytes(9 << 20))
        remote.flush()
        pair[1].send(Type.REPLY)

    user = threading.Thread(target=use)
    user.start()
    while server.serve(pair[0].receive()):
        pass
    user.join()
    assert device.read(4, 7) == b"\x04hello\x0a"
    assert device.read(1 << 20, 9 << 20) == bytes(9 << 20)
    assert device.flushes == 1
    assert server.bytes_read == 300 + device.size


@pytest.mark.parametrize(
    ("kind", "tail"),
    [
        (Type.READ, b""),
        (Type.READ, blocks.RANGE.pack(2, 0, 1)),
        (Type.READ, blocks.RANGE.pack(0, 0, 101)),
        (Type.READ, blocks.RANGE.pack(0, 100, 1)),
        (Type.READ, blocks.RANGE.pack(0, (1 << 64) - 1, 1)),
        (Type.READ, blocks.RANGE.pack(0, 0, 0xFFFFFFFF)),
        (Type.WRITE, blocks.RANGE.pack(0, 0, 5) + b"1234"),
        (Type.WRITE, blocks.RANGE.pack(0, 98, 4) + b"1234"),
        (Type.WRITE, blocks.RANGE.pack(1, 0, 4) + b"1234"),
        (Type.WRITE, b"123"),
        (Type.FLUSH, blocks.RANGE.pack(9, 0, 0)),
    ],
)
def test_block_requests_that_are_refused(pair: Pair, kind: Type, tail: bytes) -> None:
    device = MemoryDevice(100)
    server = blocks.BlockServer(pair[0], [device, MemoryDevice(100, writable=False)])
    with pytest.raises(Malformed):
        server.serve(Frame(kind, b"", tail))
    assert device.read(0, 100) == bytes(100)
