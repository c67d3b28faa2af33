"""What FreeBSD's kernel tells of interfaces and addresses: the messages of NET_RT_IFLIST. No I/O.

Sources: FreeBSD, sys/net/if.h (if_msghdr, ifa_msghdr, if_data), sys/net/if_dl.h (sockaddr_dl), route(4),
sys/netinet6/in6.h; the layout is that of 64-bit machines since FreeBSD 11.
"""

from __future__ import annotations

import struct

from guestwright.agent.core.facts import Address
from guestwright.agent.unix.text import ipv4, ipv6, mac
from guestwright.base.record import record

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 5  # RTM_VERSION
NEW_ADDRESS, INTERFACE = 0xC, 0xE  # RTM_NEWADDR, RTM_IFINFO
_HEADER = struct.Struct("=HBB")  # length, version, type
_INTERFACE = struct.Struct("=HBBiiHH")  # ... addresses that follow, flags, index, spare
_DATA = struct.Struct("=BBBBBBHIIQ")  # type, physical, lengths, link state, vhid, length, MTU, metric, bit/s
_ADDRESS = struct.Struct("=HBBiiHHi")
_MASK, _LINK, _OWN = 2, 4, 5  # places of RTAX_NETMASK, RTAX_IFP and RTAX_IFA
_AF_INET, _AF_LINK, _AF_INET6 = 2, 18, 28
_UP, _LOOPBACK = 0x1, 0x8
_STATE_DOWN = 1


@record
class Interface:
    """One interface.

    Attributes:
        index: of the kernel.
        name: "xn0".
        mac: "00:16:3e:00:00:01", or "".
        mtu: bytes.
        up: whether the owner wants it up.
        loopback: whether it is `lo0`.
        carrier: whether there is a link; None when the driver does not know.
        speed: Mbit/s, None when unknown.
        addresses: its own.
    """

    index: int
    name: str
    mac: str = ""
    mtu: int = 0
    up: bool = False
    loopback: bool = False
    carrier: bool | None = None
    speed: int | None = None
    addresses: tuple[Address, ...] = ()


def interfaces(data: bytes) -> tuple[Interface, ...]:
    """The interfaces of a list; what is malformed is left out."""
    found: dict[int, Interface] = {}
    addresses: dict[int, list[Address]] = {}
    for kind, body in _messages(data):
        if kind == INTERFACE and len(body) >= _INTERFACE.size + _DATA.size:
            one = _interface(body)
            if one.name:
                found[one.index] = one
        elif kind == NEW_ADDRESS and len(body) >= _ADDRESS.size:
            _, _, _, which, _, index, _, _ = _ADDRESS.unpack_from(body)
            sockets = _sockets(body[_ADDRESS.size :], which)
            address = _address(sockets.get(_OWN, b""), sockets.get(_MASK, b""))
            if address is not None:
                addresses.setdefault(index, []).append(address)
    return tuple(
        Interface(
            index=one.index,
            name=one.name,
            mac=one.mac,
            mtu=one.mtu,
            up=one.up,
            loopback=one.loopback,
            carrier=one.carrier,
            speed=one.speed,
            addresses=tuple(addresses.get(one.index, ())),
        )
        for one in found.values()
    )


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place + _HEADER.size <= len(data):
        length, version, kind = _HEADER.unpack_from(data, place)
        if not _HEADER.size <= length <= len(data) - place:
            return
        if version == VERSION:
            yield kind, data[place : place + length]
        place += length


def _interface(body: bytes) -> Interface:
    _, _, _, which, flags, index, _ = _INTERFACE.unpack_from(body)
    data = _DATA.unpack_from(body, _INTERFACE.size)
    state, size, mtu, rate = data[4], data[6], data[7], data[9]
    link = _sockets(body[_INTERFACE.size + size :], which).get(_LINK, b"")
    name, hardware = "", b""
    if len(link) >= 8 and link[1] == _AF_LINK:
        end = 8 + link[5]
        name = link[8:end].decode("utf-8", "replace")
        hardware = link[end : end + link[6]]
    return Interface(
        index=index,
        name=name,
        mac=mac(hardware) if len(hardware) == 6 else "",
        mtu=mtu,
        up=bool(flags & _UP),
        loopback=bool(flags & _LOOPBACK),
        carrier=None if state == 0 else state != _STATE_DOWN,
        speed=rate // 1000000 or None,
    )


def _sockets(data: bytes, which: int) -> dict[int, bytes]:
    """The socket addresses by their place in the bit mask; each is padded to eight bytes."""
    found: dict[int, bytes] = {}
    place = 0
    for bit in range(8):
        if which & (1 << bit) and place < len(data):
            size = data[place]
            found[bit] = data[place : place + size]
            place += (size + 7) & ~7 if size else 8
    return found


def _address(own: bytes, mask: bytes) -> Address | None:
    if len(own) >= 8 and own[1] == _AF_INET:
        return Address(
            family=4,
            address=ipv4(own[4:8]),
            prefix=_prefix(mask[4:8]),
            scope="host" if own[4] == 127 else "global",
        )
    if len(own) >= 24 and own[1] == _AF_INET6:
        raw = own[8:24]
        link = raw[0] == 0xFE and raw[1] & 0xC0 == 0x80
        if link:
            raw = raw[:2] + b"\0\0" + raw[4:]  # the kernel keeps the interface's index there
        scope = "link" if link else "host" if raw == b"\0" * 15 + b"\1" else "global"
        return Address(family=6, address=ipv6(raw), prefix=_prefix(mask[8:24]), scope=scope)
    return None


def _prefix(mask: bytes) -> int:
    """The length of a prefix whose mask may be cut after its last byte that is not 0."""
    return f"{int.from_bytes(mask, 'big'):b}".count("1")
