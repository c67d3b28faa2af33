"""What Windows' functions fill in, for 64-bit Windows, in types whose sizes do not depend on the platform.

Source: Microsoft's winnt.h (OSVERSIONINFOEXW), sysinfoapi.h (MEMORYSTATUSEX), iptypes.h
(IP_ADAPTER_ADDRESSES_LH, IP_ADAPTER_UNICAST_ADDRESS_LH), ws2def.h (SOCKET_ADDRESS), wtsapi32.h, winsvc.h.
"""

from __future__ import annotations

import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

WORDS_MAX: Final = 256  # characters of a text that is read


class Version(ctypes.Structure):
    """OSVERSIONINFOEXW; its first field is its size."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("build", ctypes.c_uint32),
        ("platform", ctypes.c_uint32),
        ("service_pack", ctypes.c_uint16 * 128),
        ("service_pack_major", ctypes.c_uint16),
        ("service_pack_minor", ctypes.c_uint16),
        ("suite", ctypes.c_uint16),
        ("product", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8),
    )


class MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX; its first field is its size."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        ("total_page_file", ctypes.c_uint64),
        ("available_page_file", ctypes.c_uint64),
        ("total_virtual", ctypes.c_uint64),
        ("available_virtual", ctypes.c_uint64),
        ("available_extended", ctypes.c_uint64),
    )


class SocketAddress(ctypes.Structure):
    """SOCKET_ADDRESS."""

    _fields_ = (("place", ctypes.c_void_p), ("size", ctypes.c_int32))


class Unicast(ctypes.Structure):
    """IP_ADAPTER_UNICAST_ADDRESS_LH, as far as it is read."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("next", ctypes.c_void_p),
        ("address", SocketAddress),
        ("prefix_origin", ctypes.c_int32),
        ("suffix_origin", ctypes.c_int32),
        ("duplicate_state", ctypes.c_int32),
        ("valid", ctypes.c_uint32),
        ("preferred", ctypes.c_uint32),
        ("lease", ctypes.c_uint32),
        ("prefix", ctypes.c_uint8),
    )


class Adapter(ctypes.Structure):
    """IP_ADAPTER_ADDRESSES_LH, as far as it is read."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("index", ctypes.c_uint32),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_void_p),
        ("unicast", ctypes.c_void_p),
        ("anycast", ctypes.c_void_p),
        ("multicast", ctypes.c_void_p),
        ("dns_servers", ctypes.c_void_p),
        ("dns_suffix", ctypes.c_void_p),
        ("description", ctypes.c_void_p),
        ("friendly_name", ctypes.c_void_p),
        ("physical", ctypes.c_uint8 * 8),
        ("physical_size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("mtu", ctypes.c_uint32),
        ("kind", ctypes.c_uint32),
        ("state", ctypes.c_int32),
        ("index6", ctypes.c_uint32),
        ("zones", ctypes.c_uint32 * 16),
        ("prefix", ctypes.c_void_p),
        ("speed_out", ctypes.c_uint64),
        ("speed_in", ctypes.c_uint64),
    )


def wide(address: int | None) -> str:
    """A text in UTF-16 that ends with a NUL; "" without one."""
    if not address:
        return ""
    found = bytearray()
    for number in range(WORDS_MAX):
        pair = ctypes.string_at(address + 2 * number, 2)
        if pair == b"\0\0":
            break
        found += pair
    return found.decode("utf-16-le", "replace")


def narrow(address: int | None) -> str:
    """A text of single bytes that ends with a NUL; "" without one."""
    if not address:
        return ""
    found = bytearray()
    for number in range(WORDS_MAX):
        one = ctypes.string_at(address + number, 1)
        if one == b"\0":
            break
        found += one
    return found.decode("ascii", "replace")


class Session(ctypes.Structure):
    """WTS_SESSION_INFOW."""

    _fields_ = (("number", ctypes.c_uint32), ("station", ctypes.c_void_p), ("state", ctypes.c_int32))


class ServiceStatus(ctypes.Structure):
    """SERVICE_STATUS."""

    _fields_ = tuple(
        (name, ctypes.c_uint32)
        for name in ("kind", "state", "accepts", "exit_code", "own_exit_code", "check_point", "wait")
    )


class ServiceEntry(ctypes.Structure):
    """SERVICE_TABLE_ENTRYW."""

    _fields_ = (("name", ctypes.c_wchar_p), ("main", ctypes.c_void_p))
