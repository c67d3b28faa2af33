"""Names of drives."""

from __future__ import annotations

import pytest

from guestwright.hypervisor.domain import Bus
from guestwright.hypervisor.targets import free_target, is_target


@pytest.mark.parametrize(
    ("bus", "taken", "free"),
    [
        (Bus.IDE, (), "hda"),
        (Bus.IDE, ("hda", "hdc"), "hdb"),
        (Bus.IDE, ("hda", "hdb", "hdc", "hdd"), None),
        (Bus.SCSI, ("sda", "vdb"), "sdb"),
        (Bus.SATA, tuple(f"sd{letter}" for letter in "abcdef"), None),
        (Bus.USB, tuple(f"sd{letter}" for letter in "abcdef"), "sdg"),
        (Bus.VIRTIO, (), "vda"),
        (Bus.FDC, ("fda",), "fdb"),
        (Bus.FDC, ("fda", "fdb"), None),
        (Bus.XEN, ("xvda",), "xvdb"),
    ],
)
def test_free_target(bus: Bus, taken: tuple[str, ...], free: str | None) -> None:
    assert free_target(bus, taken) == free
    assert free is None or is_target(free, bus)


@pytest.mark.parametrize("name", ["", "sd", "sdA", "hda", "sdaaa", "sda1", "sda\n", "../sda"])
def test_what_is_no_name(name: str) -> None:
    assert not is_target(name, Bus.SCSI)
