"""Hears from Windows that interfaces or addresses have changed.

Theory of operation: Windows calls back in a thread of its own. All that is done there is to set an event; the
loop's thread then looks. The callback must be kept for as long as Windows may call it.

Source: Microsoft's NotifyUnicastIpAddressChange, NotifyIpInterfaceChange, CancelMibChangeNotify2.
"""

from __future__ import annotations

import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from guestwright.agent.windows.waiting import WindowsLoop

_FUNCTIONS: Final = ("NotifyUnicastIpAddressChange", "NotifyIpInterfaceChange")
_BOTH_FAMILIES: Final = 0  # AF_UNSPEC


class Changes:
    """Calls `changed` in the loop after each change.

    Args:
        loop: runs the agent.
        changed: see above.

    Attributes:
        complete: Windows tells of all changes; else somebody has to look now and then.
    """

    def __init__(self, loop: WindowsLoop, changed: Callable[[], object]) -> None:
        self._loop = loop
        self._native = native = loop.native
        self._event = event = loop.event()
        self._changed = changed
        self._callback: Any = native.callback("address", lambda *_: native("SetEvent", event) and None)
        self._registered: list[int] = []
        self.complete = True
        for name in _FUNCTIONS:
            handle = ctypes.c_size_t()
            if native(name, _BOTH_FAMILIES, self._callback, None, False, ctypes.byref(handle)):
                self.complete = False
            else:
                self._registered.append(handle.value)
        loop.add(event, self._heard)

    def close(self) -> None:
        """Hear no more; Windows calls nobody afterwards."""
        for handle in self._registered:
            self._native("CancelMibChangeNotify2", handle)
        self._registered = []
        if self._event:
            self._loop.remove(self._event)
            self._native("CloseHandle", self._event)
            self._event = 0

    def _heard(self, events: int) -> None:
        del events
        self._native("ResetEvent", self._event)
        self._changed()
