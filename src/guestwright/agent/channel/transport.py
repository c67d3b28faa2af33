"""What carries bytes between the agent and the store: a device of the kernel, a virtio-serial port, a socket.

Theory of operation: all look like a non-blocking stream, and say in what they differ. `/dev/xen/xenbus`
takes one whole message per write (`whole`), answers watches while they are written, and keeps watches of its
own, so they must not be reset. Of several requests, before Linux 4.11 each write waits for its answer, later
ones do not. It has transactions, but Linux counts them wrongly where a process ends with one open, or the
store refuses to begin one: from then on the guest hangs for ever when it is suspended or migrated, because
`xs_suspend` waits until a count is zero that never will be (seen with 6.1). So none is begun there. A port
stays open while the host's side comes and goes, and what the last agent left in it is still there, so the
beginning of a message has to be found (`resync`), and every change has to be heard of (`edge`): while the
host's side is closed the kernel reports a hang-up without end.

Sources: Linux, drivers/xen/xenbus/xenbus_dev_frontend.c, drivers/xen/xenbus/xenbus_xs.c (`xs_request_exit`)
and drivers/char/virtio_console.c.
"""

from __future__ import annotations

import _socket
import os
from errno import EIO

from guestwright.agent.channel.wire import DEVICE_MESSAGE_MAX, HEADER_SIZE, PAYLOAD_MAX
from guestwright.agent.poller import EDGE, IN, OUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.loop import Loop

CHUNK: Final = 1 << 16  # bytes that are read at a time


class Transport:
    """A non-blocking stream through a descriptor.

    Attributes:
        fd: the descriptor.
        message_max: longest message with its header, bytes.
        window: requests that may be under way at a time. Xen lets a guest have 20.
        resync: bytes of former users of the stream may come first; watches of theirs are to be reset.
        whole: each write takes exactly one message, and may fail with what the store says of it.
        edge: it is to be waited for edge-triggered, and stays open after a hang-up.
        transactions: the store may be asked for them.
        name: for messages to people.
    """

    message_max = HEADER_SIZE + PAYLOAD_MAX
    window = 16
    resync = False
    whole = False
    edge = False
    transactions = True
    name = "channel"

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._attended = self.interest

    @property
    def interest(self) -> int:
        """What to wait for at first: a port says by being writable that somebody is there."""
        return IN | OUT | EDGE if self.edge else IN

    def attend(self, loop: Loop, *, out: bool) -> None:
        """Wait for room only where that matters: a port says so after each write."""
        wanted = IN | (OUT if out else 0) | (EDGE if self.edge else 0)
        if wanted != self._attended:
            self._attended = wanted
            loop.modify(self.fd, wanted)

    def send(self, data: bytes) -> int:
        """How many bytes went out, 0 if none can now; OSError when the stream is broken."""
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0

    def receive(self) -> bytes | None:
        """What has arrived; None if nothing has, empty at the end of the stream."""
        try:
            return os.read(self.fd, CHUNK)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Let go of it."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class Xenbus(Transport):
    """The kernel's device on Xen; OSError when it cannot be opened."""

    message_max = DEVICE_MESSAGE_MAX
    whole = True
    transactions = False
    # The line can have more under way, and is up to ten times as fast then; but each time that this was
    # tried on a Xen host, its C xenstored (Debian's 4.17.7) ended or answered no more. Until it is known why:
    # one at a time.
    window = 1
    name = "xenbus"

    def __init__(self, path: str) -> None:
        super().__init__(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))

    def send(self, data: bytes) -> int:
        """Write one whole message."""
        written = os.write(self.fd, data)
        if written != len(data):
            raise OSError(EIO, "the device took part of a message")
        return written


class Port(Transport):
    """A virtio-serial port; OSError when it cannot be opened, EBUSY when somebody else has it."""

    resync = True
    edge = True
    name = "virtio-serial"

    def __init__(self, path: str) -> None:
        super().__init__(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))


class UnixSocket(Transport):
    """A unix stream socket; OSError when nobody listens."""

    name = "socket"

    def __init__(self, path: str) -> None:
        made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC, 0)
        try:
            made.setblocking(False)
            made.connect(path)  # at once or, with a full backlog, EAGAIN
        except OSError:
            made.close()
            raise
        super().__init__(made.detach())
