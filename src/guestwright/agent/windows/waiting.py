"""Waits for Windows' handles with the manners of epoll, so that the agent's loop is the same everywhere.

Theory of operation: a descriptor here is a handle that can be waited for (an event, a process), or a name
without a handle of its own (a negative number) that events are attached to. Whoever is told that something
happened looks himself what it was: events stay set until they are reset, or go away with what they are of.
At most 64 handles can be waited for (MAXIMUM_WAIT_OBJECTS); with more, they take turns.

Source: Microsoft's documentation of WaitForMultipleObjects.
"""

from __future__ import annotations

import ctypes
import time

from guestwright.agent.loop import Loop
from guestwright.agent.poller import IN, OUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from guestwright.agent.windows.native import Native

_MOST: Final = 64
_FOREVER: Final = 0xFFFFFFFF
_LONGEST: Final = 0x7FFFFFFF  # ms
_TIMEOUT: Final = 258
_FAILED: Final = 0xFFFFFFFF
_SECOND: Final = 1000  # ms


class Waiter:
    """What the loop waits with (a `Poller`).

    Args:
        native: Windows.
    """

    def __init__(self, native: Native) -> None:
        self._native = native
        self._wanted: dict[int, int] = {}
        self._attached: dict[int, int] = {}
        self._names = 0
        self._turn = 0

    def name(self) -> int:
        """A descriptor without a handle."""
        self._names -= 1
        return self._names

    def attach(self, event: int, fd: int) -> None:
        """Have an event be one of a descriptor's."""
        self._attached[event] = fd

    def detach(self, event: int) -> None:
        """Wait for an event no more; to be called before it is closed."""
        self._attached.pop(event, None)

    def register(self, fd: int, events: int) -> None:
        """See `Poller`."""
        self._wanted[fd] = events

    def modify(self, fd: int, events: int) -> None:
        """See `Poller`."""
        self._wanted[fd] = events

    def unregister(self, fd: int) -> None:
        """See `Poller`."""
        self._wanted.pop(fd, None)

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        """See `Poller`; what is set is told as readable and writable at once.

        Raises:
            OSError: a handle is none, which is a mistake of ours.
        """
        pairs = self._pairs()
        if not pairs:
            time.sleep(max(0.0, timeout))
            return []
        handles = (ctypes.c_size_t * len(pairs))(*(handle for handle, _ in pairs))
        wait = _FOREVER if timeout < 0 else min(_LONGEST, int(timeout * _SECOND))
        first = self._native("WaitForMultipleObjects", len(pairs), handles, False, wait)
        if first == _TIMEOUT:
            return []
        if first >= len(pairs):
            raise OSError(0, f"WaitForMultipleObjects: {self._native.error()}")
        # Only the first is told; those behind it must not starve.
        ready = [pairs[first][1]]
        ready += [
            fd for handle, fd in pairs[first + 1 :] if not self._native("WaitForSingleObject", handle, 0)
        ]
        return [(fd, IN | OUT) for fd in dict.fromkeys(ready)][:maxevents]

    def close(self) -> None:
        """Forget everything."""
        self._wanted.clear()
        self._attached.clear()

    def _pairs(self) -> list[tuple[int, int]]:
        """Handles to wait for, and whose they are."""
        pairs = [(fd, fd) for fd, events in self._wanted.items() if fd > 0 and events]
        pairs += [(event, fd) for event, fd in self._attached.items() if self._wanted.get(fd)]
        if len(pairs) > _MOST:
            self._turn = (self._turn + _MOST // 2) % len(pairs)
            pairs = (pairs[self._turn :] + pairs[: self._turn])[:_MOST]
        return pairs


class WindowsLoop(Loop):
    """The agent's loop over handles.

    Args:
        native: Windows.
        clock: monotonic time in seconds.

    Attributes:
        native: see above.
        waiter: what it waits with.
    """

    def __init__(self, native: Native, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._epoll.close()
        self.native = native
        self.waiter = Waiter(native)
        self._epoll = self.waiter

    def event(self, *, set_: bool = False) -> int:
        """A new event of this process, which stays set until it is reset; OSError when there is none."""
        return self.native.check("CreateEventW", None, True, set_, None)
