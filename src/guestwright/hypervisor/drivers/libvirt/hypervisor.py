"""The hypervisor port on libvirt."""

from __future__ import annotations

from guestwright.hypervisor.dispatch import Dispatcher
from guestwright.hypervisor.drivers.libvirt.devices import LibvirtDevices
from guestwright.hypervisor.drivers.libvirt.inventory import LibvirtInventory
from guestwright.hypervisor.drivers.libvirt.link import Link
from guestwright.hypervisor.drivers.libvirt.power import LibvirtPower
from guestwright.hypervisor.drivers.libvirt.witnesses import LibvirtWitnesses
from guestwright.hypervisor.events import Listener, Subscription


class LibvirtHypervisor(LibvirtInventory, LibvirtPower, LibvirtDevices, LibvirtWitnesses):
    """A connection to libvirt.

    Args:
        uri: "qemu:///system", "xen:///", "qemu:///embed?root=/dir", or any that libvirt reads.

    Raises:
        HypervisorUnreachable: there is nobody.
        HypervisorBindingMissing: libvirt's Python binding is not installed.
    """

    def __init__(self, uri: str) -> None:
        self._dispatcher = Dispatcher()
        try:
            super().__init__(Link(uri, self._dispatcher))
        except BaseException:
            self._dispatcher.close()
            raise

    def subscribe(self, listener: Listener) -> Subscription:
        """See `port.Hypervisor`."""
        return self._dispatcher.subscribe(listener)

    def close(self) -> None:
        """See `port.Hypervisor`."""
        self._link.close()
        self._dispatcher.close()
