"""From Windows' structures to facts.

Sources: Microsoft's documentation of RtlGetVersion, GlobalMemoryStatusEx and GetAdaptersAddresses; build
numbers of releases: "Windows 10/11 release information", "Windows Server release information".
"""

from __future__ import annotations

import _socket
import ctypes

from guestwright.agent.core.facts import Address, Memory, Nic, System
from guestwright.agent.windows.structures import Adapter, MemoryStatus, Unicast, Version, narrow, wide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

_WORKSTATION: Final = 1  # VER_NT_WORKSTATION
_ELEVEN: Final = 22_000  # first build of Windows 11; its version numbers still say 10.0
_SERVERS: Final = ((26_100, "2025"), (20_348, "2022"), (17_763, "2019"), (14_393, "2016"))
_TEN: Final = 10
_BEFORE_TEN: Final = {1: "7", 2: "8", 3: "8.1"}  # of 6.x
_ETHERNET: Final = frozenset((6, 71))  # IF_TYPE_ETHERNET_CSMACD, IF_TYPE_IEEE80211
_UP: Final = 1  # IfOperStatusUp
_IPV4: Final = 2
_IPV6: Final = 23  # AF_INET6 of Windows
_TENTATIVE: Final = (0, 1, 2)  # invalid, tentative, duplicate
_DEPRECATED: Final = 3
_RANDOM: Final = 5  # IpSuffixOriginRandom: a temporary address
_DHCP: Final = 3  # IpPrefixOriginDhcp
_SPEED_UNKNOWN: Final = (1 << 64) - 1
_ADAPTERS_MAX: Final = 256
_ADDRESSES_MAX: Final = 256
_XEN: Final = ("xenserver pv network device", "xcp-ng pv network device", "xen net device driver")


def system(version: Version, architecture: str) -> System:
    """The operating system; `os_distro` is what XAPI knows a Windows guest by."""
    build = version.build
    if version.product == _WORKSTATION:
        release = "11" if build >= _ELEVEN else "10"
        if version.major < _TEN:
            release = _BEFORE_TEN.get(version.minor, str(version.major))
        name = f"Windows {release}"
    else:
        year = next((year for first, year in _SERVERS if build >= first), "")
        name = f"Windows Server {year}".rstrip()
    return System(
        name=f"{name} (build {build})",
        distro="windows",
        major=str(version.major),
        minor=str(version.minor),
        uname=f"{version.major}.{version.minor}.{build}",
        family="windows",
        architecture=architecture,
    )


def memory(status: MemoryStatus) -> Memory:
    """Memory in kB."""
    return Memory(total=status.total // 1024, free=status.available // 1024)


def nics(first: int | None) -> Iterator[Nic]:
    """Interfaces that are hardware, or look like it.

    Args:
        first: address of the first structure; each knows the next.
    """
    for _ in range(_ADAPTERS_MAX):
        if not first:
            return
        adapter = Adapter.from_address(first)
        first = adapter.next
        if adapter.kind in _ETHERNET:
            yield _nic(adapter)


def _nic(adapter: Adapter) -> Nic:
    description = wide(adapter.description)
    vif = _vif(description)
    size = min(adapter.physical_size, 8)
    guid = "".join(char for char in narrow(adapter.name).lower() if char.isalnum())
    speed = adapter.speed_out
    return Nic(
        id=f"pci-{guid}" if vif is None else f"vif-{vif}",
        kind="pci" if vif is None else "vif",
        name=wide(adapter.friendly_name),
        index=adapter.index or adapter.index6,
        mac=":".join(f"{byte:02x}" for byte in adapter.physical[:size]),
        mtu=adapter.mtu if adapter.mtu < 1 << 20 else 0,
        up=adapter.state == _UP,
        carrier=adapter.state == _UP,
        speed=None if speed in {0, _SPEED_UNKNOWN} else speed // 1_000_000,
        driver=description,
        vif=vif,
        addresses=tuple(_addresses(adapter.unicast)),
    )


def _vif(description: str) -> int | None:
    """The number of a Xen interface, which its drivers put at the end of its description."""
    name, _, number = description.lower().partition("#")
    if not name.strip().startswith(_XEN):
        return None
    digits = number.strip()
    return int(digits) if digits.isdigit() and len(digits) < 5 else 0


def _addresses(first: int | None) -> Iterator[Address]:
    for _ in range(_ADDRESSES_MAX):
        if not first:
            return
        one = Unicast.from_address(first)
        first = one.next
        found = _address(one)
        if found is not None:
            yield found


def _address(one: Unicast) -> Address | None:
    if not one.address.place or one.address.size < 16:
        return None
    raw = ctypes.string_at(one.address.place, min(one.address.size, 28))
    family = int.from_bytes(raw[:2], "little")
    if family == _IPV4:
        text = _socket.inet_ntop(_socket.AF_INET, raw[4:8])
        link_local = raw[4:6] == b"\xa9\xfe"
    elif family == _IPV6 and len(raw) >= 24:
        text = _socket.inet_ntop(_socket.AF_INET6, raw[8:24])
        link_local = raw[8] == 0xFE and raw[9] & 0xC0 == 0x80
    else:
        return None
    return Address(
        family=4 if family == _IPV4 else 6,
        address=text,
        prefix=one.prefix,
        scope="link" if link_local else "global",
        temporary=family == _IPV6 and one.suffix_origin == _RANDOM,
        deprecated=one.duplicate_state == _DEPRECATED,
        tentative=one.duplicate_state in _TENTATIVE,
        dynamic=one.prefix_origin == _DHCP,
    )
