"""A line to the lab's agent in a machine: QEMU connects a virtio port to a socket of ours.

Theory of operation: a thread reads messages of `wire` from the socket; whoever asks waits for the reply with
the number of the request. Requests of several threads are under way side by side.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from lab.xen.inside.wire import decode, encode

_POLL = 0.5


class NoAnswer(Exception):
    """The machine ended (`late` is false), or time is up."""

    def __init__(self, *, late: bool) -> None:
        super().__init__("waited too long" if late else "the machine ended")
        self.late = late


class Line:
    """A line that a machine connects to.

    Args:
        path: of the socket, which is made here; QEMU's chardev is its client.
        alive: whether the machine still runs.
    """

    def __init__(self, path: str, alive: Callable[[], bool]) -> None:
        self.hello: dict[str, Any] = {}
        self._alive = alive
        self._replies: dict[int, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self._number = 0
        self._line: socket.socket | None = None
        self._over = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(1)
        self._reader = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Take the machine's connection when it comes."""
        self._reader.start()

    def wait_until_ready(self, seconds: float) -> None:
        """Wait for the agent's first word.

        Raises:
            NoAnswer: see there.
        """
        self._wait(lambda: bool(self.hello), seconds)

    def ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request and wait for its reply.

        Raises:
            NoAnswer: also when the machine never connected.
        """
        with self._changed:
            self._number += 1
            number = self._number
            if self._line is None:
                raise NoAnswer(late=False)
            self._line.sendall(encode({**message, "id": number}))
        self._wait(lambda: number in self._replies, seconds)
        return self._replies.pop(number)

    def close(self) -> None:
        """Let go of the socket. The machine must have ended."""
        self._over = True
        self._listener.close()
        if self._reader.ident is not None:
            self._reader.join(5)

    def _wait(self, condition: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._changed:
            while not condition():
                if not self._alive():
                    raise NoAnswer(late=False)
                if time.monotonic() > until:
                    raise NoAnswer(late=True)
                self._changed.wait(_POLL)

    def _read(self) -> None:
        """Body of the reader's thread: until the machine is gone."""
        self._listener.settimeout(_POLL)
        while self._line is None:
            try:
                self._line, _ = self._listener.accept()
            except TimeoutError:
                if self._over or not self._alive():
                    return
            except OSError:
                return
        with self._line, self._line.makefile("rb") as stream:
            try:
                for line in stream:
                    message = decode(line)
                    if message is not None:
                        self._take(message)
            except OSError:  # QEMU was killed
                return

    def _take(self, message: dict[str, Any]) -> None:
        with self._changed:
            if "hello" in message:
                self.hello = message
            elif "status" in message:
                self._replies[message["id"]] = message
            self._changed.notify_all()
