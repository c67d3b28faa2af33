"""Which driver a URI gets, and what happens without libvirt's binding."""

from __future__ import annotations

import sys

import pytest

from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.errors import HypervisorBindingMissing
from guestwright.hypervisor.open_hypervisor import open_hypervisor


def test_the_fake() -> None:
    found = open_hypervisor("fake:///one")
    assert isinstance(found, FakeHypervisor)
    assert found.about().uri == "fake:///one"
    found.close()


def test_without_the_binding_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libvirt", None)
    with pytest.raises(HypervisorBindingMissing) as caught:
        open_hypervisor("qemu:///system")
    assert "python3-libvirt" in caught.value.advice
