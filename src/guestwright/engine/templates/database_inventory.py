"""What the jobs of templates and machines record, in the engine's inventory.

Theory of operation: `Place.host` is the id of a host, `Place.domain` the name of a storage domain there,
which is what the host's service knows, and `Place.volume` the id of a volume. A template of the jobs is a
version of a template here. Ids of parts are derived from what they are parts of, so that a call that is made
twice finds what it made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import Persistence
from guestwright.engine.inventory.model import PayloadUse, Vm
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.templates import rows
from guestwright.engine.templates.errors import TemplateNotReady
from guestwright.engine.templates.families import add_version
from guestwright.engine.templates.host_port import Place, Standing
from guestwright.engine.templates.import_database import DatabaseImport
from guestwright.engine.templates.inventory_port import DiskOf, MachineOf
from guestwright.engine.templates.standings import event_to


class DatabaseInventory(DatabaseImport):
    """`InventoryPort` over the engine's database; see there for each call.

    Args:
        database: the inventory.
    """

    def add_template(
        self, template: str, name: str, job: str, source: MachineOf, disks: Sequence[DiskOf], *, seal: bool
    ) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            if tx.template_versions.find(template) is not None:
                return
            version = add_version(tx, template, name, job, source, seal=seal)
            rows.add_nics(tx, version, source.description)
            rows.add_disks(tx, version, name, job, disks, seal=seal)

    def unlock_template(self, template: str, job: str) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            if tx.template_versions.hold(template).state is states.TemplateState.LOCKED:
                tx.template_versions.move(template, states.TEMPLATE, states.TemplateEvent.UNLOCKED, job="")

    def remove_template(self, template: str, job: str) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            version = tx.template_versions.find(template)
            if version is None:
                return
            disks = rows.disk_ids(tx, version)
            if version.state is states.TemplateState.READY:
                tx.template_versions.move(template, states.TEMPLATE, states.TemplateEvent.LOCKED)
            tx.template_versions.remove(template)
            for disk in disks:
                tx.disks.remove(disk)
            if not tx.template_versions.count(Filter("template_id", Op.IS, version.template_id)):
                tx.templates.remove(version.template_id)

    def template(self, template: str) -> MachineOf:
        """See `InventoryPort`."""
        with self._patient(""), self._database.read() as tx:
            version = tx.template_versions.find(template)
            if version is None or version.state is not states.TemplateState.READY:
                raise TemplateNotReady(template=template, state=version.state if version else "not there")
            return MachineOf(
                id=template,
                disks=rows.disks_of(tx, version),
                description=rows.description_of(tx, version),
                sealed=version.sealed,
            )

    def add_vm(
        self, vm: str, name: str, job: str, template: MachineOf, disks: Sequence[DiskOf], *, seal: bool
    ) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            if tx.vms.find(vm) is not None:
                return
            made = tx.vms.add(
                Vm(
                    id=vm,
                    name=name,
                    host_id=disks[0].place.host if disks else None,
                    template_version_id=template.id,
                    power=states.Power.OFF,
                    job=job,
                    **rows.hardware(template.description),
                )
            )
            rows.add_nics(tx, made, template.description)
            rows.add_disks(tx, made, name, job, disks, seal=seal)

    def unlock_vm(self, vm: str, job: str) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            if tx.vms.hold(vm).state is states.VmState.CREATING:
                tx.vms.move(vm, states.VM, states.VmEvent.CREATED, job="")

    def remove_vm(self, vm: str, job: str) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            held = tx.vms.find(vm)
            if held is None:
                return
            disks = rows.disk_ids(tx, held)
            if held.state is not states.VmState.REMOVING:
                tx.vms.move(vm, states.VM, states.VmEvent.REMOVING)
            tx.vms.remove(vm)
            for disk in disks:
                if not tx.drives.count(Filter("disk_id", Op.IS, disk)):
                    tx.disks.remove(disk)

    def record(self, place: Place, standing: Standing, job: str, *, sealed: bool) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            held = tx.volumes.hold(place.volume)
            event = event_to((held.state, held.kind, held.sealing), standing, sealed=sealed)
            if event is not None:
                ready = standing is not Standing.ILLEGAL
                tx.volumes.move(held.id, states.VOLUME, event, job="" if ready else job, reason="")

    def condemn(self, place: Place, job: str, reason: str) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            rows.condemn(tx, place.volume, job, reason)

    def forget(self, place: Place, job: str) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            if tx.volumes.find(place.volume) is None:
                return
            for disk in tx.disks.all(Filter("volume_id", Op.IS, place.volume)):
                tx.disks.change(disk.id, None, volume_id=None)
            tx.volumes.remove(place.volume)

    def attach_payload(self, vm: str, payload: str, job: str, *, run_once: bool) -> None:
        """See `InventoryPort`."""
        self._use(PayloadUse(**_used(vm, payload, run_once=run_once), vm_id=vm), job)

    def set_payload(self, template: str, payload: str, job: str, *, run_once: bool) -> None:
        """See `InventoryPort`."""
        used = _used(template, payload, run_once=run_once)
        self._use(PayloadUse(**used, template_version_id=template), job)

    def _use(self, use: PayloadUse, job: str) -> None:
        with self._change(job) as tx:
            if tx.payload_uses.find(use.id) is None:
                tx.payload_uses.add(use)


def _used(owner: str, payload: str, *, run_once: bool) -> dict[str, Any]:
    persistence = Persistence.RUN_ONCE if run_once else Persistence.PERMANENT
    use = rows.derived(owner, "payload", payload, persistence)
    return {"id": use, "payload_id": payload, "persistence": persistence}
