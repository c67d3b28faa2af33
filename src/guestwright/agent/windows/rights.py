"""What the agent's account may do but has to ask for: privileges of its token.

Source: Microsoft's "Enabling and disabling privileges in C++"; winnt.h (TOKEN_PRIVILEGES).
"""

from __future__ import annotations

import ctypes
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.windows.native import Native

SHUTDOWN: Final = "SeShutdownPrivilege"
SYSTEM_TIME: Final = "SeSystemtimePrivilege"
_ADJUST: Final = 0x28  # TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY
_ENABLED: Final = 2  # SE_PRIVILEGE_ENABLED


def take(native: Native, name: str) -> None:
    """Switch a privilege on for this process.

    Raises:
        OSError: this process has no token that could be changed. That it lacks the privilege shows when it
            is used.
    """
    token = ctypes.c_size_t()
    process = native.winapi.GetCurrentProcess() & ((1 << 64) - 1)
    native.check("OpenProcessToken", process, _ADJUST, ctypes.byref(token))
    try:
        luid = ctypes.create_string_buffer(8)
        native.check("LookupPrivilegeValueW", None, name, luid)
        wanted = ctypes.create_string_buffer(struct.pack("<I8sI", 1, luid.raw, _ENABLED), 16)
        native.check("AdjustTokenPrivileges", token.value, False, wanted, 0, None, None)
    finally:
        native("CloseHandle", token.value)
