"""The collectors of a FreeBSD guest: interfaces, memory, names, identity.

Theory of operation: any message on the routing socket means that the list of interfaces is to be read again;
a timer of about a minute looks at the rest. What bridges consist of, disks and users are not collected yet.
"""

from __future__ import annotations

import _socket
import os

from guestwright.agent.core.facts import Facts, Memory, Nic
from guestwright.agent.freebsd import route
from guestwright.agent.freebsd.sysctl import IFLIST, Sysctl
from guestwright.agent.unix.files import Files
from guestwright.agent.unix.host import host
from guestwright.agent.unix.identity import identity
from guestwright.agent.unix.os_release import system
from guestwright.agent.unix.version import version
from guestwright.base.record import replace

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Callable

    from guestwright.agent.freebsd.route import Interface
    from guestwright.agent.loop import Loop, Timer

_ROUTE, _RAW = 17, 3  # PF_ROUTE, SOCK_RAW
_PERIOD, _JITTER = 54.0, 12.0  # seconds
_TURN_MAX = 64
_NOT_UPGRADABLE = "/etc/pv-drivers-not-upgradable"
_SOFTWARE = {"bridge": "bridge", "lagg": "bond", "vlan": "vlan"}
_PLAIN = {"xn": "vif", "vtnet": "virtio", "ue": "usb"}
_NEITHER = ("lo", "tap", "tun", "epair", "wg", "gif", "gre", "enc", "pflog", "pfsync", "ipfw", "stf", "vxlan")


class FreeBSDSources:
    """Knows the guest.

    Args:
        root: of the file system; "/" but in tests.
        sysctl: the kernel's variables.
    """

    def __init__(self, root: str = "/", sysctl: Sysctl | None = None) -> None:
        self._files = Files(root)
        self._sysctl = sysctl if sysctl is not None else Sysctl()
        self._facts = Facts(version=version())
        self._changed: Callable[[], object] | None = None
        self._loop: Loop | None = None
        self._timer: Timer | None = None
        self._socket: _socket.socket | None = None

    def start(self, loop: Loop, changed: Callable[[], object]) -> None:
        """Begin to collect, and call `changed` whenever facts may have changed."""
        self._loop = loop
        self._changed = changed
        self._socket = _socket.socket(_ROUTE, _RAW, 0)
        self._socket.setblocking(False)
        loop.add(self._socket.fileno(), self._heard)
        self._look()
        self._again()

    def snapshot(self) -> Facts:
        """What is known now."""
        return self._facts

    def close(self) -> None:
        """Let go of everything."""
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None and self._loop is not None:
            self._loop.remove(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _heard(self, events: int) -> None:
        del events
        assert self._socket is not None
        for _ in range(_TURN_MAX):
            try:
                self._socket.recv(4096)
            except OSError:
                break
        self._told(replace(self._facts, nics=self._nics()))

    def _again(self) -> None:
        assert self._loop is not None
        self._timer = self._loop.at(_PERIOD + _JITTER * os.urandom(1)[0] / 255, self._minute)

    def _minute(self) -> None:
        before = self._facts
        self._look()
        self._again()
        after, self._facts = self._facts, before
        self._told(after)

    def _told(self, facts: Facts) -> None:
        if facts != self._facts:
            self._facts = facts
            if self._changed is not None:
                self._changed()

    def _look(self) -> None:
        files = self._files
        self._facts = replace(
            self._facts,
            system=system(files, "freebsd"),
            host=host(files),
            memory=self._memory(),
            identity=identity(files),
            nics=self._nics(),
            not_upgradable=os.path.exists(files.path(_NOT_UPGRADABLE)),
        )

    def _memory(self) -> Memory | None:
        read = self._sysctl.number
        total, page = read("hw.physmem"), read("hw.pagesize")
        pages = sum(read(f"vm.stats.vm.v_{kind}_count") for kind in ("free", "inactive", "laundry"))
        return Memory(total=total // 1024, free=pages * page // 1024) if total else None

    def _nics(self) -> tuple[Nic, ...]:
        found = route.interfaces(self._sysctl.by_number(IFLIST))
        return tuple(nic(one, self._sysctl) for one in found if not one.loopback)


def nic(one: Interface, sysctl: Sysctl) -> Nic:
    """An interface as a fact; FreeBSD names interfaces after their drivers."""
    driver = one.name.rstrip("0123456789")
    unit = one.name[len(driver) :]
    kind = _SOFTWARE.get(driver) or _PLAIN.get(driver) or ("other" if driver in _NEITHER else "pci")
    ident, bus, vif = f"{kind}-{one.index}", "", None
    if kind == "vif" and unit:
        vif = int(unit)
        ident = f"vif-{vif}"
    elif kind in ("pci", "usb"):
        bus = _bus(sysctl.text(f"dev.{driver}.{unit}.%location"))
        kind = kind if bus or kind == "usb" else "other"
        ident = "pci-" + bus.replace(":", "_").replace(".", "_") if bus else f"{kind}-{one.name}"
    return Nic(
        id=ident,
        kind=kind,
        name=one.name,
        index=one.index,
        mac=one.mac,
        mtu=one.mtu,
        up=one.up,
        carrier=one.carrier,
        speed=one.speed,
        driver=driver,
        bus=bus,
        vif=vif,
        addresses=one.addresses,
    )


def _bus(location: str) -> str:
    """The PCI address in Linux's form, out of "slot=5 function=0 dbsf=pci0:0:5:0"; "" when there is none."""
    for word in location.split():
        if word.startswith("dbsf=pci"):
            parts = word[8:].split(":")
            if len(parts) == 4 and all(part.isdigit() for part in parts):
                domain, bus, slot, function = map(int, parts)
                return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"
    return ""
