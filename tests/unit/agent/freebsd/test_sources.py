from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest

from guestwright.agent.core.facts import Memory
from guestwright.agent.freebsd.route import Interface
from guestwright.agent.freebsd.sources import FreeBSDSources, nic
from guestwright.agent.freebsd.sysctl import IFLIST, Sysctl
from guestwright.agent.loop import Loop
from tests.unit.agent.freebsd.test_route import address, interface

VALUES: dict[Any, bytes] = {
    b"hw.physmem": (1 << 30).to_bytes(8, "little"),
    b"hw.pagesize": (4096).to_bytes(4, "little"),
    b"vm.stats.vm.v_free_count": (1000).to_bytes(4, "little"),
    b"vm.stats.vm.v_inactive_count": (500).to_bytes(4, "little"),
    b"dev.ix.0.%location": b"slot=5 function=1 dbsf=pci0:0:5:1\0",
    b"dev.odd.0.%location": b"dbsf=pci0:x dbsf=pci1:2:3\0",
    IFLIST: interface(1, "lo0", "", flags=9) + interface(2, "xn0") + address(2, "192.0.2.1", 24),
}


class Library:
    """The two functions of the C library."""

    def __init__(self, values: dict[Any, bytes]) -> None:
        self.values = values
        self.fail_second = False

    def sysctl(self, name: Any, length: int, buffer: Any, size: Any, new: None, new_size: int) -> int:
        assert (new, new_size) == (None, 0)
        if buffer is not None and self.fail_second:
            return -1
        return self._give(tuple(name)[:length], buffer, size)

    def sysctlbyname(self, name: bytes, buffer: Any, size: Any, new: None, new_size: int) -> int:
        assert (new, new_size) == (None, 0)
        return self._give(name, buffer, size)

    def _give(self, name: Any, buffer: Any, size: Any) -> int:
        value = self.values.get(name)
        if value is None:
            return -1
        if buffer is not None:
            ctypes.memmove(buffer, value, len(value))
        size._obj.value = len(value)
        return 0


@pytest.fixture
def library() -> Library:
    return Library(dict(VALUES))


@pytest.fixture
def sysctl(library: Library) -> Sysctl:
    return Sysctl(library)  # type: ignore[arg-type]  # two functions are all that is used


def test_variables(sysctl: Sysctl, library: Library) -> None:
    assert sysctl.number("hw.pagesize") == 4096
    assert sysctl.number("none") == 0
    assert sysctl.text("none") == ""
    assert sysctl.by_number((1, 2)) == b""
    assert sysctl.by_number(IFLIST) == VALUES[IFLIST]
    library.fail_second = True
    assert sysctl.by_number(IFLIST) == b""


@pytest.mark.parametrize(
    ("name", "kind", "ident", "vif"),
    [
        ("xn0", "vif", "vif-0", 0),
        ("xn", "vif", "vif-9", None),
        ("vtnet0", "virtio", "virtio-9", None),
        ("ix0", "pci", "pci-0000_00_05_1", None),
        ("odd0", "other", "other-odd0", None),
        ("em0", "other", "other-em0", None),
        ("ue0", "usb", "usb-ue0", None),
        ("bridge0", "bridge", "bridge-9", None),
        ("lagg0", "bond", "bond-9", None),
        ("tap0", "other", "other-9", None),
    ],
)
def test_interfaces_by_name(sysctl: Sysctl, name: str, kind: str, ident: str, vif: int | None) -> None:
    found = nic(Interface(index=9, name=name), sysctl)
    assert (found.kind, found.id, found.vif) == (kind, ident, vif)


class Route:
    """Stands for the routing socket."""

    def __init__(self, *arguments: int) -> None:
        assert arguments == (17, 3, 0)
        self.pending = [b"news", b"more"]
        self.closed = False

    def setblocking(self, flag: bool) -> None:
        assert not flag

    def fileno(self) -> int:
        return 3

    def recv(self, size: int) -> bytes:
        if not self.pending:
            raise BlockingIOError
        return self.pending.pop()

    def close(self) -> None:
        self.closed = True


class Quiet(Loop):
    """A loop that waits for nothing."""

    def add(self, fd: int, handler: Any, events: int = 0) -> None:
        self.handler = handler

    def remove(self, fd: int) -> None:
        self.handler = None


def test_the_collectors(
    sysctl: Sysctl, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("_socket.socket", Route)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=freebsd\nVERSION_ID=14.1\n")
    heard: list[int] = []
    loop, collectors = Quiet(), FreeBSDSources(str(tmp_path), sysctl)
    collectors.start(loop, lambda: heard.append(1))
    facts = collectors.snapshot()
    assert facts.memory == Memory(total=1 << 20, free=6000)
    assert (facts.system.distro, facts.system.major, facts.system.family) == ("freebsd", "14", "freebsd")
    assert [(one.id, one.addresses[0].address) for one in facts.nics] == [("vif-0", "192.0.2.1")]
    loop.handler(1)
    assert heard == []
    library.values[IFLIST] += address(2, "192.0.2.2", 24)
    loop.handler(1)
    assert heard == [1]
    assert len(collectors.snapshot().nics[0].addresses) == 2
    collectors._minute()
    assert heard == [1]
    (tmp_path / "etc/pv-drivers-not-upgradable").write_text("")
    del library.values[b"hw.physmem"]
    collectors._minute()
    assert heard == [1, 1]
    assert collectors.snapshot().not_upgradable
    assert collectors.snapshot().memory is None
    collectors.close()
    loop.close()


def test_collectors_that_never_started(sysctl: Sysctl) -> None:
    collectors = FreeBSDSources("/", sysctl)
    collectors._told(collectors.snapshot())
    collectors.close()
