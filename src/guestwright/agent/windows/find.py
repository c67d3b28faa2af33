"""Which channel to the host a Windows guest has."""

from __future__ import annotations

import ctypes

from guestwright.agent.windows import ioctl
from guestwright.agent.windows.port import Ports
from guestwright.agent.windows.xeniface import Xeniface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from guestwright.agent.channel.transport import Transport
    from guestwright.agent.windows.native import Native
    from guestwright.agent.windows.waiting import WindowsLoop

PORT: Final = "org.guestwright.xenstore.0"
_PORT_PATH: Final = rf"\\.\Global\{PORT}"
_LIST_MAX: Final = 1 << 15  # characters
_TARGET_MAX: Final = 1024  # characters
XEN: Final = "xen"
VIRTIO: Final = "virtio"


def find(native: Native, path: str = "") -> tuple[str, str] | None:
    """The kind of channel (`XEN` or `VIRTIO`) and the path of its device; None when this guest has none.

    Args:
        native: Windows.
        path: of a port or named pipe, when the caller knows better.
    """
    if path:
        return VIRTIO, path
    device = _xeniface(native)
    if device:
        return XEN, device
    target = ctypes.create_string_buffer(2 * _TARGET_MAX)
    if native("QueryDosDeviceW", PORT, target, _TARGET_MAX):
        return VIRTIO, _PORT_PATH
    return None


def opener(loop: WindowsLoop, found: tuple[str, str]) -> Callable[[], Transport | None]:
    """What opens a channel, each time it is called."""
    kind, path = found
    if kind == XEN:
        return lambda: Xeniface(loop, path)
    return Ports(loop, path).open


def _xeniface(native: Native) -> str:
    """The path of the first device of the driver that is there; "" without one."""
    guid = ctypes.create_string_buffer(ioctl.INTERFACE, len(ioctl.INTERFACE))
    size = ctypes.c_uint32()
    failed = native("CM_Get_Device_Interface_List_SizeW", ctypes.byref(size), guid, None, 0)
    if failed or not 1 < size.value <= _LIST_MAX:
        return ""
    buffer = ctypes.create_string_buffer(2 * size.value)
    if native("CM_Get_Device_Interface_ListW", guid, None, buffer, size.value, 0):
        return ""
    return buffer.raw.decode("utf-16-le", "replace").split("\0")[0]
