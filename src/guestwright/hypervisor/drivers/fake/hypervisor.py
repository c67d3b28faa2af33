"""The hypervisor port in memory, for tests of what stands on it."""

from __future__ import annotations

from guestwright.hypervisor.drivers.fake.devices import FakeDevices
from guestwright.hypervisor.drivers.fake.inventory import FakeInventory
from guestwright.hypervisor.drivers.fake.power import FakePower
from guestwright.hypervisor.drivers.fake.world import World
from guestwright.hypervisor.events import Listener, Subscription


class FakeHypervisor(FakeInventory, FakePower, FakeDevices):
    """A hypervisor whose guests do what a test sets (`guest`).

    Args:
        uri: its name.
        neighbours: fakes to migrate to, by URI; give the same dictionary to each.
    """

    def __init__(self, uri: str = "fake:///", neighbours: dict[str, World] | None = None) -> None:
        self._world = World(uri, {} if neighbours is None else neighbours)

    @property
    def neighbours(self) -> dict[str, World]:
        """Fakes to migrate to, by URI, this one among them."""
        return self._world.neighbours

    def subscribe(self, listener: Listener) -> Subscription:
        """See `port.Hypervisor`."""
        return self._world.dispatcher.subscribe(listener)

    def close(self) -> None:
        """See `port.Hypervisor`. The domains end with it, as they are only here."""
        with self._world.lock:
            self._world.closed = True
            for entry in self._world.entries.values():
                entry.guest.off()
        self._world.dispatcher.close()
