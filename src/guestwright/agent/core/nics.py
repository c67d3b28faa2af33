"""Network interfaces as keys: `attr/vif`, `xenserver/attr/net-sriov-vf`, `data/net`.

Theory of operation: hardware (VIFs, functions of SR-IOV cards, passed-through and virtio cards) is published,
and of the software interfaces those that stand on hardware; bridges of containers are nobody's business. A
software interface that stands on exactly one piece of hardware lends it its addresses: readers that know only
VIFs then see the address of a VIF that is part of a bridge. With two there would be the same address on both,
so it stays in `data/net` alone.

Which VIF or SR-IOV function a card is, the kernel says, or else the host by its MAC address. Readers drop all
addresses of a VIF if one index is no integer, and take the lowest index for *the* address: indexes count from
0 without gaps, global scope first, what is in use before what is deprecated, stable before temporary.
"""

from __future__ import annotations

from guestwright.agent.core import schema
from guestwright.agent.core.text import is_name, text
from guestwright.base.record import replace

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from guestwright.agent.core.facts import Address, Nic

HARDWARE = ("vif", "sriov", "pci", "usb", "virtio")
SOFTWARE = ("bridge", "bond", "team", "vlan", "macvlan", "vrf")
NICS_MAX = 64  # the names of all stand in one node of at most 2048 bytes
ADDRESSES_MAX = 256  # of one NIC
VIF_MACS = "device/vif"  # below: N/mac, by the host
SRIOV_MACS = "xenserver/device/net-sriov-vf"
_SCOPES = ("global", "site", "link")
_FLAGS = ("temporary", "deprecated", "tentative", "dynamic")


class Network:
    """The keys of all interfaces, of which only those are made anew that changed.

    Theory of operation: as long as nothing but addresses is different from the last time, the same
    interfaces are published at the same places (`shape`); only the keys of those with other addresses, and of
    hardware that is lent them, are made again.
    """

    def __init__(self) -> None:
        self._nics: tuple[Nic, ...] | None = None
        self._told: Mapping[str, str] = {}
        self._chosen: dict[str, Nic] = {}
        self._below: dict[str, set[str]] = {}
        self._published: list[str] = []
        self._unique: set[str] = set()
        self._roots: dict[str, str] = {}
        self._parts: dict[str, dict[str, bytes]] = {}
        self.shape = object()

    def update(self, nics: tuple[Nic, ...], told: Mapping[str, str]) -> Mapping[str, dict[str, bytes]]:
        """The keys of each interface that is published, by a name; equal ones are the same objects as before.

        Args:
            nics: all interfaces.
            told: what the host wrote, see `layout.desired`.
        """
        changed = self._readdressed(nics) if told == self._told else None
        self._nics, self._told = nics, told
        if changed is None:
            self._arrange(nics, told)
            changed = list(self._chosen)
            self._parts = {"net": {"data/net/version": schema.VERSION.encode("ascii")}}
        for ident in changed:
            self._parts[ident] = dict(self._keys(self._chosen[ident]))
        return self._parts

    def _readdressed(self, nics: tuple[Nic, ...]) -> list[str] | None:
        """The published interfaces that are to be made again; None when more than addresses has changed."""
        before = self._nics
        if before is None or len(before) != len(nics):
            return None
        changed: dict[str, None] = {}
        for old, new in zip(before, nics):  # noqa: B905 - equally long; Python 3.8
            if old is new or old == new:
                continue
            if replace(old, addresses=new.addresses) != new or new.id not in self._unique:
                return None
            if new.id in self._chosen:
                self._chosen[new.id] = replace(self._chosen[new.id], addresses=new.addresses)
                changed[new.id] = None
                changed.update(dict.fromkeys(one for one in self._below[new.id] if one in self._roots))
        return list(changed)

    def _arrange(self, nics: tuple[Nic, ...], told: Mapping[str, str]) -> None:
        """Find out which interfaces are published, and where."""
        self.shape = object()
        ids = [nic.id for nic in nics]
        self._unique = {one for one in ids if ids.count(one) == 1}
        chosen, self._below = _chosen([_placed(nic, told) for nic in nics if is_name(nic.id)])
        self._chosen = {nic.id: nic for nic in chosen}
        self._published = [nic.id for nic in chosen]
        self._roots = {}
        for nic in chosen:
            root = _old_root(nic)
            if root and root not in self._roots.values():
                self._roots[nic.id] = root

    def _keys(self, nic: Nic) -> Iterator[tuple[str, bytes]]:
        """Path and value of the keys of one interface."""
        root = self._roots.get(nic.id)
        if root is not None:
            below = self._below
            lent = [
                one
                for other in self._published
                if below[other] == {nic.id}
                for one in self._chosen[other].addresses
            ]
            yield from _old_keys(root, nic, lent)
        for path, value in _new_keys(f"data/net/{nic.id}", nic, self._published):
            if value:
                yield path, value


