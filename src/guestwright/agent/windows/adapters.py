"""The interfaces, as Windows lists them now."""

from __future__ import annotations

import ctypes

from guestwright.agent.windows.read import nics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.core.facts import Nic
    from guestwright.agent.windows.native import Native

_FLAGS: Final = 0x0E  # skip anycast, multicast and DNS servers
_ALL_FAMILIES: Final = 0
_BYTES: Final = 1 << 15
_BYTES_MAX: Final = 1 << 20
_OVERFLOW: Final = 111  # ERROR_BUFFER_OVERFLOW


def adapters(native: Native) -> tuple[Nic, ...]:
    """What can be published; nothing when Windows does not say.

    Source: Microsoft's GetAdaptersAddresses.
    """
    wanted = _BYTES
    for _ in range(4):  # interfaces may come between two calls
        size = ctypes.c_uint32(wanted)
        buffer = ctypes.create_string_buffer(wanted)
        failed = native("GetAdaptersAddresses", _ALL_FAMILIES, _FLAGS, None, buffer, ctypes.byref(size))
        if not failed:
            return tuple(nics(ctypes.addressof(buffer)))
        if failed != _OVERFLOW or size.value > _BYTES_MAX:
            break
        wanted = size.value + 4096
    return ()
