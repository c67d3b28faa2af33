"""A transport that treats a client as the Linux kernel's /dev/xen/xenbus does, over a server's socket.

Source: Linux, drivers/xen/xenbus/xenbus_dev_frontend.c: a message and its header have at most 4096 bytes;
bytes after a message in the same write are dropped; UNWATCH of something unknown is OK; reading gives what
there is, as many messages as fit; a watch that the server refuses makes the write fail; a request that
comes before the reply to the last one overwrites it (here it is lost), and RESET_WATCHES would drop the
kernel's watches (here it is refused). This one refuses a message in two writes too, which the kernel takes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import select
import socket

from guestwright.xenstore.client.session import REPLY_MAX
from guestwright.xenstore.client.transport import (
    CHUNK,
    DEVICE_MESSAGE_MAX,
    Declined,
    Transport,
    open_transport,
)
from guestwright.xenstore.core.parser import Parser
from guestwright.xenstore.core.wire import (
    ERROR,
    HEADER,
    HEADER_SIZE,
    RESET_WATCHES,
    WATCH,
    WATCH_EVENT,
    frame,
)


class Kernel:
    """One opened device."""

    message_max = DEVICE_MESSAGE_MAX
    through_kernel = True

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._dice = random.Random(0)
        self._parser = Parser(REPLY_MAX)
        self._ready = b""
        self._waiting = self._ended = False
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)  # rings while there is something ready
        self._both = select.epoll()  # readable when one of them is; never writable
        self._both.register(self._socket, select.EPOLLIN)
        self._both.register(self._bell, select.EPOLLIN)

    def fileno(self) -> int:
        return self._both.fileno()

    def send(self, data: bytes) -> int:
        if len(data) > DEVICE_MESSAGE_MAX:
            raise OSError(errno.EINVAL, "more than the kernel's buffer holds")
        if len(data) < HEADER_SIZE or HEADER.unpack_from(data)[3] != len(data) - HEADER_SIZE:
            raise OSError(errno.EINVAL, "not one whole message")
        kind = HEADER.unpack_from(data)[0]
        if kind == RESET_WATCHES:
            raise OSError(errno.EPERM, "that is for the kernel alone")
        if self._waiting:
            return len(data)
        self._socket.setblocking(True)  # the kernel queues; it never says that it is full
        self._socket.sendall(data)
        self._waiting = True
        while kind == WATCH and self._waiting and not self._ended:
            self._take(self._socket.recv(DEVICE_MESSAGE_MAX), watch=True)
        return len(data)

    def _take(self, data: bytes, *, watch: bool = False) -> None:
        self._ended = not data
        self._parser.feed(data)
        refusal = None
        while (message := self._parser.next()) is not None:
            if message[0] != WATCH_EVENT:
                self._waiting = False
            if watch and message[0] == ERROR:
                refusal = message[3].rstrip(b"\0").decode()
            else:
                self._ready += frame(*message)
        if self._ready:
            os.eventfd_write(self._bell, 1)
        if refusal is not None:
            raise Declined(refusal)

    def receive(self) -> bytes | None:
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            self._take(self._socket.recv(CHUNK))
        if not self._ready:
            return b"" if self._ended else None
        size = self._dice.randint(1, DEVICE_MESSAGE_MAX)
        chunk, self._ready = self._ready[:size], self._ready[size:]
        if not self._ready:
            os.eventfd_read(self._bell)
        return chunk

    def close(self) -> None:
        self._both.close()
        os.close(self._bell)
        self._socket.close()


def open_kernel(address: str | None) -> Transport:
    """As `open_transport`, through a kernel of our own."""
    open_transport(address).close()  # says what is wrong, if something is
    assert address is not None
    return Kernel(address)
