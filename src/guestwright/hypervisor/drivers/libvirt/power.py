"""Runs and memory of domains, through libvirt."""

from __future__ import annotations

from typing import Any, Final

from guestwright.hypervisor.domain import Domain, DomainId, Memory, State
from guestwright.hypervisor.drivers.libvirt.editing import for_one_run
from guestwright.hypervisor.drivers.libvirt.failures import Code
from guestwright.hypervisor.drivers.libvirt.linked import INACTIVE, SECURE, Linked, wrong_state
from guestwright.hypervisor.errors import (
    DomainNotFound,
    HypervisorCannot,
    HypervisorRefused,
    MigrationCancelled,
    MigrationRefused,
    NoBalloon,
    WrongDomainState,
)
from guestwright.hypervisor.spec import Migration, RunOnce, check_memory

_START_PAUSED: Final = 1  # VIR_DOMAIN_START_PAUSED
_STATS_PERIOD: Final = 5  # seconds
_LIVE: Final = 1  # VIR_DOMAIN_AFFECT_LIVE


class LibvirtPower(Linked):
    """Starts and ends runs."""

    def start(self, domain: DomainId, once: RunOnce | None = None) -> Domain:
        """See `port.Power`.

        A run that differs is made of the definition's XML, changed: libvirt keeps the definition for the
        next start when a domain is created over one that is off.
        """
        with self._changing(domain, "start") as handle:
            now = self._read(handle)
            if now.active or (once is not None and now.state is State.SUSPENDED):
                raise wrong_state(now, "start", "off")
            if once is None:
                handle.create()
                return self._read(handle)
            text = for_one_run(handle.XMLDesc(INACTIVE | SECURE), domain, once)
            flags = _START_PAUSED if once.paused else 0
            return self._read(handle.connect().createXML(text, flags))

    def shut_down(self, domain: DomainId) -> None:
        """See `port.Power`."""
        with self._changing(domain, "shut down") as handle:
            self._running(handle, "shut down")
            handle.shutdown()

    def reboot(self, domain: DomainId) -> None:
        """See `port.Power`."""
        with self._changing(domain, "reboot") as handle:
            self._running(handle, "reboot")
            handle.reboot()

    def stop(self, domain: DomainId) -> None:
        """See `port.Power`."""
        with self._on(domain, "stop") as handle:  # not in turn: it must end a change that hangs
            if handle.isActive():
                self._unless_over(handle)

    def pause(self, domain: DomainId) -> None:
        """See `port.Power`."""
        with self._changing(domain, "pause") as handle:
            if self._running(handle, "pause").state is not State.PAUSED:
                handle.suspend()

    def unpause(self, domain: DomainId) -> None:
        """See `port.Power`."""
        with self._changing(domain, "unpause") as handle:
            if self._running(handle, "unpause").state is State.PAUSED:
                handle.resume()

    def suspend(self, domain: DomainId) -> None:
        """See `port.Power`."""
        with self._changing(domain, "suspend") as handle:
            now = self._running(handle, "suspend")
            if not now.persistent:
                raise wrong_state(now, "suspend", "defined")
            handle.managedSave()

    def migrate(self, domain: DomainId, how: Migration) -> None:
        """See `port.Power`."""
        names = self._link.binding
        try:
            with self._changing(domain, "migrate") as handle:
                now = self._running(handle, "migrate")
                flags = names.VIR_MIGRATE_PEER2PEER
                if now.persistent:
                    flags |= names.VIR_MIGRATE_PERSIST_DEST | names.VIR_MIGRATE_UNDEFINE_SOURCE
                flags |= names.VIR_MIGRATE_LIVE if how.live else 0
                flags |= names.VIR_MIGRATE_TLS if how.tls else 0
                flags |= names.VIR_MIGRATE_UNSAFE if how.unsafe else 0
                parameters: dict[str, Any] = {names.VIR_MIGRATE_PARAM_URI: how.data} if how.data else {}
                if how.bandwidth:
                    parameters[names.VIR_MIGRATE_PARAM_BANDWIDTH] = how.bandwidth
                handle.migrateToURI3(how.destination, parameters, flags)
        except (HypervisorRefused, HypervisorCannot) as error:
            if error.params.get("number") == Code.OPERATION_ABORTED:
                raise MigrationCancelled(domain=domain, destination=how.destination) from error
            detail = error.params["detail"]
            raise MigrationRefused(domain=domain, destination=how.destination, detail=detail) from error

    def cancel_migration(self, domain: DomainId) -> bool:
        """See `port.Power`. Not in turn: the move holds that."""
        names = self._link.binding
        try:
            with self._on(domain, "cancel migration") as handle:
                doing = handle.jobStats().get(names.VIR_DOMAIN_JOB_OPERATION)
                if doing != names.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT:
                    return False
                handle.abortJob()
        except (DomainNotFound, WrongDomainState):
            return False  # it has moved, or its job has ended
        return True

    def free_memory(self) -> int:
        """See `port.MemoryControl`."""
        with self._link.call("asking for free memory") as connection:
            return int(connection.getFreeMemory())

    def memory(self, domain: DomainId) -> Memory:
        """See `port.MemoryControl`."""
        with self._on(domain, "memory") as handle:
            now = self._read(handle)
            told = handle.memoryStats() if now.active else {}
            return Memory(
                maximum=now.memory_maximum,
                actual=_bytes(told, "actual") or now.memory_actual,
                unused=_bytes(told, "unused"),
                usable=_bytes(told, "usable"),
                resident=_bytes(told, "rss"),
            )

    def set_memory_target(self, domain: DomainId, amount: int) -> None:
        """See `port.MemoryControl`. The guest's own words about its memory are switched on as well."""
        with self._changing(domain, "memory target") as handle:
            now = self._running(handle, "memory target")
            check_memory(amount, now.memory_maximum)
            if not now.balloon:
                raise NoBalloon(domain=domain)
            if handle.connect().getType() == "QEMU":
                handle.setMemoryStatsPeriod(_STATS_PERIOD, _LIVE)
            handle.setMemoryFlags(amount >> 10, _LIVE)

    def _unless_over(self, handle: Any) -> None:
        """Pull the plug; a run that ended meanwhile is what was asked for."""
        try:
            handle.destroy()
        except self._link.binding.libvirtError:
            if handle.isActive():
                raise


def _bytes(told: dict[str, int], name: str) -> int | None:
    return told[name] << 10 if name in told else None
