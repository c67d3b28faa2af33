"""Facts of Windows from structures as Windows fills them in; the functions that do so are stand-ins here."""

from __future__ import annotations

import ctypes
import socket
import struct
from typing import Any

import pytest

from guestwright.agent.core.facts import Address, Filesystem, Memory, User
from guestwright.agent.windows.read import nics, system
from guestwright.agent.windows.sources import WindowsSources
from guestwright.agent.windows.structures import (
    Adapter,
    MemoryStatus,
    ServiceEntry,
    ServiceStatus,
    Session,
    Unicast,
    Version,
)
from guestwright.agent.windows.waiting import WindowsLoop
from tests.support.windows_fake import FakeWindows


def test_sizes_are_those_of_the_headers() -> None:
    """As a C compiler for 64-bit Windows lays them out."""
    assert ctypes.sizeof(Version) == 284
    assert ctypes.sizeof(MemoryStatus) == 64
    assert (ctypes.sizeof(Session), Session.station.offset, Session.state.offset) == (24, 8, 16)
    assert (ctypes.sizeof(ServiceStatus), ctypes.sizeof(ServiceEntry)) == (28, 16)
    assert (ctypes.sizeof(Unicast), Unicast.prefix.offset) == (64, 56)
    assert (Adapter.unicast.offset, Adapter.physical.offset, Adapter.kind.offset) == (24, 80, 100)
    assert (Adapter.zones.offset, Adapter.prefix.offset, Adapter.speed_out.offset) == (112, 176, 184)


@pytest.mark.parametrize(
    ("numbers", "product", "name"),
    [
        ((6, 1, 7601), 1, "Windows 7 (build 7601)"),
        ((6, 3, 9600), 1, "Windows 8.1 (build 9600)"),
        ((10, 0, 19045), 1, "Windows 10 (build 19045)"),
        ((10, 0, 22631), 1, "Windows 11 (build 22631)"),
        ((10, 0, 20348), 3, "Windows Server 2022 (build 20348)"),
        ((10, 0, 26100), 3, "Windows Server 2025 (build 26100)"),
        ((6, 3, 9600), 2, "Windows Server (build 9600)"),
    ],
)
def test_systems(numbers: tuple[int, int, int], product: int, name: str) -> None:
    found = system(Version(major=numbers[0], minor=numbers[1], build=numbers[2], product=product), "AMD64")
    assert (found.name, found.distro, found.family) == (name, "windows", "windows")
    assert (found.major, found.minor) == (str(numbers[0]), str(numbers[1]))
    assert found.uname == ".".join(map(str, numbers))


