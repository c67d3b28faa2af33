"""Messages of rtnetlink: what the kernel tells about links and addresses. No I/O.

Sources: rtnetlink(7), netlink(7), linux/if_link.h, linux/if_addr.h. Everything is in host byte order and
aligned to four bytes.
"""

from __future__ import annotations

import struct
import sys

from guestwright.agent.core.facts import Address
from guestwright.agent.unix import text
from guestwright.base.record import record

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Iterator

ERROR, DONE = 2, 3
NEW_LINK, DEL_LINK, GET_LINK = 16, 17, 18
NEW_ADDR, DEL_ADDR, GET_ADDR = 20, 21, 22
GROUPS = 0x1 | 0x10 | 0x100  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
INTERRUPTED = 0x10  # NLM_F_DUMP_INTR: something changed during a dump
_REQUEST_DUMP = 0x1 | 0x300

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
_ATTRIBUTE = struct.Struct("=HH")
_LINK = struct.Struct("=BxHiII")  # family, hardware type, index, flags, changed flags
_ADDR = struct.Struct("=BBBBI")  # family, prefix, flags, scope, index
_KIND_OF_ATTRIBUTE = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

_UP, _LOOPBACK, _LOWER_UP = 0x1, 0x8, 0x10000
_TEMPORARY, _DAD_FAILED, _DEPRECATED, _TENTATIVE, _PERMANENT = 0x1, 0x8, 0x20, 0x40, 0x80
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host"}
_FAMILIES = {2: (4, 4), 10: (6, 16)}  # AF_INET and AF_INET6: family, bytes of an address


@record
class Message:
    """One message.

    Attributes:
        kind: `NEW_LINK` and the like.
        flags: NLM_F_…
        sequence: number of the request that it answers; 0 for news.
        body: what follows the header.
    """

    kind: int
    flags: int
    sequence: int
    body: bytes


@record
class Link:
    """A network interface, as the kernel tells.

    Attributes:
        index: unique while the guest runs.
        name: of the interface.
        kind: of a software interface ("bridge"); "" for hardware.
        ethernet: whether it has a MAC address in Ethernet's form.
        loopback: whether it is `lo`.
        mac: "00:16:3e:00:00:01", or "".
        mtu: bytes.
        up: whether the owner wants it up.
        carrier: whether there is a link.
        lower: index of the interface below (VLAN, macvlan), 0 for none.
        master: index of the bridge, bond or VRF above, 0 for none.
        vlan: VLAN id.
        bridge: bridge id, "8000.00163e000001".
    """

    index: int
    name: str
    kind: str = ""
    ethernet: bool = True
    loopback: bool = False
    mac: str = ""
    mtu: int = 0
    up: bool = False
    carrier: bool = False
    lower: int = 0
    master: int = 0
    vlan: int | None = None
    bridge: str = ""


def request(kind: int, sequence: int) -> bytes:
    """A request for everything: `GET_LINK` or `GET_ADDR`."""
    body = _LINK.pack(0, 0, 0, 0, 0) if kind == GET_LINK else _ADDR.pack(0, 0, 0, 0, 0)
    if kind == GET_LINK:
        body += struct.pack("=HHI", 8, 29, 8)  # IFLA_EXT_MASK: RTEXT_FILTER_SKIP_STATS
    return _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST_DUMP, sequence, 0) + body


def messages(data: bytes) -> Iterator[Message]:
    """The messages of one datagram; what is malformed ends it."""
    place = 0
    while place + _HEADER.size <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, place)
        if not _HEADER.size <= length <= len(data) - place:
            return
        yield Message(
            kind=kind, flags=flags, sequence=sequence, body=data[place + _HEADER.size : place + length]
        )
        place += (length + 3) & ~3


def attributes(data: bytes, place: int) -> dict[int, bytes]:
    """Attributes by number; what is malformed ends them."""
    found: dict[int, bytes] = {}
    while place + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, place)
        if not _ATTRIBUTE.size <= length <= len(data) - place:
            break
        found[kind & _KIND_OF_ATTRIBUTE] = data[place + _ATTRIBUTE.size : place + length]
        place += (length + 3) & ~3
    return found


def link(body: bytes) -> Link | None:
    """The link of a `NEW_LINK` or `DEL_LINK`; None when it is about something else, or malformed."""
    if len(body) < _LINK.size:
        return None
    family, hardware, index, flags, _ = _LINK.unpack_from(body)
    if family:  # AF_BRIDGE: the port leaves its bridge, the interface stays
        return None
    found = attributes(body, _LINK.size)
    name = found.get(3, b"").split(b"\0")[0].decode("utf-8", "replace")
    if not name:  # news about a wireless network
        return None
    info = attributes(found.get(18, b""), 0)
    kind = info.get(1, b"").split(b"\0")[0].decode("ascii", "replace")
    more = attributes(info.get(2, b""), 0)
    mac = found.get(1, b"")
    return Link(
        index=index,
        name=name,
        kind=kind,
        ethernet=hardware == 1,
        loopback=bool(flags & _LOOPBACK),
        mac=text.mac(mac) if hardware == 1 and len(mac) == 6 else "",
        mtu=_number(found.get(4)),
        up=bool(flags & _UP),
        carrier=bool(flags & _LOWER_UP),
        lower=0
        if 37 in found
        else _number(found.get(5)),  # IFLA_LINK_NETNSID: it is another namespace's number
        master=_number(found.get(10)),
        vlan=_number(more.get(1), 2) if kind == "vlan" and 1 in more else None,
        bridge=_bridge(more.get(11, b"")) if kind == "bridge" else "",
    )


def address(body: bytes) -> tuple[int, Address] | None:
    """The interface's index and the address of a `NEW_ADDR` or `DEL_ADDR`; None for other families."""
    if len(body) < _ADDR.size:
        return None
    family, prefix, flags, scope, index = _ADDR.unpack_from(body)
    if family not in _FAMILIES:
        return None
    number, size = _FAMILIES[family]
    found = attributes(body, _ADDR.size)
    raw = found.get(2, found.get(1, b""))  # IFA_LOCAL, or IFA_ADDRESS, which is the peer's on some links
    flags = _number(found.get(8)) if 8 in found else flags
    if len(raw) != size or prefix > size * 8:
        return None
    return index, Address(
        family=number,
        address=text.ipv4(raw) if number == 4 else text.ipv6(raw),
        prefix=prefix,
        scope=_SCOPES.get(scope, "global"),
        temporary=number == 6 and bool(flags & _TEMPORARY),
        deprecated=bool(flags & _DEPRECATED),
        tentative=bool(flags & (_TENTATIVE | _DAD_FAILED)),
        dynamic=not flags & _PERMANENT,
    )


def _number(data: bytes | None, size: int = 4) -> int:
    return int.from_bytes(data[:size], sys.byteorder) if data is not None and len(data) >= size else 0


def _bridge(raw: bytes) -> str:
    return f"{raw[:2].hex()}.{raw[2:].hex()}" if len(raw) == 8 else ""
