r"""The virtio-serial port of a Windows guest: `\\.\Global\org.guestwright.xenstore.0`; or a named pipe.

Theory of operation: virtio-win's driver (vioser) lets one program at a time open a port, drops what has
arrived when it is closed, and refuses to read or write while the host's side is closed. There is no event
for that, so a port that refuses is closed and opened again, less and less often: `Ports` gives none every
other time while nothing comes of it. After opening, the beginning of a message has to be found, as on Linux.

Source: virtio-win, kvm-guest-drivers-windows, vioserial/sys/Port.c (VIOSerialPortRead, VIOSerialPortWrite).
"""

from __future__ import annotations

from guestwright.agent.channel.transport import Transport
from guestwright.agent.windows.streams import Incoming, Outgoing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.windows.waiting import WindowsLoop

_READ_WRITE: Final = 0xC0000000  # GENERIC_READ | GENERIC_WRITE
_EXISTING: Final = 3  # OPEN_EXISTING
_OVERLAPPED: Final = 0x40000000  # FILE_FLAG_OVERLAPPED
_AT_ONCE: Final = 1 << 14  # bytes; the driver takes 32 KiB at a time and fails what it cannot take whole


class WindowsPort(Transport):
    """A port or named pipe; OSError when it cannot be opened.

    Args:
        loop: runs the agent.
        path: of it.
    """

    resync = True
    edge = True
    name = "virtio-serial"

    def __init__(self, loop: WindowsLoop, path: str) -> None:
        winapi = loop.native.winapi
        self._native = loop.native
        self._waiter = loop.waiter
        self._handle = winapi.CreateFile(path, _READ_WRITE, 0, 0, _EXISTING, _OVERLAPPED, 0)
        super().__init__(loop.waiter.name())
        self._bell = loop.event(set_=True)  # for the first turn; later, reads and writes are told
        loop.waiter.attach(self._bell, self.fd)
        self._incoming = Incoming(loop.native, loop.waiter, self._handle, self.fd)
        self._outgoing = Outgoing(loop.native, loop.waiter, self._handle, self.fd)
        self.heard = False

    def send(self, data: bytes) -> int:
        """See `Transport`."""
        if not self._outgoing.settle():
            return 0
        part = data[:_AT_ONCE]
        self._outgoing.put(part)
        return len(part)

    def receive(self) -> bytes | None:
        """See `Transport`; OSError while the host's side is closed."""
        self._native("ResetEvent", self._bell)
        self._outgoing.settle()
        data = self._incoming.take()
        if data:
            self.heard = True
        return data or None

    def close(self) -> None:
        """See `Transport`."""
        handle, self._handle = self._handle, 0
        if handle:
            self._incoming.close()
            self._outgoing.close()
            self._waiter.detach(self._bell)
            self._native("CloseHandle", self._bell)
            self._native("CloseHandle", handle)


class Ports:
    """Opens a port again and again.

    Args:
        loop: runs the agent.
        path: of the port.
    """

    def __init__(self, loop: WindowsLoop, path: str) -> None:
        self._loop = loop
        self._path = path
        self._last: WindowsPort | None = None

    def open(self) -> WindowsPort | None:
        """The port; or None, once, after one over which nothing came: whoever asks then waits longer.

        Raises:
            OSError: it cannot be opened.
        """
        last, self._last = self._last, None
        if last is not None and not last.heard:
            return None
        self._last = WindowsPort(self._loop, self._path)
        return self._last
