"""Opens a hypervisor by its URI: the one place that knows which drivers there are."""

from __future__ import annotations

from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.drivers.libvirt.hypervisor import LibvirtHypervisor
from guestwright.hypervisor.port import Hypervisor


def open_hypervisor(uri: str) -> Hypervisor:
    """A connection to the hypervisor at `uri`.

    Args:
        uri: "fake:…" is a hypervisor in memory; all else is libvirt's to read: "qemu:///system", "xen:///".

    Raises:
        HypervisorUnreachable: nobody is there, or libvirt does not know the URI.
        HypervisorBindingMissing: libvirt's Python binding is not installed.
    """
    return FakeHypervisor(uri) if uri.startswith("fake:") else LibvirtHypervisor(uri)