def _placed(nic: Nic, told: Mapping[str, str]) -> Nic:
    """The NIC with its number, where the host knows it by its MAC address."""
    if nic.vif is not None or nic.kind not in HARDWARE:
        return nic
    for directory, kind in ((SRIOV_MACS, "sriov"), (VIF_MACS, nic.kind)):
        for path, mac in told.items():
            number = path[len(directory) + 1 : -4]
            here = path == f"{directory}/{number}/mac" and number.isdigit() and number.isascii()
            if here and len(number) <= 5 and mac.strip().lower() == nic.mac.lower() != "":
                return replace(nic, kind=kind, vif=int(number))
    return nic


def _chosen(nics: list[Nic]) -> tuple[list[Nic], dict[str, set[str]]]:
    """The interfaces to publish, the most important first, and for each software one the hardware below."""
    by_id = {nic.id: nic for nic in nics}
    hardware = [nic for nic in by_id.values() if nic.kind in HARDWARE]
    hardware.sort(key=lambda nic: (nic.vif is None, nic.vif or 0, nic.id))
    below: dict[str, set[str]] = {nic.id: set() for nic in hardware}
    chosen = hardware[:NICS_MAX]
    for nic in by_id.values():
        if nic.kind in SOFTWARE and len(chosen) < NICS_MAX:
            found = _hardware_below(nic, by_id)
            if found:
                below[nic.id] = found
                chosen.append(nic)
    return chosen, below


def _hardware_below(nic: Nic, by_id: Mapping[str, Nic]) -> set[str]:
    found: set[str] = set()
    seen: set[str] = {nic.id}
    waiting = list(nic.members)
    while waiting:
        one = by_id.get(waiting.pop())
        if one is None or one.id in seen:
            continue
        seen.add(one.id)
        if one.kind in HARDWARE:
            found.add(one.id)
        else:
            waiting.extend(one.members)
    return found


def _old_root(nic: Nic) -> str:
    if nic.vif is None:
        return ""
    return f"xenserver/attr/net-sriov-vf/{nic.vif}" if nic.kind == "sriov" else f"attr/vif/{nic.vif}"


def _old_keys(root: str, nic: Nic, lent: Iterable[Address]) -> Iterator[tuple[str, bytes]]:
    for path, value in ((f"{root}/name", text(nic.name)), (f"{root}/mac/0", text(nic.mac))):
        if value:
            yield path, value
    known: dict[tuple[int, str], Address] = {}
    for one in (*nic.addresses, *lent):
        if not one.tentative:
            known.setdefault((one.family, one.address), one)
    for path, address in _numbered(root, known.values()):
        yield path, text(address.address)
        yield f"{path}/prefix", b"%d" % address.prefix


def _new_keys(root: str, nic: Nic, published: list[str]) -> Iterator[tuple[str, bytes]]:
    yield f"{root}/kind", text(nic.kind)
    yield f"{root}/name", text(nic.name)
    yield f"{root}/mac", text(nic.mac)
    yield f"{root}/state", b"down" if not nic.up else b"no-carrier" if nic.carrier is False else b"up"
    yield f"{root}/vif", b"" if nic.vif is None else b"%d" % nic.vif
    yield f"{root}/bus", text(nic.bus)
    yield f"{root}/driver", text(nic.driver)
    yield f"{root}/mtu", b"%d" % nic.mtu if nic.mtu > 0 else b""
    yield f"{root}/speed", b"" if nic.speed is None else b"%d" % nic.speed
    yield f"{root}/vlan", b"" if nic.vlan is None else b"%d" % nic.vlan
    yield f"{root}/master", nic.master.encode("ascii") if nic.master in published else b""
    yield f"{root}/members", text(" ".join(one for one in nic.members if one in published), 1024)
    yield f"{root}/guid", text(nic.guid)
    for path, address in _numbered(root, nic.addresses):
        yield path, text(address.address)
        yield f"{path}/prefix", b"%d" % address.prefix
        yield f"{path}/flags", " ".join(one for one in _FLAGS if getattr(address, one)).encode("ascii")


def _numbered(root: str, addresses: Iterable[Address]) -> Iterator[tuple[str, Address]]:
    usable = [one for one in addresses if one.scope in _SCOPES and one.address]
    usable.sort(key=lambda one: (one.tentative, _SCOPES.index(one.scope), one.deprecated, one.temporary))
    for family in (4, 6):
        own = [one for one in usable if one.family == family][:ADDRESSES_MAX]
        for index, address in enumerate(own):
            yield f"{root}/ipv{family}/{index}", address