class Heap:
    """Keeps what structures point to."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def put(self, one: Any) -> int:
        self.kept.append(one)
        return ctypes.addressof(one)

    def raw(self, data: bytes) -> int:
        return self.put(ctypes.create_string_buffer(data, len(data)))

    def wide(self, text: str) -> int:
        return self.raw(text.encode("utf-16-le") + b"\0\0")

    def address(self, sockaddr: bytes, behind: int | None = None, **more: int) -> int:
        values = {"duplicate_state": 4, "prefix": 24, **more}
        found = Unicast(next=behind, **values)
        found.address.place, found.address.size = self.raw(sockaddr), len(sockaddr)
        return self.put(found)

    def adapter(self, description: str, behind: int | None = None, **more: Any) -> int:
        values: dict[str, Any] = {"kind": 6, "state": 1, "mtu": 1500, "index": 7, "physical_size": 6, **more}
        return self.put(
            Adapter(
                next=behind,
                name=self.raw(b"{4D36E972-E325}\0"),
                description=self.wide(description),
                friendly_name=self.wide("Ethernet ü"),
                physical=(ctypes.c_uint8 * 8)(0, 0x16, 0x3E, 1, 2, 3),
                speed_out=10_000_000_000,
                **values,
            )
        )


def ipv4(text: str) -> bytes:
    return struct.pack("<HH4s8x", 2, 0, socket.inet_aton(text))


def ipv6(text: str) -> bytes:
    return struct.pack("<HHI16sI", 23, 0, 0, socket.inet_pton(socket.AF_INET6, text), 0)


def test_an_interface_with_addresses() -> None:
    heap = Heap()
    last = heap.address(ipv6("fe80::1"), prefix=64, duplicate_state=1)
    third = heap.address(ipv6("2001:db8::9"), last, prefix=64, suffix_origin=5, duplicate_state=3)
    second = heap.address(struct.pack("<H20x", 99), third)
    first = heap.address(ipv4("192.0.2.7"), second, prefix_origin=3)
    (nic,) = nics(heap.adapter("Intel(R) Gigabit", unicast=first))
    assert (nic.id, nic.kind, nic.name, nic.mac) == (
        "pci-4d36e972e325",
        "pci",
        "Ethernet ü",
        "00:16:3e:01:02:03",
    )
    assert (nic.index, nic.mtu, nic.up, nic.speed, nic.vif) == (7, 1500, True, 10_000, None)
    assert nic.addresses == (
        Address(family=4, address="192.0.2.7", prefix=24, dynamic=True),
        Address(family=6, address="2001:db8::9", prefix=64, temporary=True, deprecated=True),
        Address(family=6, address="fe80::1", prefix=64, scope="link", tentative=True),
    )


def test_interfaces_of_xen_and_of_no_hardware() -> None:
    heap = Heap()
    loopback = heap.adapter("Software Loopback Interface 1", kind=24)
    third = heap.adapter("XCP-ng PV Network Device", loopback, state=2)
    second = heap.adapter("XenServer PV Network Device #3", third)
    found = list(nics(second))
    assert [(nic.id, nic.vif, nic.up) for nic in found] == [("vif-3", 3, True), ("vif-0", 0, False)]
    assert list(nics(None)) == []


def test_a_list_without_an_end() -> None:
    heap = Heap()
    place = heap.adapter("x")
    heap.kept[-1].next = place
    assert len(list(nics(place))) == 256


class Machine(FakeWindows):
    """One guest."""

    def __init__(self) -> None:
        super().__init__()
        self.heap = Heap()
        address = self.heap.address(ipv4("192.0.2.7"))
        self.adapter = self.heap.adapter("XenServer PV Network Device #0", unicast=address)
        self.free = 1 << 30
        self.callback_of: Any = None

    def RtlGetVersion(self, place: Any) -> int:
        found = place._obj
        assert found.size == ctypes.sizeof(Version)
        found.major, found.build, found.product = 10, 22631, 1
        return 0

    def GlobalMemoryStatusEx(self, place: Any) -> int:
        found = place._obj
        assert found.size == ctypes.sizeof(MemoryStatus)
        found.total, found.available = 4 << 30, self.free
        return 1

    def GetAdaptersAddresses(self, family: int, flags: int, nothing: None, buffer: Any, size: Any) -> int:
        assert (family, flags, nothing) == (0, 14, None)
        if len(buffer) < 40_000:
            size._obj.value = 40_000
            return 111
        ctypes.memmove(buffer, self.adapter, ctypes.sizeof(Adapter))
        return 0

    def GetComputerNameExW(self, kind: int, buffer: Any, size: Any) -> int:
        text = {1: "web1", 2: ""}[kind].encode("utf-16-le")
        ctypes.memmove(buffer, text, len(text))
        size._obj.value = len(text) // 2
        return int(bool(text))

    def GetLogicalDrives(self) -> int:
        return 0b11101  # A, C, D, E

    def GetDriveTypeW(self, root: str) -> int:
        return {"A": 2, "C": 3, "D": 5, "E": 3}[root[0]]

    def GetVolumeInformationW(self, root: str, name: Any, *more: Any) -> int:
        if root[0] == "E":
            return 0
        name.raw = "System\0".encode("utf-16-le").ljust(len(name), b"\0")
        more[1]._obj.value = 0x1234ABCD
        more[4].raw = "NTFS\0".encode("utf-16-le").ljust(len(more[4]), b"\0")
        return 1

    def GetDiskFreeSpaceExW(self, root: str, free: Any, size: Any, all_free: None) -> int:
        free._obj.value, size._obj.value = 5 << 30, 64 << 30
        return 1

    def WTSEnumerateSessionsW(self, server: int, zero: int, one: int, place: Any, count: Any) -> int:
        sessions = (Session * 3)(
            Session(0, self.heap.wide("Services"), 4),
            Session(1, self.heap.wide("Console"), 0),
            Session(2, None, 6),
        )
        place._obj.value, count._obj.value = self.heap.put(sessions), 3
        return 1

    def WTSQuerySessionInformationW(self, server: int, session: int, what: int, place: Any, size: Any) -> int:
        text = {(1, 5): "anna", (1, 7): "WEB1", (2, 5): "gone", (2, 7): ""}.get((session, what))
        if text is None:
            return 0
        place._obj.value = self.heap.wide(text)
        return 1

    def WTSFreeMemory(self, place: Any) -> int:
        return 0

    def NotifyUnicastIpAddressChange(self, family: int, callback: Any, *more: Any) -> int:
        self.callback_of = callback
        return 0

    def NotifyIpInterfaceChange(self, *_: Any) -> int:
        return 0

    def CancelMibChangeNotify2(self, handle: int) -> int:
        return 0


def test_collecting_again_tells_of_changes() -> None:
    now, seen, windows = [0.0], [], Machine()
    loop = WindowsLoop(windows, lambda: now[0])
    sources = WindowsSources(loop, "amd64")
    try:
        sources.start(lambda: seen.append(1))
        facts = sources.snapshot()
        assert facts.system.name == "Windows 11 (build 22631)"
        assert (facts.host.name, facts.host.domain) == ("web1", "")
        assert facts.memory == Memory(total=4 << 20, free=1 << 20)
        assert [one.address for nic in facts.nics for one in nic.addresses] == ["192.0.2.7"]
        assert facts.users == (User(name="WEB1\\anna", line="Console"),)
        assert facts.filesystems == (
            Filesystem(
                device="C:",
                kind="ntfs",
                size=64 << 30,
                free=5 << 30,
                mounts=("C:\\",),
                uuid="1234-ABCD",
                label="System",
            ),
        )
        now[0] = 67
        loop.turn(0)
        assert seen == []
        windows.free = 1 << 29
        now[0] = 134
        loop.turn(0)
        assert seen == [1]
    finally:
        sources.close()
        loop.close()
    assert windows.events == {}


def test_an_address_is_seen_at_once() -> None:
    windows, seen = Machine(), []
    loop = WindowsLoop(windows)
    sources = WindowsSources(loop, "amd64")
    sources.start(lambda: seen.append(1))
    windows.callback_of(None, None, 0)
    loop.turn(0)
    assert seen == []  # nothing is different
    windows.adapter = windows.heap.adapter("XenServer PV Network Device #0")
    windows.callback_of(None, None, 0)
    loop.turn(0)
    assert seen == [1]
    assert sources.snapshot().nics[0].addresses == ()
    sources.close()
    loop.close()
