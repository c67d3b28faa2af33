"""Bytes from and to a handle of Windows that was opened for overlapped input and output.

Theory of operation: one read is always under way, and at most one write. Both have an event that is attached
to a descriptor of the loop while they last; the standard library's `_winapi` owns event and buffer. To close
is to cancel first and to wait for that, for the kernel writes into the buffer until then.

Source: Microsoft's "Synchronous and asynchronous I/O"; CPython, Modules/_winapi.c.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from guestwright.agent.windows.native import Native
    from guestwright.agent.windows.waiting import Waiter

_INCOMPLETE: Final = 996  # ERROR_IO_INCOMPLETE
_CHUNK: Final = 1 << 16


class Overlapped:
    """What reading and writing have in common.

    Args:
        native: Windows.
        waiter: of the loop.
        handle: of the file; whoever made it closes it, afterwards.
        fd: the descriptor whose handler is to be called.
    """

    def __init__(self, native: Native, waiter: Waiter, handle: int, fd: int) -> None:
        self._winapi = native.winapi
        self._waiter = waiter
        self._handle = handle
        self._fd = fd
        self._under_way: Any = None

    def close(self) -> None:
        """End what is under way."""
        one, self._under_way = self._under_way, None
        if one is None:
            return
        self._waiter.detach(one.event)
        try:
            one.cancel()
            one.GetOverlappedResult(True)
        except OSError:
            return  # it had ended already, or ends as cancelled

    def _begun(self, one: Any) -> None:
        self._under_way = one
        self._waiter.attach(one.event, self._fd)

    def _ended(self) -> int:
        """Bytes of what was under way; -1 while it still is. OSError when it failed."""
        one = self._under_way
        try:
            count, error = one.GetOverlappedResult(False)
        except OSError:
            self._waiter.detach(one.event)
            self._under_way = None
            raise
        if error == _INCOMPLETE:
            return -1
        self._waiter.detach(one.event)
        return int(count)


class Incoming(Overlapped):
    """Reads."""

    def take(self) -> bytes | None:
        """What has arrived; None if nothing has yet, and then the descriptor is told.

        Raises:
            OSError: the other end is gone, or reading failed.
        """
        if self._under_way is None:
            one, _ = self._winapi.ReadFile(self._handle, _CHUNK, overlapped=True)
            self._begun(one)
        count = self._ended()
        if count < 0:
            return None
        one, self._under_way = self._under_way, None
        return bytes(one.getbuffer())[:count]


class Outgoing(Overlapped):
    """Writes.

    Attributes:
        rest: bytes that are under way or wait behind.
    """

    def __init__(self, native: Native, waiter: Waiter, handle: int, fd: int) -> None:
        super().__init__(native, waiter, handle, fd)
        self.rest = b""

    def put(self, data: bytes) -> None:
        """Write, behind what waits.

        Raises:
            OSError: as `settle`.
        """
        self.rest += data
        self.settle()

    def settle(self) -> bool:
        """Go on; whether all is written.

        Raises:
            OSError: the other end is gone, or writing failed.
        """
        while True:
            if self._under_way is not None:
                count = self._ended()
                if count < 0:
                    return False
                self._under_way = None
                self.rest = self.rest[count:]
            if not self.rest:
                return True
            one, _ = self._winapi.WriteFile(self._handle, self.rest[:_CHUNK], overlapped=True)
            self._begun(one)
