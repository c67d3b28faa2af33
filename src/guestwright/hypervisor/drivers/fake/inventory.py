"""Which domains the fake has."""

from __future__ import annotations

from typing import Final

from guestwright.base.record import replace
from guestwright.hypervisor.assignment import SERIAL, assign, no_channels
from guestwright.hypervisor.domain import Bus, Channel, Domain, DomainId, Nic, State, Virtualisation
from guestwright.hypervisor.drivers.fake.guest import FakeGuest
from guestwright.hypervisor.drivers.fake.world import Entry, World, wrong_state
from guestwright.hypervisor.errors import (
    DomainExists,
    DomainNotOwned,
    HypervisorUnreachable,
)
from guestwright.hypervisor.events import EventKind
from guestwright.hypervisor.port import About
from guestwright.hypervisor.spec import DomainSpec
from guestwright.hypervisor.statement import Statement, Witness

_CPUS: Final = 16
_MEMORY: Final = 64 << 30


class FakeInventory:
    """Lists, defines and removes."""

    _world: World

    def about(self) -> About:
        """See `port.Inventory`."""
        return About(
            driver="fake",
            uri=self._world.uri,
            kind="fake",
            version="1.0.0",
            hostname="fake",
            cpus=_CPUS,
            memory=_MEMORY,
        )

    def list(self) -> tuple[Domain, ...]:
        """See `port.Inventory`."""
        world = self._world
        with world.lock:
            if world.closed:
                raise HypervisorUnreachable(uri=world.uri, detail="this side has closed the connection")
            return tuple(sorted(map(world.now, world.entries.values()), key=lambda one: one.name))

    def get(self, domain: DomainId) -> Domain:
        """See `port.Inventory`."""
        with self._world.lock:
            return self._world.now(self._world.entry(domain))

    def defined(self, domain: DomainId) -> Domain:
        """See `port.Inventory`."""
        with self._world.lock:
            entry = self._world.entry(domain)
            if entry.definition is None:
                raise wrong_state(self._world.now(entry), "looking at its definition", "defined")
            return entry.definition

    def define(self, spec: DomainSpec) -> Domain:
        """See `port.Inventory`."""
        domain = defined_by(spec)
        with self._world.lock:
            for each in map(self._world.now, self._world.entries.values()):
                if each.uuid == spec.uuid:
                    raise DomainExists(domain=spec.uuid, detail=f"its name is {each.name}")
                if each.name == spec.name:
                    raise DomainExists(domain=spec.name, detail=f"its uuid is {each.uuid}")
            self._world.entries[domain.uuid] = Entry(definition=domain)
            self._world.put(EventKind.DEFINED, domain)
            return domain

    def adopt(self, domain: Domain) -> None:
        """Put in a domain that somebody else made, off; for tests."""
        foreign = replace(domain, owned=False, run=None, state=State.OFF, persistent=True)
        with self._world.lock:
            self._world.entries[domain.uuid] = Entry(definition=foreign)
            self._world.put(EventKind.DEFINED, foreign)

    def undefine(self, domain: DomainId) -> None:
        """See `port.Inventory`."""
        with self._world.lock:
            entry = self._world.entry(domain)
            now = self._world.now(entry)
            if not now.owned:
                raise DomainNotOwned(domain=domain)
            if now.active:
                raise wrong_state(now, "removing", "off")
            del self._world.entries[domain]
            self._world.put(EventKind.UNDEFINED, now)

    def statement(self, domain: DomainId, witness: Witness) -> Statement | None:
        """See `port.Witnesses`."""
        with self._world.lock:
            entry = self._world.entry(domain)
            found = entry.guest.told.get(witness) if entry.live is not None else None
        if witness is Witness.GUEST_AGENT:
            entry.guest.answers.wait()
        elif found is None and entry.live is not None:
            return Statement()
        return found

    def guest(self, domain: DomainId) -> FakeGuest:
        """The guest in a domain, for tests."""
        with self._world.lock:
            return self._world.entry(domain).guest

    def use_port(self, domain: DomainId, name: str, *, use: bool) -> None:
        """Have a program in the guest open a port, or end; the line to the host stays, as QEMU's does."""
        with self._world.lock:
            entry = self._world.entry(domain)
            live = self._world.running(entry, "using a port")
            (entry.guest.shut.discard if use else entry.guest.shut.add)(name)
            kind = EventKind.PORT_OPENED if use else EventKind.PORT_CLOSED
            self._world.put(kind, live, detail=name)


def defined_by(spec: DomainSpec) -> Domain:
    """The domain that a definition makes."""
    if spec.platform.virtualisation is Virtualisation.XEN and spec.channels:
        raise no_channels(spec.uuid)
    drives = assign(spec.drives, (), spec.uuid)
    controllers = {"usb:piix3-uhci"}
    if spec.channels:
        controllers.add(SERIAL)
    if any(each.bus is Bus.SCSI for each in drives):
        controllers.add("scsi:virtio-scsi")
    return Domain(
        uuid=spec.uuid,
        name=spec.name,
        state=State.OFF,
        platform=spec.platform,
        owned=True,
        os=spec.os,
        memory_maximum=spec.memory_maximum,
        memory_actual=spec.memory_target or spec.memory_maximum,
        vcpus=spec.vcpus,
        drives=drives,
        channels=tuple(Channel(name=each.name, path=each.path) for each in spec.channels),
        nics=tuple(
            Nic(
                mac=each.mac,
                source=each.network or each.bridge,
                model=each.model,
                bridged=bool(each.bridge),
            )
            for each in spec.nics
        ),
        controllers=frozenset(controllers),
    )
