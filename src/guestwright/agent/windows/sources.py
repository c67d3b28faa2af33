"""The collectors of a Windows guest.

Theory of operation: Windows tells of changes of interfaces and addresses; a timer of about a minute, which is
not the same in every guest of a host, looks at the rest: memory, names, file systems and users.
"""

from __future__ import annotations

import ctypes
import os
import time

from guestwright.agent.core.facts import Facts, Host
from guestwright.agent.unix.version import version
from guestwright.agent.windows.adapters import adapters
from guestwright.agent.windows.changes import Changes
from guestwright.agent.windows.read import memory, system
from guestwright.agent.windows.structures import MemoryStatus, Version
from guestwright.agent.windows.users import users
from guestwright.agent.windows.volumes import filesystems
from guestwright.base.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from guestwright.agent.loop import Timer
    from guestwright.agent.windows.native import Native
    from guestwright.agent.windows.waiting import WindowsLoop

_PERIOD, _JITTER = 54.0, 12.0  # seconds
_NAME_DNS_HOST: Final = 1  # ComputerNameDnsHostname
_NAME_DNS_DOMAIN: Final = 2  # ComputerNameDnsDomain
_NAME_MAX: Final = 256


class WindowsSources:
    """Knows the guest.

    Args:
        loop: runs the agent.
        architecture: of the machine.
    """

    def __init__(self, loop: WindowsLoop, architecture: str) -> None:
        self._loop = loop
        self._native: Native = loop.native
        self._architecture = architecture
        self._facts = Facts(version=version())
        self._changed: Callable[[], object] | None = None
        self._changes: Changes | None = None
        self._timer: Timer | None = None

    def start(self, changed: Callable[[], object]) -> None:
        """Begin to collect, and call `changed` when facts may have changed."""
        self._changed = changed
        self._changes = Changes(self._loop, self._network_changed)
        self._look()
        self._again()

    def snapshot(self) -> Facts:
        """What is known now."""
        return self._facts

    def close(self) -> None:
        """Collect no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._changes is not None:
            self._changes.close()
            self._changes = None

    def _again(self) -> None:
        self._timer = self._loop.at(_PERIOD + _JITTER * os.urandom(1)[0] / 255, self._minute)

    def _minute(self) -> None:
        before = self._facts
        self._look()
        self._again()
        self._tell(before)

    def _network_changed(self) -> None:
        before = self._facts
        self._facts = replace(self._facts, nics=adapters(self._native))
        self._tell(before)

    def _tell(self, before: Facts) -> None:
        if self._facts != before and self._changed is not None:
            self._changed()

    def _look(self) -> None:
        native = self._native
        numbers, status = Version(), MemoryStatus()
        numbers.size, status.size = ctypes.sizeof(numbers), ctypes.sizeof(status)
        native("RtlGetVersion", ctypes.byref(numbers))
        known = native("GlobalMemoryStatusEx", ctypes.byref(status))
        self._facts = replace(
            self._facts,
            system=system(numbers, self._architecture),
            host=Host(
                name=self._name(_NAME_DNS_HOST),
                domain=self._name(_NAME_DNS_DOMAIN),
                utc_offset=time.localtime().tm_gmtoff,
            ),
            memory=memory(status) if known else None,
            filesystems=filesystems(native),
            users=users(native),
            nics=adapters(native),
        )

    def _name(self, kind: int) -> str:
        buffer = ctypes.create_string_buffer(2 * _NAME_MAX)
        size = ctypes.c_uint32(_NAME_MAX)
        if not self._native("GetComputerNameExW", kind, buffer, ctypes.byref(size)):
            return ""
        return buffer.raw[: 2 * min(size.value, _NAME_MAX)].decode("utf-16-le", "replace").rstrip("\0")
