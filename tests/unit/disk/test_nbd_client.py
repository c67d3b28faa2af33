"""The NBD client against a server that behaves, and servers that do not."""

from __future__ import annotations

import errno
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.base.errors import GuestwrightError
from guestwright.disk import nbd_wire as wire
from guestwright.disk.errors import ConnectionEnded, DiskIO, HostNoSpace, NbdFailed, NotWritable, OutOfRange
from guestwright.disk.nbd_client import NbdDevice

SIZE = 1 << 20
GREETING = wire.GREETING.pack(wire.INIT_MAGIC, wire.OPTION_MAGIC, 3)
Script = Callable[[socket.socket], None]


def reply(option: int, kind: int, payload: bytes = b"") -> bytes:
    return wire.OPTION_REPLY.pack(wire.OPTION_REPLY_MAGIC, option, kind, len(payload)) + payload


def take(server: socket.socket, length: int) -> bytes:
    return server.recv(length, socket.MSG_WAITALL)


def take_option(server: socket.socket) -> bytes:
    head = take(server, 16)
    return head + take(server, int.from_bytes(head[12:], "big"))


def shake(server: socket.socket, *, structured: bool = True, context: bool = True, flags: int = 5) -> None:
    """The server's side of the handshake."""
    server.sendall(GREETING)
    assert take(server, 4) == struct.pack(">I", 3)
    take_option(server)
    server.sendall(reply(wire.OPT_STRUCTURED_REPLY, wire.REP_ACK if structured else wire.REP_IS_ERROR | 1))
    if structured:
        assert b"base:allocation" in take_option(server)
        if context:
            payload = struct.pack(">I", 7) + b"base:allocation"
            server.sendall(reply(wire.OPT_SET_META_CONTEXT, wire.REP_META_CONTEXT, payload))
        server.sendall(reply(wire.OPT_SET_META_CONTEXT, wire.REP_ACK))
    take_option(server)
    server.sendall(reply(wire.OPT_GO, wire.REP_INFO, struct.pack(">HH", 3, 0)))
    server.sendall(reply(wire.OPT_GO, wire.REP_INFO, struct.pack(">HQH", 0, SIZE, flags)))
    server.sendall(reply(wire.OPT_GO, wire.REP_ACK))


def chunk(request: bytes, flags: int, kind: int, payload: bytes = b"") -> bytes:
    cookie = int.from_bytes(request[8:16], "big")
    return wire.CHUNK.pack(wire.STRUCTURED_REPLY_MAGIC, flags, kind, cookie, len(payload)) + payload


def simple(request: bytes, error: int = 0, data: bytes = b"") -> bytes:
    cookie = int.from_bytes(request[8:16], "big")
    return wire.SIMPLE_REPLY.pack(wire.SIMPLE_REPLY_MAGIC, error, cookie) + data


class Serving:
    """Runs a script as the server in a thread; a context manager that gives the client's socket."""

    def __init__(self, script: Script) -> None:
        self.client, self._server = socket.socketpair()
        self._thread = threading.Thread(target=self._run, args=(script,))

    def _run(self, script: Script) -> None:
        with self._server, suppress(OSError):
            script(self._server)

    def __enter__(self) -> socket.socket:
        self._thread.start()
        return self.client

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._thread.join()


def connect(client: socket.socket) -> NbdDevice:
    return NbdDevice(client, path="image", timeout=1)


@pytest.mark.parametrize("structured", [True, False])
def test_handshake(structured: bool) -> None:
    with Serving(lambda server: shake(server, structured=structured)) as client:
        device = connect(client)
        assert device.size == SIZE
        assert device.writable
        assert device.has_block_status == structured


def test_read_only_export_refuses_writes() -> None:
    with Serving(lambda server: shake(server, flags=3)) as client, pytest.raises(NotWritable):
        connect(client).write(0, b"x")


def test_read_put_together_from_pieces_in_any_order() -> None:
    def script(server: socket.socket) -> None:
        shake(server)
        request = take(server, 28)
        server.sendall(chunk(request, 0, wire.CHUNK_DATA, struct.pack(">Q", 1500) + b"b" * 500))
        server.sendall(chunk(request, 0, wire.CHUNK_HOLE, struct.pack(">QI", 1200, 300)))
        server.sendall(chunk(request, 0, wire.CHUNK_DATA, struct.pack(">Q", 1000) + b"a" * 200))
        server.sendall(chunk(request, wire.CHUNK_DONE, wire.CHUNK_NONE))

    with Serving(script) as client:
        assert connect(client).read(1000, 1000) == b"a" * 200 + bytes(300) + b"b" * 500


