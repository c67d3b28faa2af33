"""The store of a Windows guest on Xen, through the device of the driver xeniface.

Theory of operation: the driver has a call for each operation and answers at once, so this transport takes the
messages that it is to send, makes the calls, and has the replies wait to be received. A watch sets an event,
and only says that something has happened at or below its path; the path itself is reported then. There are
no transactions in the driver's interface. Values with a NUL in them cannot be written (`EINVAL`).

Up to `_EVENTS` watches have an event of their own; further ones share. The driver renews watches after a
resumption, so that all events are set then.
"""

from __future__ import annotations

import ctypes

from guestwright.agent.channel import wire
from guestwright.agent.channel.transport import Transport
from guestwright.agent.windows import ioctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.windows.waiting import WindowsLoop

_READ_WRITE: Final = 0xC0000000
_SHARED: Final = 3  # FILE_SHARE_READ | FILE_SHARE_WRITE
_EXISTING: Final = 3
_EVENTS: Final = 32
_OK: Final = b"OK\0"
_SIMPLE: Final = {
    wire.READ: ioctl.READ,
    wire.DIRECTORY: ioctl.DIRECTORY,
    wire.RM: ioctl.REMOVE,
}


class NotDone(Exception):
    """The driver or the store said no; the text is the store's name for it."""


class Xeniface(Transport):
    """The device; OSError when it cannot be opened.

    Args:
        loop: runs the agent.
        path: of the device.
    """

    transactions = False
    name = "xeniface"

    def __init__(self, loop: WindowsLoop, path: str) -> None:
        self._native = loop.native
        self._waiter = loop.waiter
        self._loop = loop
        self._handle = self._native.winapi.CreateFile(path, _READ_WRITE, _SHARED, 0, _EXISTING, 0, 0)
        super().__init__(loop.event())
        self._stream = wire.Stream()
        self._replies: list[bytes] = []
        self._events: list[int] = []
        self._watches: list[tuple[int, bytes, bytes]] = []  # event, path, token

    def send(self, data: bytes) -> int:
        """See `Transport`; all is taken, and has been done afterwards."""
        self._stream.feed(data)
        while (message := self._stream.next()) is not None:
            kind, request_id, transaction, payload = message
            try:
                answer = self._done(kind, payload)
            except NotDone as error:
                kind, answer = wire.ERROR, str(error).encode() + b"\0"
            self._replies.append(wire.frame(kind, request_id, transaction, answer))
        if self._replies:
            self._native("SetEvent", self.fd)
        return len(data)

    def receive(self) -> bytes | None:
        """See `Transport`: replies, and the watches whose events are set."""
        self._native("ResetEvent", self.fd)
        for event in self._events:
            if not self._native("WaitForSingleObject", event, 0):
                self._native("ResetEvent", event)
                self._replies += [
                    wire.frame(wire.WATCH_EVENT, 0, 0, path + b"\0" + token + b"\0")
                    for one, path, token in self._watches
                    if one == event
                ]
        found, self._replies = b"".join(self._replies), []
        return found or None

    def close(self) -> None:
        """See `Transport`; the driver forgets the watches with the handle."""
        handle, self._handle = self._handle, 0
        if handle:
            self._native("CloseHandle", handle)
            for event in self._events:
                self._waiter.detach(event)
                self._native("CloseHandle", event)
            self._native("CloseHandle", self.fd)

    def _done(self, kind: int, payload: bytes) -> bytes:
        """The payload of the reply."""
        path, _, rest = payload.partition(b"\0")
        if kind == wire.WRITE:
            try:
                self._control(ioctl.WRITE, ioctl.assignment(path, rest), 0)
            except ValueError:
                raise NotDone("EINVAL") from None
            return _OK
        if kind == wire.WATCH:
            self._watch(path, rest.partition(b"\0")[0])
            return _OK
        if kind not in _SIMPLE:
            raise NotDone("ENOSYS")
        answer = self._control(_SIMPLE[kind], ioctl.path(path), 0 if kind == wire.RM else ioctl.OUT_MAX)
        if kind == wire.READ:
            return ioctl.value(answer)
        return ioctl.names(answer) if kind == wire.DIRECTORY else _OK

    def _watch(self, path: bytes, token: bytes) -> None:
        if any(one[1:] == (path, token) for one in self._watches):
            raise NotDone("EEXIST")
        if len(self._events) < _EVENTS:
            event = self._loop.event()
            self._events.append(event)
            self._waiter.attach(event, self.fd)
        else:
            event = self._events[len(self._watches) % _EVENTS]
        where = ctypes.create_string_buffer(path)
        self._control(
            ioctl.ADD_WATCH, ioctl.watch(ctypes.addressof(where), len(path) + 1, event), ioctl.WATCH_OUT
        )
        self._watches.append((event, path, token))

    def _control(self, code: int, given: bytes, room: int) -> bytes:
        """One call of the device.

        Raises:
            NotDone: see there.
        """
        out = ctypes.create_string_buffer(room) if room else None
        size = ctypes.c_uint32()
        put = ctypes.create_string_buffer(given, len(given))
        if not self._native(
            "DeviceIoControl", self._handle, code, put, len(given), out, room, ctypes.byref(size), None
        ):
            raise NotDone(ioctl.errno(self._native.error()))
        return out.raw[: size.value] if out is not None else b""
