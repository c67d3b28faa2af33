"""What the engine's own inventory records when machines are held, and machines and templates go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import Persistence
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import DatabaseBusy, DatabaseUnusable, NotAllowedNow, NotInInventory
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.jobs.errors import TryAgain
from guestwright.engine.templates import rows
from guestwright.engine.templates.errors import MachineHeld, TemplateNotReady, TemplateUsed
from guestwright.engine.templates.inventory_port import MachineOf


class DatabaseRemoval:
    """The part of `InventoryPort` that holds and removes; see there for each call.

    Args:
        database: the inventory.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold_vm(self, vm: str, job: str) -> MachineOf:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            try:
                held = tx.vms.hold(vm)
                if held.state is not states.VmState.LOCKED or held.job != job:
                    held = tx.vms.move(vm, states.VM, states.VmEvent.LOCKED, job=job)
            except (NotAllowedNow, NotInInventory) as error:
                raise MachineHeld(vm=vm, problem=error.message) from error
            return MachineOf(id=vm, disks=rows.disks_of(tx, held), description=rows.description_of(tx, held))

    def release_vm(self, vm: str, job: str) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            held = tx.vms.find(vm)
            if held is not None and held.state is states.VmState.LOCKED and held.job == job:
                tx.vms.move(vm, states.VM, states.VmEvent.UNLOCKED, job="")

    def hold_leaving(self, vm: str, job: str) -> MachineOf:
        """See `InventoryPort`."""
        with self._patient(job), self._database.read() as tx:
            found = tx.vms.find(vm)
        if found is None or found.state is not states.VmState.REMOVING:
            self.hold_vm(vm, job)
        with self._patient(job), self._database.read() as tx:
            found = tx.vms.get(vm)
            disks = tuple(one for one in rows.disks_of(tx, found) if rows.alone(tx, one.disk))
            return MachineOf(id=vm, disks=disks, description=rows.description_of(tx, found))

    def payloads_of(self, vm: str) -> Sequence[tuple[str, bool]]:
        """See `InventoryPort`."""
        with self._patient(""), self._database.read() as tx:
            found = tx.payload_uses.all(Filter("vm_id", Op.IS, vm))
        return [(one.payload_id, one.persistence is Persistence.RUN_ONCE) for one in found]

    def begin_removal(self, vm: str, job: str) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            held = tx.vms.find(vm)
            if held is None or held.state is states.VmState.REMOVING:
                return
            if held.state is not states.VmState.LOCKED or held.job != job:
                raise MachineHeld(vm=vm, problem=f"it is {held.state}")
            tx.vms.move(vm, states.VM, states.VmEvent.UNLOCKED)
            tx.vms.move(vm, states.VM, states.VmEvent.REMOVING, job=job)
            for disk in rows.disks_of(tx, held):
                if rows.alone(tx, disk.disk):
                    rows.condemn(tx, disk.place.volume, job, "its machine is being removed")

    def leaving(self, vm: str) -> bool:
        """See `InventoryPort`."""
        with self._patient(""), self._database.read() as tx:
            found = tx.vms.find(vm)
        return found is None or found.state is states.VmState.REMOVING

    def condemn_template(self, template: str, job: str) -> MachineOf:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            version = tx.template_versions.find(template)
            disks = () if version is None else rows.disks_of(tx, version)
            if version is None or not (
                version.state is states.TemplateState.READY or rows.condemned(tx, disks)
            ):
                raise TemplateNotReady(template=template, state=version.state if version else "not there")
            if used := tx.vms.count(Filter("template_version_id", Op.IS, template)):
                raise TemplateUsed(template=template, count=used)
            if version.state is states.TemplateState.READY:
                tx.template_versions.move(template, states.TEMPLATE, states.TemplateEvent.LOCKED, job=job)
            elif version.job != job:
                tx.template_versions.change(template, None, job=job)
            for disk in disks:
                rows.condemn(tx, disk.place.volume, job, "its template is being removed")
            return MachineOf(id=template, disks=disks, description={})

    def condemned_template(self, template: str, job: str) -> MachineOf | None:
        """See `InventoryPort`."""
        with self._patient(job), self._database.read() as tx:
            version = tx.template_versions.find(template)
            if version is None or version.job != job:
                return None
            return MachineOf(id=template, disks=rows.disks_of(tx, version), description={})

    @contextmanager
    def _change(self, job: str) -> Iterator[Transaction]:
        with self._patient(job), self._database.write() as tx:
            yield tx

    @contextmanager
    def _patient(self, job: str) -> Iterator[None]:
        """A database that does not answer is waited for."""
        try:
            yield
        except (DatabaseBusy, DatabaseUnusable) as error:
            raise TryAgain(job=job, problem=error.message) from error
