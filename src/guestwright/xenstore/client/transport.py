"""Ways to a xenstored: its unix socket, or the kernel's device in a guest.

Theory of operation: a transport is a non-blocking channel of bytes. `send` takes the rest of one message and
says how much went out; a device takes a whole message per write or nothing. The kernel behind
/dev/xen/xenbus (Linux, drivers/xen/xenbus/xenbus_dev_frontend.c) collects a message in a buffer of 4096 bytes
with its header and drops what follows a message in the same write, so no write may span two. It never
reports that it can be written to. Requests are sent out of that buffer after the write has returned, so the
next one must wait for the reply. A watch that the server refuses makes the write itself fail.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from guestwright.xenstore.client.errors import NoServer
from guestwright.xenstore.core.wire import HEADER, HEADER_SIZE, PAYLOAD_MAX, WATCH

SOCKET: Final = "/run/xenstored/socket"
DEVICES: Final = ("/dev/xen/xenbus", "/proc/xen/xenbus")
DEVICE_MESSAGE_MAX: Final = 4096  # with its header
CHUNK: Final = 1 << 16  # most bytes received at once
_OF_THE_SERVER: Final = frozenset(  # what register_xenbus_watch of the kernel passes on
    {errno.EINVAL, errno.EACCES, errno.EEXIST, errno.ENOENT, errno.ENOMEM, errno.ENOSPC, errno.E2BIG}
)


class Declined(Exception):
    """The message just given was refused on the way; it is not sent, the transport goes on.

    Attributes:
        name: of the error, such as `EINVAL`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Transport(Protocol):
    """What a connection needs of its way to the server; errors are `OSError`."""

    message_max: int
    """Longest message in bytes, header included."""

    through_kernel: bool
    """Whether the kernel is in between: one request at a time, on a connection that others use too."""

    def fileno(self) -> int:
        """Descriptor to wait on."""

    def send(self, data: bytes) -> int:
        """Write the rest of one message; how many bytes went out, 0 if none can now.

        Raises:
            Declined: see there.
        """

    def receive(self) -> bytes | None:
        """What has arrived; None if nothing has, empty at the end of the stream."""

    def close(self) -> None:
        """Let go of it."""


class UnixTransport:
    """A unix stream socket.

    Args:
        path: of the socket.
    """

    message_max = HEADER_SIZE + PAYLOAD_MAX
    through_kernel = False

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.setblocking(False)
            self._socket.connect(path)  # a unix socket connects at once or, with a full backlog, says EAGAIN
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Descriptor to wait on."""
        return self._socket.fileno()

    def send(self, data: bytes) -> int:
        """Write the rest of one message; how many bytes went out, 0 if none can now."""
        try:
            return self._socket.send(data, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return 0

    def receive(self) -> bytes | None:
        """What has arrived; None if nothing has, empty at the end of the stream."""
        try:
            return self._socket.recv(CHUNK)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()


class DeviceTransport:
    """The kernel's xenbus device.

    Args:
        path: of the device.
    """

    message_max = DEVICE_MESSAGE_MAX
    through_kernel = True

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        """Descriptor to wait on."""
        return self._fd

    def send(self, data: bytes) -> int:
        """Write one message, whole; how many bytes went out.

        Raises:
            Declined: it was a watch, and the server refused it.
        """
        try:
            written = os.write(self._fd, data)
        except OSError as error:
            if HEADER.unpack_from(data)[0] == WATCH and error.errno in _OF_THE_SERVER:
                raise Declined(errno.errorcode[error.errno]) from error
            raise
        if written != len(data):
            raise OSError(errno.EIO, f"the device took {written} bytes of a message of {len(data)}")
        return written

    def receive(self) -> bytes | None:
        """What has arrived; None if nothing has, empty at the end of the stream."""
        try:
            return os.read(self._fd, DEVICE_MESSAGE_MAX)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Let go of it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


Opener = Callable[[str | None], Transport]
"""Opens a transport to an address, None for the usual places; raises `NoServer`."""


def addresses(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Where to look for a server, best first; what Xen's own client tries.

    Args:
        environment: XENSTORED_PATH names a socket or device, XENSTORED_RUNDIR the directory of `socket`.
    """
    named = environment.get("XENSTORED_PATH")
    if named:
        return (named,)
    directory = environment.get("XENSTORED_RUNDIR")
    return (f"{directory}/socket" if directory else SOCKET, *DEVICES)


def open_transport(address: str | None = None) -> Transport:
    """Connect.

    Args:
        address: path of a socket or of a device; None to look in the usual places.

    Raises:
        NoServer: nothing answers there, or this user may not ask.
    """
    tried: list[str] = []
    last: OSError | None = None
    for one in (address,) if address is not None else addresses(os.environ):
        try:
            return DeviceTransport(one) if stat.S_ISCHR(os.stat(one).st_mode) else UnixTransport(one)
        except OSError as error:
            tried.append(one)
            if last is None or last.errno == errno.ENOENT:
                last = error
    detail = (last.strerror or str(last)) if last is not None else "no place to look"
    raise NoServer(address=" or ".join(tried), detail=detail) from last
