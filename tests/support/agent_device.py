"""Something like Linux' `/dev/xen/xenbus` in front of a xenstored.

Theory of operation: each packet to the device has to be exactly one message of at most 4096 bytes, and none
may begin a transaction (see `guestwright.agent.channel.transport`); answers come as they are, several in one
read. A device file cannot be made without a driver, so the agent is given a socket, by `PRELUDE`, which
replaces how it opens the device and nothing else.

Source: Linux, drivers/xen/xenbus/xenbus_dev_frontend.c.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from types import TracebackType
from typing import Final, Self

from guestwright.agent.channel.wire import DEVICE_MESSAGE_MAX, HEADER, HEADER_SIZE, TRANSACTION_START

_READ: Final = 1 << 15  # bytes of answers at a time

PRELUDE: Final = """
import _socket
from guestwright.agent.channel import transport

def opened(device, path):
    made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC, 0)
    made.connect(path)
    made.setblocking(False)
    transport.Transport.__init__(device, made.detach())

transport.Xenbus.__init__ = opened
"""


class Device:
    """The device, for one agent.

    Args:
        path: of its socket; the last part should be "xenbus".
        store: socket of the xenstored.
        delay: seconds that each way takes.

    Attributes:
        bad: packets that were no message, or one that must not be.
    """

    def __init__(self, path: str, store: str, delay: float = 0.0) -> None:
        self._delay = delay
        self.bad: list[bytes] = []
        self._store = store
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door.bind(path)
        self._door.listen(1)
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)
        self._door.close()

    def _serve(self) -> None:
        try:
            guest, _ = self._door.accept()
        except OSError:
            return  # nobody came
        with guest, socket.socket(socket.AF_UNIX) as store, selectors.DefaultSelector() as waiting:
            store.connect(self._store)
            for one in (guest, store, self._door):
                waiting.register(one, selectors.EVENT_READ)
            while True:
                ready = waiting.select()
                time.sleep(self._delay)  # what comes meanwhile goes with it
                for key, _ in ready:
                    if key.fileobj is self._door:
                        return
                    passed = self._request if key.fileobj is guest else self._reply
                    if not passed(guest, store):
                        return

    def _request(self, guest: socket.socket, store: socket.socket) -> bool:
        while True:
            try:
                packet = guest.recv(1 << 16, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return True
            except ConnectionResetError:
                return False
            if not packet:
                return False
            kind, _, _, length = HEADER.unpack_from(packet) if len(packet) >= HEADER_SIZE else (0, 0, 0, -1)
            whole = len(packet) == HEADER_SIZE + length <= DEVICE_MESSAGE_MAX
            if not whole or kind == TRANSACTION_START:
                self.bad.append(packet)
                return False
            store.sendall(packet)

    def _reply(self, guest: socket.socket, store: socket.socket) -> bool:
        data = store.recv(_READ)
        if not data:
            return False
        try:
            guest.send(data)
        except OSError:
            return False
        return True