def many(server: socket.socket, count: int) -> list[bytes]:
    """So many write requests of 8 bytes each, in order of arrival."""
    taken = []
    for _ in range(count):
        taken.append(take(server, 28))
        take(server, 8)
    return taken


@pytest.mark.parametrize("structured", [True, False])
def test_many_writes_are_answered_in_any_order(structured: bool) -> None:
    def script(server: socket.socket) -> None:
        shake(server, structured=structured)
        first = many(server, 16)
        for request in reversed(first):
            server.sendall(chunk(request, 1, wire.CHUNK_NONE) if structured else simple(request))
        for request in many(server, 4):
            server.sendall(simple(request))
        server.sendall(simple(take(server, 28)))  # flush

    with Serving(script) as client:
        device = connect(client)
        device.write_all((at * 8, b"%8d" % at) for at in range(20))
        device.flush()


def test_one_of_many_writes_fails_and_the_device_goes_on() -> None:
    def script(server: socket.socket) -> None:
        shake(server)
        for number, request in enumerate(many(server, 10)):
            server.sendall(simple(request, errno.ENOSPC if number == 3 else 0))
        server.sendall(simple(take(server, 28)))

    with Serving(script) as client:
        device = connect(client)
        with pytest.raises(HostNoSpace):
            device.write_all((at * 8, b"%8d" % at) for at in range(10))
        device.flush()


def test_no_more_is_sent_after_a_write_that_failed() -> None:
    def script(server: socket.socket) -> None:
        shake(server)
        for request in many(server, 16):
            server.sendall(simple(request, errno.EIO))
        server.sendall(simple(take(server, 28)))

    with Serving(script) as client:
        device = connect(client)
        with pytest.raises(DiskIO):
            device.write_all((at * 8, b"%8d" % at) for at in range(1000))
        device.flush()


def test_writes_that_cannot_be_leave_the_others_answered() -> None:
    def script(server: socket.socket) -> None:
        shake(server)
        for request in many(server, 1):
            server.sendall(simple(request))
        server.sendall(simple(take(server, 28)))

    with Serving(script) as client:
        device = connect(client)
        with pytest.raises(OutOfRange):
            device.write_all([(0, b"12345678"), (SIZE, b"12345678")])
        device.flush()


def test_read_only_export_refuses_many_writes() -> None:
    with Serving(lambda server: shake(server, flags=3)) as client, pytest.raises(NotWritable):
        connect(client).write_all([(0, b"x")])


def test_an_answer_to_nothing_that_was_asked() -> None:
    def script(server: socket.socket) -> None:
        shake(server)
        (request,) = many(server, 1)
        server.sendall(simple(request) * 2)
        many(server, 1)

    with Serving(script) as client:
        device = connect(client)
        device.write_all([(0, b"12345678")])
        with pytest.raises(NbdFailed, match="nothing that was asked"):
            device.write_all([(0, b"12345678")])


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.EIO, DiskIO), (errno.ENOSPC, HostNoSpace), (errno.EPERM, DiskIO)]
)
@pytest.mark.parametrize("structured", [True, False])
def test_errors_of_the_server(number: int, expected: type[GuestwrightError], structured: bool) -> None:
    def script(server: socket.socket) -> None:
        shake(server, structured=structured)
        for data in (4096, 0, 0):
            request = take(server, 28)
            take(server, data)
            if structured:
                payload = struct.pack(">IH", number, 2) + b"no"
                server.sendall(chunk(request, wire.CHUNK_DONE, wire.CHUNK_IS_ERROR | 1, payload))
            else:
                server.sendall(simple(request, number))

    with Serving(script) as client:
        device = connect(client)
        with pytest.raises(expected):
            device.write(0, bytes(4096))
        with pytest.raises(expected):
            device.read(0, 512)
        with pytest.raises(expected):
            device.flush()


