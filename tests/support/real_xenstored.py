"""Xen's own C xenstored without Xen, as new as often as wanted; guests talk to it through real rings.

Theory of operation: see `real_xenstored.c`, which is preloaded. A `Mint` is one xenstored that has started
and served nobody; `RealStore` is a fork of it with clients. Everything lies in one private directory.

Requests are made one at a time: the reply has come before the next request leaves. Whatever a request makes
the server send to others is then at least queued there, so that the order of messages within each
connection is determined.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from guestwright.xenstore.core.ring import PAGE_SIZE, RING_SIZE, Ring
from guestwright.xenstore.core.wire import GET_DOMAIN_PATH, HEADER, HEADER_SIZE, WATCH_EVENT, frame

XENSTORED = "/usr/lib/xen-4.17/bin/xenstored"
DOMAINS = 16
PATIENCE = 30.0  # seconds without an answer until the server counts as dead

_SOURCE = Path(__file__).with_suffix(".c")
_CHANGED = 1  # port of the hypervisor's word that a domain changed
_FIRST_PORT = 100
_MOMENT = 0.01  # seconds
# A server that waits for room has filled the ring, so one of two looks at it finds at least half a ring.
_WORTH_A_KICK = RING_SIZE // 2
_PORT = struct.Struct("=I")
_STATUS = struct.Struct("=i")

# Type, request id, transaction id, payload.
Message = tuple[int, int, int, bytes]


class Died(Exception):
    """The real server ended, or does not answer."""


class Mint:
    """A xenstored that forks servers which are as new as itself."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        library = directory / "stand-in.so"
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", str(library), str(_SOURCE), "-ldl"], check=True
        )
        (directory / "port").write_text("1")
        world = directory / "world"
        world.write_bytes(bytes(PAGE_SIZE * (DOMAINS + 1)))
        with world.open("r+b") as file:
            self.world = mmap.mmap(file.fileno(), 0)
        self.events, events = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.path = str(directory / "run" / "socket")
        (directory / "run").mkdir()
        with events, control, (directory / "stderr").open("wb") as errors:
            self.process = subprocess.Popen(
                [XENSTORED, "-N"],
                env={
                    "LD_PRELOAD": str(library),
                    "XENSTORED_RUNDIR": str(directory / "run"),
                    "STAND_IN_WORLD": str(world),
                    "STAND_IN_PORT": str(directory / "port"),
                    "STAND_IN_EVENTS": str(events.fileno()),
                    "STAND_IN_CONTROL": str(control.fileno()),
                },
                pass_fds=(events.fileno(), control.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        self.control.settimeout(30)
        moment = struct.pack("@ll", 0, int(_MOMENT * 1_000_000))
        self.events.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, moment)
        self.child = 0

    def fork(self) -> None:
        """Start a new server. There may be one at a time."""
        self.world[:] = bytes(len(self.world))
        self.world[DOMAINS * PAGE_SIZE] = ord("a")  # domain 0 never dies
        self._drain()
        self.control.send(b"+")
        self.child = self._word()

    def reap(self) -> int:
        """End the server; the status that it ended with."""
        if not self.ended():
            os.kill(self.child, signal.SIGKILL)
        self.child = 0
        return self._word()

    def ended(self) -> bool:
        """Whether the server ended by itself."""
        return bool(select.select([self.control], [], [], 0)[0])

    def close(self) -> None:
        """End."""
        if self.child:
            self.reap()
        self.control.close()
        self.process.wait(30)
        self.events.close()

    def _word(self) -> int:
        data = self.control.recv(_STATUS.size)
        assert len(data) == _STATUS.size, (self.directory / "stderr").read_text()
        value: int = _STATUS.unpack(data)[0]
        return value

    def _drain(self) -> None:
        try:
            while True:
                self.events.recv(4, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass


class Peer:
    """A client: what it has received, message by message."""

    __slots__ = ("_rest", "at", "closed", "received")

    def __init__(self) -> None:
        self.received: list[Message] = []
        self.at = 0
        self.closed = False
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take bytes that arrived."""
        if self._rest:
            data = self._rest + data
        at = 0
        size = len(data)
        while size - at >= HEADER_SIZE:
            kind, request_id, transaction_id, length = HEADER.unpack_from(data, at)
            end = at + HEADER_SIZE + length
            if end > size:
                break
            self.received.append((kind, request_id, transaction_id, data[at + HEADER_SIZE : end]))
            at = end
        self._rest = data[at:]

    def reply(self, request_id: int) -> Message | None:
        """The reply to a request, if it has come."""
        received = self.received
        while self.at < len(received):
            one = received[self.at]
            self.at += 1
            if one[0] != WATCH_EVENT and one[1] == request_id:
                return one
        return None


class RealStore:
    """A new xenstored with its clients. Names are text for sockets, numbers for domains."""

    SETTLING: Final = 0xFFFF0000  # request ids from here on belong to `settle`

    def __init__(self, mint: Mint) -> None:
        self.mint = mint
        mint.fork()
        self.peers: dict[str | int, Peer] = {}
        self._sockets: dict[str, socket.socket] = {}
        self._rings: dict[int, Ring] = {}

    def end(self) -> int:
        """Leave; the status that the server ended with (9: it was alive)."""
        for one in self._sockets.values():
            one.close()
        return self.mint.reap()

    def connect(self, name: str) -> None:
        """Open a socket."""
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.mint.path)
        client.settimeout(PATIENCE)
        self._sockets[name] = client
        self.peers[name] = Peer()

    def disconnect(self, name: str) -> None:
        """Close a socket."""
        self._sockets.pop(name).close()
        del self.peers[name]

    def exists(self, domid: int, *, state: bytes = b"a") -> None:
        """Set a domain's state, in silence."""
        self.mint.world[DOMAINS * PAGE_SIZE + domid] = state[0]

    def changed(self, domid: int, state: bytes) -> None:
        """Set a domain's state (shut down, crashed, dying: their first letters; NUL: gone) and say so."""
        self.exists(domid, state=state)
        self._kick(_CHANGED)
        for _ in range(int(PATIENCE / _MOMENT)):
            while port := self._notified():
                if port == _CHANGED:
                    return
        raise Died("it does not answer")

    def map_ring(self, domid: int) -> None:
        """Give a domain an empty ring, before it is introduced."""
        start = domid * PAGE_SIZE
        page = memoryview(self.mint.world)[start : start + PAGE_SIZE]
        page[:] = bytes(PAGE_SIZE)
        self._rings[domid] = Ring(page, server=False)
        self.peers[domid] = Peer()

    def unmap_ring(self, domid: int) -> None:
        """Forget a domain's ring."""
        del self._rings[domid], self.peers[domid]

    def ring_error(self, domid: int) -> int:
        """The error field of a domain's ring."""
        return self._rings[domid].error

    def request(self, name: str | int, message: bytes, request_id: int) -> Message | None:
        """Send a message and wait for the reply.

        Returns:
            The reply, or None when the server ended the connection instead.

        Raises:
            Died: the server ended, or says nothing.
        """
        if isinstance(name, str):
            return self._ask_socket(name, message, request_id)
        return self._ask_ring(name, message, request_id)

    def settle(self, *names: str | int) -> None:
        """Wait until all that the server has to say so far to these has arrived."""
        for name in names:
            if not self.peers[name].closed:
                request_id = self.SETTLING
                self.request(name, frame(GET_DOMAIN_PATH, request_id, 0, b"0\0"), request_id)

    def hear(self, name: str | int) -> None:
        """Wait until something has arrived behind the last reply."""
        peer = self.peers[name]
        if peer.at < len(peer.received):
            return
        if isinstance(name, str):
            peer.feed(self._sockets[name].recv(1 << 16))
            return
        while not (data := self._rings[name].get()):
            self._notified()
        peer.feed(data)

    def drain(self) -> None:
        """Take what has arrived for guests, so that their rings do not fill."""
        for domid, ring in self._rings.items():
            data = ring.get()
            if data:
                self.peers[domid].feed(data)
                if len(data) >= _WORTH_A_KICK:
                    self._kick(_FIRST_PORT + domid)

    def _ask_socket(self, name: str, message: bytes, request_id: int) -> Message | None:
        client, peer = self._sockets[name], self.peers[name]
        try:
            client.sendall(message)
            while (reply := peer.reply(request_id)) is None:
                data = client.recv(1 << 16)
                if not data:
                    raise ConnectionResetError
                peer.feed(data)
        except ConnectionError:
            peer.closed = True
            if select.select([self.mint.control], [], [], _MOMENT)[0]:
                raise Died("it ended") from None
            return None
        except TimeoutError as error:
            raise Died("it does not answer") from error
        return reply

    def _ask_ring(self, domid: int, message: bytes, request_id: int) -> Message | None:
        ring, peer = self._rings[domid], self.peers[domid]
        port = _FIRST_PORT + domid
        rest = message
        patience = int(PATIENCE / _MOMENT)
        while patience:
            put = ring.put(rest) if rest else 0
            assert put is not None
            rest = rest[put:]
            data = ring.get()
            if put or len(data or b"") >= _WORTH_A_KICK:
                self._kick(port)
            if data:
                peer.feed(data)
                reply = peer.reply(request_id)
                if reply is not None:
                    return reply
            elif ring.error:
                peer.closed = True
                return None
            elif not put and not self._notified():
                patience -= 1
        raise Died("it does not answer")

    def _kick(self, port: int) -> None:
        self.mint.events.send(_PORT.pack(port))

    def _notified(self) -> int:
        """The next port that the server notifies; 0 if there is none soon (some errors come in silence)."""
        mint = self.mint
        try:
            port: int = _PORT.unpack(mint.events.recv(4))[0]
        except BlockingIOError:
            if mint.ended():
                raise Died("it ended") from None
            return 0
        return port


@contextmanager
def minted() -> Iterator[Mint]:
    """A mint in a private directory."""
    with tempfile.TemporaryDirectory(prefix="real-xenstored-") as directory:
        mint = Mint(Path(directory))
        try:
            yield mint
        finally:
            mint.close()
