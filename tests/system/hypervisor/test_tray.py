"""A drive that a reset shut behind libvirt's back takes media again."""

from __future__ import annotations

import json
from importlib import import_module

import pytest

from guestwright.hypervisor.drivers.libvirt.devices import LibvirtDevices
from guestwright.hypervisor.drivers.libvirt.tray import open_tray
from guestwright.hypervisor.events import EventKind
from tests.support.hypervisors import Bench
from tests.support.libvirtd import NEEDS

pytestmark = [pytest.mark.system, NEEDS]


def test_a_tray_that_a_reset_shut(bench: Bench) -> None:
    domain = bench.start()
    hypervisor = bench.hypervisor
    assert isinstance(hypervisor, LibvirtDevices)
    first, second = bench.image("a.iso"), bench.image("b.iso")
    hypervisor.insert(domain, "hdc", first)
    bench.told.clear()
    with hypervisor._on(domain, "test") as handle:
        open_tray(handle, domain, "hdc", force=True)
        bench.wait(EventKind.TRAY, domain)
        monitor = import_module("libvirt_qemu").qemuMonitorCommand
        monitor(handle, json.dumps({"execute": "system_reset"}), 0)
    bench.wait(EventKind.REBOOTED, domain)
    hypervisor.change(domain, "hdc", second)
    assert hypervisor.get(domain).drive("hdc").medium == second
    assert hypervisor.eject(domain, "hdc")