def test_block_status_is_cut_to_what_was_asked() -> None:
    def script(server: socket.socket) -> None:
        shake(server)
        for extents in ([(4096, 0)], [(8192, 3), (1 << 31, 0)]):
            request = take(server, 28)
            payload = struct.pack(">I", 7) + b"".join(struct.pack(">II", *extent) for extent in extents)
            server.sendall(chunk(request, wire.CHUNK_DONE, wire.CHUNK_BLOCK_STATUS, payload))

    with Serving(script) as client:
        found = list(connect(client).block_status(0, 65536))
    assert found == [(0, 4096, 0), (4096, 8192, 3), (12288, 53248, 0)]


def test_no_block_status_means_data() -> None:
    with Serving(lambda server: shake(server, context=False)) as client:
        assert list(connect(client).block_status(512, 1024)) == [(512, 1024, 0)]


def test_silent_server_times_out() -> None:
    held = threading.Event()

    def script(server: socket.socket) -> None:
        shake(server)
        held.wait(10)

    with Serving(script) as client:
        device = connect(client)
        with pytest.raises(ConnectionEnded, match="does not answer"):
            device.read(0, 512)
        held.set()


@pytest.mark.parametrize("length", [0, 5, 18, 30, 60])
def test_server_that_goes_away(length: int) -> None:
    data = (GREETING + bytes(100))[:length]
    with Serving(lambda server: server.sendall(data)) as client, pytest.raises(NbdFailed):
        connect(client)


def test_refused_export() -> None:
    def script(server: socket.socket) -> None:
        server.sendall(GREETING)
        take(server, 4)
        take_option(server)
        server.sendall(reply(wire.OPT_STRUCTURED_REPLY, wire.REP_IS_ERROR | 1))
        take_option(server)
        server.sendall(reply(wire.OPT_GO, wire.REP_IS_ERROR | 6, b"unknown export\x1b[2J"))

    with Serving(script) as client, pytest.raises(NbdFailed, match="unknown export") as caught:
        connect(client)
    assert "\x1b" not in caught.value.message


BAD_READS = {
    "outside": [(0, wire.CHUNK_DATA, struct.pack(">Q", 1 << 40) + b"x" * 512)],
    "before": [(0, wire.CHUNK_DATA, struct.pack(">Q", 0) + b"x" * 512)],
    "hole-outside": [(0, wire.CHUNK_HOLE, struct.pack(">QI", 4096, 1 << 30))],
    "too-little": [(1, wire.CHUNK_DATA, struct.pack(">Q", 4096) + b"x" * 10)],
    "twice": [(0, wire.CHUNK_DATA, struct.pack(">Q", 4096) + b"x" * 512)] * 2 + [(1, wire.CHUNK_NONE, b"")],
    "unknown-kind": [(1, 77, b"")],
    "nothing": [(1, wire.CHUNK_NONE, b"")],
}


@pytest.mark.parametrize("chunks", BAD_READS.values(), ids=BAD_READS.keys())
def test_nonsense_in_answer_to_a_read(chunks: list[tuple[int, int, bytes]]) -> None:
    def script(server: socket.socket) -> None:
        shake(server)
        request = take(server, 28)
        for flags, kind, payload in chunks:
            server.sendall(chunk(request, flags, kind, payload))

    with Serving(script) as client:
        device = connect(client)
        with pytest.raises(NbdFailed):
            device.read(4096, 512)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_junk_from_the_server_is_our_error(junk: bytes) -> None:
    def script(server: socket.socket) -> None:
        shake(server)
        take(server, 28)
        server.sendall(junk)

    with Serving(script) as client:
        device = connect(client)
        with pytest.raises(GuestwrightError):
            device.read(0, 512)


@given(st.binary(max_size=64))
def test_wire_parsers_raise_only_wire_errors(data: bytes) -> None:
    for parse in (wire.parse_export, wire.parse_context, wire.parse_extents):
        with suppress(wire.WireError):
            parse(data)
    with suppress(wire.WireError):
        wire.parse_greeting(data[:18].ljust(18, b"\0"))
    with suppress(wire.WireError):
        wire.parse_option_reply(data[:20].ljust(20, b"\0"), 7)
    with suppress(wire.WireError):
        wire.parse_chunk(data[:20].ljust(20, b"\0"), 1)
