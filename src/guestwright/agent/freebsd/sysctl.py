"""sysctl(3) through the C library; nothing else in Python's library reaches it.

Source: sysctl(3), sys/sysctl.h, sys/net/route.h (NET_RT_IFLIST).
"""

from __future__ import annotations

import ctypes

IFLIST = (4, 17, 0, 0, 3, 0)  # CTL_NET, PF_ROUTE, 0, any family, NET_RT_IFLIST, all interfaces
_SIZE_MAX = 1 << 20


class Sysctl:
    """Reads the kernel's variables.

    Args:
        library: the C library; another one in tests.
    """

    def __init__(self, library: ctypes.CDLL | None = None) -> None:
        self._library = library if library is not None else ctypes.CDLL(None, use_errno=True)

    def by_number(self, name: tuple[int, ...]) -> bytes:
        """The value of a variable by its numbers; b"" when it cannot be read."""
        numbers = (ctypes.c_int * len(name))(*name)
        size = ctypes.c_size_t(0)
        if self._library.sysctl(numbers, len(name), None, ctypes.byref(size), None, 0):
            return b""
        # Interfaces may come between the two calls.
        size.value = min(size.value * 2 + 4096, _SIZE_MAX)
        buffer = ctypes.create_string_buffer(size.value)
        if self._library.sysctl(numbers, len(name), buffer, ctypes.byref(size), None, 0):
            return b""
        return buffer.raw[: size.value]

    def by_name(self, name: str) -> bytes:
        """The value of a variable by its name; b"" when it cannot be read."""
        size = ctypes.c_size_t(4096)
        buffer = ctypes.create_string_buffer(size.value)
        if self._library.sysctlbyname(name.encode("ascii"), buffer, ctypes.byref(size), None, 0):
            return b""
        return buffer.raw[: size.value]

    def number(self, name: str) -> int:
        """A variable that is a number; 0 when it cannot be read."""
        return int.from_bytes(self.by_name(name), "little")

    def text(self, name: str) -> str:
        """A variable that is text; "" when it cannot be read."""
        return self.by_name(name).split(b"\0")[0].decode("utf-8", "replace")
