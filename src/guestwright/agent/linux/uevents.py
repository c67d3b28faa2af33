"""Hears from the kernel when a disk comes or goes, or a disc is put into a drive.

Source: Linux, lib/kobject_uevent.c: a datagram "ACTION@DEVPATH", then strings KEY=VALUE with NULs between.
"""

from __future__ import annotations

import _socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from guestwright.agent.loop import Loop

_KOBJECT_UEVENT: Final = 15
_KERNEL: Final = 1  # multicast group of the kernel; 2 is udev's
_TURN: Final = 64


class Uevents:
    """Calls `changed` after each change of a block device; is silent where the kernel does not tell."""

    def __init__(self, loop: Loop, changed: Callable[[], object]) -> None:
        self._loop = loop
        self._changed = changed
        self._socket: _socket.socket | None = None
        try:
            made = _socket.socket(
                _socket.AF_NETLINK,
                _socket.SOCK_DGRAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC,
                _KOBJECT_UEVENT,
            )
            made.bind((0, _KERNEL))
        except (OSError, AttributeError):
            return
        self._socket = made
        loop.add(made.fileno(), self._ready)

    def close(self) -> None:
        """Hear no more."""
        if self._socket is not None:
            self._loop.remove(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _ready(self, events: int) -> None:
        del events
        news = False
        for _ in range(_TURN):
            if self._socket is None:
                return
            try:
                data, sender = self._socket.recvfrom(1 << 14)
            except BlockingIOError:
                break
            except OSError:
                news = True  # some were lost
                break
            # Only the kernel itself (port 0) counts: any process may send to this group.
            news = news or (sender[0] == 0 and b"\0SUBSYSTEM=block\0" in data)
        if news:
            self._changed()
