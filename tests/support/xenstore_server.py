"""Our xenstore server in a thread or in a process of its own, and a plain client that speaks bytes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.parser import Message, Parser
from guestwright.xenstore.core.wire import ERROR, WATCH_EVENT, Errno, frame
from guestwright.xenstore.server.loop import Server

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_T = TypeVar("_T")
PATIENCE = 20.0  # seconds until a test gives up


class Wire:
    """A client of a stream socket.

    Args:
        sock: connected; closed with the client.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(PATIENCE)
        self.parser = Parser()
        self.events: list[bytes] = []
        self._next = 1

    @classmethod
    def at(cls, path: str) -> Self:
        """A client of a socket in the file system."""
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        return cls(sock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sock.close()

    def send(self, kind: int, payload: bytes, transaction: int = 0) -> int:
        """Send a request; its id."""
        self._next += 1
        self.sock.sendall(frame(kind, self._next, transaction, payload))
        return self._next

    def message(self) -> Message:
        """The next message; ConnectionError at the end of the stream."""
        while (found := self.parser.next()) is None:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("the server hung up")
            self.parser.feed(data)
        return found

    def reply(self) -> bytes | Errno:
        """The next reply; events before it are collected."""
        while True:
            kind, _, _, payload = self.message()
            if kind != WATCH_EVENT:
                return Errno(payload[:-1].decode()) if kind == ERROR else payload
            self.events.append(payload)

    def ask(self, kind: int, payload: bytes, transaction: int = 0) -> bytes | Errno:
        """Send a request and wait for its reply."""
        self.send(kind, payload, transaction)
        return self.reply()

    def event(self) -> bytes:
        """The next event, path and token with a blank between."""
        while not self.events:
            kind, _, _, payload = self.message()
            assert kind == WATCH_EVENT
            self.events.append(payload)
        return self.events.pop(0)[:-1].replace(b"\0", b" ")

    def write(self, path: bytes, value: bytes) -> None:
        """WRITE that must work."""
        assert self.ask(wire.WRITE, path + b"\0" + value) == b"OK\0"

    def read(self, path: bytes) -> bytes | Errno:
        """READ."""
        return self.ask(wire.READ, path + b"\0")

    def watch(self, path: bytes, token: bytes) -> None:
        """WATCH that must work, with its first event."""
        assert self.ask(wire.WATCH, path + b"\0" + token + b"\0") == b"OK\0"
        assert self.event() == path + b" " + token


class Running:
    """A server that runs in a thread.

    Args:
        server: what to run.
    """

    def __init__(self, server: Server | None = None) -> None:
        self.server = server or Server()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self.server.close()
        if self.failure is not None:
            raise self.failure

    def inside(self, work: Callable[[], _T]) -> _T:
        """Do something in the server's thread and wait for what comes of it."""
        done = threading.Event()
        results: list[_T] = []

        def run() -> None:
            try:
                results.append(work())
            finally:
                done.set()

        self.server.call(run)
        assert done.wait(PATIENCE)
        return results[0]

    def client(self) -> Wire:
        """A privileged client."""
        return Wire(self.inside(self.server.pair))

    def guest(self, domid: int) -> Wire:
        """A client that is a domain, with a directory of its own."""
        with self.client() as root:
            home = b"/local/domain/%d" % domid
            root.write(home, b"")
            assert root.ask(wire.SET_PERMS, home + b"\0n%d\0" % domid) == b"OK\0"
        ours, theirs = socket.socketpair()
        self.inside(lambda: self.server.add(ours, domid=domid))
        return Wire(theirs)

    def _run(self) -> None:
        try:
            self.server.run()
        except BaseException as error:  # noqa: BLE001  # shown by the thread of the test
            self.failure = error


_PROGRAM = """
import sys
from guestwright.xenstore.server.daemon import serve
serve(sys.argv[1], journal=sys.argv[2] == "journal", started=lambda server: print("ready", flush=True))
"""


class Process:
    """A server in a process of its own.

    Args:
        directory: what it serves in.
        journal: see `daemon.serve`.
    """

    def __init__(self, directory: str, *, journal: bool = False) -> None:
        self.socket = os.path.join(directory, "socket")
        self.child = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, directory, "journal" if journal else ""],
            env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "src")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.child.stdout is not None
        if self.child.stdout.readline() != b"ready\n":
            output = self.child.communicate()[1].decode()
            raise AssertionError(output)

    def client(self) -> Wire:
        """A privileged client."""
        return Wire.at(self.socket)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Have it end; its exit status."""
        self.child.send_signal(how)
        status = self.child.wait(PATIENCE)
        for stream in (self.child.stdout, self.child.stderr):
            assert stream is not None
            stream.close()
        return status


@contextmanager
def process(directory: str, *, journal: bool = False) -> Iterator[Process]:
    """A server in a process of its own that ends with the test."""
    running = Process(directory, journal=journal)
    try:
        yield running
    finally:
        if running.child.poll() is None:
            running.end(signal.SIGKILL)


def eventually(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until
        time.sleep(0.005)
