"""The server on a socket pair: one datagram is one request, as with /dev/fuse."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator

import pytest

from guestwright.fileview import fuse_wire as wire
from guestwright.fileview.fuse_server import FuseServer
from tests.support.memory_device import MemoryDevice

CONTENT = bytes(range(256)) * 64
TRUNCATE = struct.pack("=II", 1 << 3, 0) + b"\0" * 80


class Kernel:
    """The other side: sends requests, reads answers."""

    def __init__(self, *, writable: bool) -> None:
        self.device = MemoryDevice(CONTENT, writable=writable)
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.theirs = theirs
        self.server = FuseServer(theirs.fileno(), self.device, writable=writable)

    def ask(self, opcode: int, body: bytes = b"") -> tuple[int, bytes]:
        head = struct.pack("=IIQQIIIHH", 40 + len(body), opcode, 5, 1, 0, 0, 0, 0, 0)
        self.ours.send(head + body)
        assert self.server.serve_waiting()
        answer = self.ours.recv(1 << 21)
        length, error, unique = struct.unpack_from("=IiQ", answer)
        assert (length, unique) == (len(answer), 5)
        return -error, answer[16:]

    def read(self, offset: int, size: int) -> tuple[int, bytes]:
        return self.ask(wire.Opcode.READ, struct.pack("=QQIIQII", 0, offset, size, 0, 0, 0, 0))

    def write(self, offset: int, data: bytes, *, claim: int | None = None) -> tuple[int, bytes]:
        size = len(data) if claim is None else claim
        return self.ask(wire.Opcode.WRITE, struct.pack("=QQIIQII", 0, offset, size, 0, 0, 0, 0) + data)


@pytest.fixture(params=[True, False], ids=["writable", "read-only"])
def kernel(request: pytest.FixtureRequest) -> Iterator[Kernel]:
    one = Kernel(writable=request.param)
    with one.ours, one.theirs:
        yield one


@pytest.mark.parametrize(
    ("offset", "size", "expected"),
    [
        pytest.param(0, 4096, CONTENT[:4096], id="start"),
        pytest.param(5, 100, CONTENT[5:105], id="odd"),
        pytest.param(len(CONTENT) - 10, 4096, CONTENT[-10:], id="across the end"),
        pytest.param(len(CONTENT), 4096, b"", id="at the end"),
        pytest.param(1 << 62, 4096, b"", id="far beyond"),
    ],
)
def test_read(kernel: Kernel, offset: int, size: int, expected: bytes) -> None:
    assert kernel.read(offset, size) == (0, expected)


def test_write(kernel: Kernel) -> None:
    error, body = kernel.write(100, b"hello")
    if kernel.device.writable:
        assert (error, struct.unpack("=II", body)) == (0, (5, 0))
        assert kernel.device.content[100:105] == b"hello"
    else:
        assert error == errno.EROFS
        assert kernel.device.content == CONTENT


@pytest.mark.parametrize(
    ("offset", "claim", "expected"),
    [(len(CONTENT) - 2, None, errno.ENOSPC), (1 << 60, None, errno.ENOSPC), (0, 6, errno.EINVAL)],
    ids=["across the end", "far beyond", "longer than it is"],
)
def test_impossible_writes(offset: int, claim: int | None, expected: int) -> None:
    kernel = Kernel(writable=True)
    with kernel.ours, kernel.theirs:
        assert kernel.write(offset, b"hello", claim=claim)[0] == expected
        assert kernel.device.content == CONTENT


@pytest.mark.parametrize(
    ("opcode", "body", "expected"),
    [
        pytest.param(wire.Opcode.GETATTR, b"\0" * 16, 0, id="getattr"),
        pytest.param(wire.Opcode.OPEN, b"\0" * 8, 0, id="open"),
        pytest.param(wire.Opcode.STATFS, b"", 0, id="statfs"),
        pytest.param(wire.Opcode.FLUSH, b"\0" * 24, 0, id="flush"),
        pytest.param(wire.Opcode.FSYNC, b"\0" * 16, 0, id="fsync"),
        pytest.param(wire.Opcode.RELEASE, b"\0" * 24, 0, id="release"),
        pytest.param(wire.Opcode.ACCESS, b"\0" * 8, 0, id="access"),
        pytest.param(wire.Opcode.LOOKUP, b"x\0", errno.ENOENT, id="lookup"),
        pytest.param(wire.Opcode.SETATTR, struct.pack("=II", 1 << 5, 0) + b"\0" * 80, 0, id="touch"),
        pytest.param(wire.Opcode.SETATTR, TRUNCATE, errno.EPERM, id="truncate"),
        pytest.param(43, b"\0" * 32, errno.ENOSYS, id="fallocate"),
        pytest.param(22, b"\0" * 8, errno.ENOSYS, id="getxattr"),
        pytest.param(9999, b"", errno.ENOSYS, id="unknown"),
    ],
)
def test_other_requests(kernel: Kernel, opcode: int, body: bytes, expected: int) -> None:
    assert kernel.ask(opcode, body)[0] == expected


@pytest.mark.parametrize("opcode", [wire.Opcode.FORGET, wire.Opcode.INTERRUPT, wire.Opcode.DESTROY])
def test_requests_without_an_answer(kernel: Kernel, opcode: int) -> None:
    kernel.ours.send(struct.pack("=IIQQIIIHHQ", 48, opcode, 5, 1, 0, 0, 0, 0, 0, 1))
    assert kernel.server.serve_waiting()
    kernel.ours.setblocking(False)
    with pytest.raises(BlockingIOError):
        kernel.ours.recv(10)


def test_fsync_reaches_the_device() -> None:
    kernel = Kernel(writable=True)
    with kernel.ours, kernel.theirs:
        kernel.ask(wire.Opcode.FSYNC, b"\0" * 16)
        assert kernel.device.flushes == 1


@pytest.mark.parametrize("what", ["read", "write"])
def test_device_errors_are_told_and_kept(what: str) -> None:
    kernel = Kernel(writable=True)
    with kernel.ours, kernel.theirs:
        kernel.device.fail_reads = kernel.device.fail_writes = True
        answer = kernel.read(0, 10) if what == "read" else kernel.write(0, b"x")
        assert answer == (errno.EIO, b"")
        with pytest.raises(OSError, match="bad medium"):
            kernel.server.raise_device_error()


def test_many_requests_in_the_queue() -> None:
    kernel = Kernel(writable=False)
    with kernel.ours, kernel.theirs:
        for number in range(20):
            body = struct.pack("=QQIIQII", 0, number * 16, 16, 0, 0, 0, 0)
            kernel.ours.send(struct.pack("=IIQQIIIHH", 40 + len(body), 15, number, 1, 0, 0, 0, 0, 0) + body)
        assert kernel.server.serve_waiting()
        for number in range(20):
            answer = kernel.ours.recv(4096)
            assert struct.unpack_from("=IiQ", answer) == (32, 0, number)
            assert answer[16:] == CONTENT[number * 16 : number * 16 + 16]


def test_descriptor_does_not_block() -> None:
    kernel = Kernel(writable=False)
    with kernel.ours, kernel.theirs:
        assert not os.get_blocking(kernel.server.descriptor)
