"""Services of Windows as the service control manager knows them: whether there is one; ours, put in or out.

Source: Microsoft's OpenSCManagerW, CreateServiceW, DeleteService, ControlService; winsvc.h.
"""

from __future__ import annotations

import ctypes

from guestwright.agent.windows.commands import line
from guestwright.agent.windows.native import failure
from guestwright.agent.windows.structures import ServiceStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from guestwright.agent.windows.native import Native

NAME: Final = "guestwright-agent"
_TITLE: Final = "Guestwright guest agent"
_CONNECT: Final = 1  # SC_MANAGER_CONNECT
_CREATE: Final = 3  # ... | SC_MANAGER_CREATE_SERVICE
_QUERY: Final = 4  # SERVICE_QUERY_STATUS
_ALL: Final = 0xF01FF  # SERVICE_ALL_ACCESS
_OWN_PROCESS: Final = 0x10
_AUTOMATIC: Final = 2  # SERVICE_AUTO_START
_NORMAL: Final = 1  # SERVICE_ERROR_NORMAL
_STOP: Final = 1  # SERVICE_CONTROL_STOP


def exists(native: Native, name: str) -> bool:
    """Whether a service is installed."""
    manager = native("OpenSCManagerW", None, None, _CONNECT)
    if not manager:
        return False
    service = native("OpenServiceW", manager, name, _QUERY)
    native("CloseServiceHandle", manager)
    if service:
        native("CloseServiceHandle", service)
    return bool(service)


def install(native: Native, argv: Sequence[str]) -> None:
    """Install our service, which begins with the system, and start it.

    Args:
        native: Windows.
        argv: what it runs.

    Raises:
        OSError: that is not possible; nothing is left.
    """
    manager = native.check("OpenSCManagerW", None, None, _CREATE)
    try:
        service = native.check(
            "CreateServiceW", manager, NAME, _TITLE, _ALL, _OWN_PROCESS, _AUTOMATIC, _NORMAL, line(argv),
            None, None, None, None, None,
        )  # fmt: skip
    finally:
        native("CloseServiceHandle", manager)
    try:
        if not native("StartServiceW", service, 0, None):
            error = native.error()
            native("DeleteService", service)
            raise failure(error, f"starting {NAME}")
    finally:
        native("CloseServiceHandle", service)


def remove(native: Native) -> None:
    """Stop our service and take it out.

    Raises:
        OSError: there is none, or that is not possible.
    """
    manager = native.check("OpenSCManagerW", None, None, _CONNECT)
    try:
        service = native.check("OpenServiceW", manager, NAME, _ALL)
    finally:
        native("CloseServiceHandle", manager)
    try:
        native("ControlService", service, _STOP, ctypes.byref(ServiceStatus()))  # it may not be running
        native.check("DeleteService", service)
    finally:
        native("CloseServiceHandle", service)
