"""Set the name and the clock of a Windows guest.

Theory of operation: a name counts from the next start of the system on, so the answer is
`SucceededNeedsReboot`. A name longer than NetBIOS has room for would be cut by Windows, so it is refused.

Source: win-xenguestagent (feature-setcomputername); Microsoft's SetComputerNameExW, SetSystemTime, and
"Naming conventions in Active Directory".
"""

from __future__ import annotations

import ctypes
import time

from guestwright.agent.actions.names import Clock, HostName, wrong
from guestwright.agent.windows import rights
from guestwright.agent.windows.actions.context import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_PHYSICAL_DNS_HOST: Final = 5  # ComputerNamePhysicalDnsHostname
_NETBIOS_MAX: Final = 15
_NAME_MAX: Final = 256
_MILLISECONDS: Final = 1000


class WindowsName(HostName):
    """Set the computer's name."""

    def _wrong(self, name: str) -> str:
        if "." in name:
            return "the name of a Windows computer has no domain in it"
        if len(name) > _NETBIOS_MAX:
            return f"the name of a Windows computer has at most {_NETBIOS_MAX} characters"
        return wrong(name) or ("the name of a Windows computer is not a number" if name.isdigit() else "")

    def _set(self, name: str) -> bytes:
        call = native(self.context)
        buffer = ctypes.create_string_buffer(2 * _NAME_MAX)
        size = ctypes.c_uint32(_NAME_MAX)
        known = call("GetComputerNameExW", _PHYSICAL_DNS_HOST, buffer, ctypes.byref(size))
        if known and buffer.raw.decode("utf-16-le", "replace").split("\0")[0].lower() == name.lower():
            return b"NoChange"
        call.check("SetComputerNameExW", _PHYSICAL_DNS_HOST, name)
        return b"SucceededNeedsReboot"


class WindowsClock(Clock):
    """Set the clock."""

    def _set(self, seconds: float) -> None:
        call = native(self.context)
        rights.take(call, rights.SYSTEM_TIME)
        call.check("SetSystemTime", (ctypes.c_uint16 * 8)(*system_time(seconds)))


def system_time(seconds: float) -> tuple[int, ...]:
    """SYSTEMTIME: year, month, day of the week (Sunday is 0), day, hour, minute, second, millisecond; UTC."""
    whole = int(seconds)
    parts = time.gmtime(whole)
    return (
        parts.tm_year,
        parts.tm_mon,
        (parts.tm_wday + 1) % 7,
        parts.tm_mday,
        parts.tm_hour,
        parts.tm_min,
        parts.tm_sec,
        int((seconds - whole) * _MILLISECONDS),
    )
