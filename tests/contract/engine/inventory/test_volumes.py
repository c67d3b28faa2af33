"""No disk is ever legal and unsealed: the way of a template, and what the database itself refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from guestwright.base.record import replace
from guestwright.engine.inventory import states
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import InventoryError, NotAllowedNow, StillUsed
from guestwright.engine.inventory.machine import Machine
from guestwright.engine.inventory.model import Disk
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import (
    PowerEvent,
    Sealing,
    TemplateEvent,
    TemplateState,
    VmEvent,
    VolumeEvent,
    VolumeKind,
    VolumeState,
)
from guestwright.engine.inventory.tables import volumes
from tests.support.inventories import drive, some_id, storage, template_with, vm, volume


def test_the_way_of_a_sealed_template(database: Database) -> None:
    with database.write() as tx:
        domain = storage(tx)
        two = [volume(domain, Sealing.WANTED), volume(domain, Sealing.WANTED)]
        version = template_with(tx, two)
    for one in two:
        with database.write() as tx:
            copied = tx.volumes.move(one.id, states.VOLUME, VolumeEvent.FILLED, generation=1)
            assert (copied.state, copied.kind) == (VolumeState.ILLEGAL, VolumeKind.LEAF)
    for one in two:
        with database.write() as tx:
            with pytest.raises(NotAllowedNow) as early:
                tx.template_versions.move(version.id, states.TEMPLATE, TemplateEvent.UNLOCKED)
            assert "sealed, legal and shared" in early.value.message
            sealed = tx.volumes.move(one.id, states.VOLUME, VolumeEvent.SEALED)
            assert (sealed.state, sealed.kind, sealed.sealing) == ("legal", "shared", "done")
    with database.write() as tx:
        ready = tx.template_versions.move(version.id, states.TEMPLATE, TemplateEvent.UNLOCKED)
        assert ready.state is TemplateState.READY
        with pytest.raises(NotAllowedNow):
            tx.template_versions.remove(version.id)


def test_the_way_of_a_template_that_is_not_sealed(database: Database) -> None:
    with database.write() as tx:
        one = replace(volume(storage(tx)), kind=VolumeKind.SHARED)
        version = template_with(tx, [one], sealed=False)
        with pytest.raises(NotAllowedNow):
            tx.template_versions.move(version.id, states.TEMPLATE, TemplateEvent.UNLOCKED)
        tx.volumes.move(one.id, states.VOLUME, VolumeEvent.FILLED)
        tx.template_versions.move(version.id, states.TEMPLATE, TemplateEvent.UNLOCKED)


def test_a_template_that_is_to_be_sealed_takes_no_volume_that_is_not(database: Database) -> None:
    with database.write() as tx:
        one = replace(volume(storage(tx)), kind=VolumeKind.SHARED)
        version = template_with(tx, [one], sealed=True)
        tx.volumes.move(one.id, states.VOLUME, VolumeEvent.FILLED)
        with pytest.raises(NotAllowedNow):
            tx.template_versions.move(version.id, states.TEMPLATE, TemplateEvent.UNLOCKED)


def test_a_failed_template_goes_and_its_disks_are_listed(database: Database) -> None:
    with database.write() as tx:
        one = volume(storage(tx), Sealing.WANTED)
        version = template_with(tx, [one])
        tx.volumes.move(one.id, states.VOLUME, VolumeEvent.FILLED)
    with database.write() as tx:
        tx.template_versions.remove(version.id)
        tx.volumes.move(one.id, states.VOLUME, VolumeEvent.CONDEMNED, reason="cannot be deleted")
        (left,) = tx.volumes.all(Filter("state", Op.IS, "illegal"))
        assert left.reason == "cannot be deleted"
        with pytest.raises(NotAllowedNow):
            tx.volumes.move(one.id, states.VOLUME, VolumeEvent.ACCEPTED)
        (disk,) = tx.disks.all(Filter("volume_id", Op.IS, one.id))
        tx.disks.remove(disk.id)
        tx.volumes.remove(one.id)
        assert tx.volumes.count() == 0


def test_the_database_refuses_a_volume_that_is_legal_and_unsealed(database: Database) -> None:
    with database.write() as tx:
        one = tx.volumes.add(volume(storage(tx), Sealing.WANTED))
    with database.write() as tx, pytest.raises(IntegrityError), tx.connection.begin_nested():
        tx.connection.execute(update(volumes).where(volumes.c.id == one.id).values(state=VolumeState.LEGAL))
    with database.read() as tx:
        assert tx.volumes.get(one.id) == one


@pytest.mark.parametrize("state", ["legal", "illegal"])
def test_a_volume_begins_locked(database: Database, state: str) -> None:
    with database.write() as tx:
        domain = storage(tx)
        with pytest.raises(NotAllowedNow):
            tx.volumes.add(replace(volume(domain), state=VolumeState(state)))


def test_a_machine_needs_legal_disks_and_nobody_at_work(database: Database) -> None:
    with database.write() as tx:
        one = tx.volumes.add(volume(storage(tx), Sealing.WANTED))
        machine = tx.vms.add(vm("web"))
        disk = tx.disks.add(Disk(id=some_id(), name="root", volume_id=one.id))
        tx.drives.add(drive(disk, vm_id=machine.id))

        def refused(table: Machine, event: VmEvent | PowerEvent) -> bool:
            try:
                tx.vms.move(machine.id, table, event)
            except NotAllowedNow:
                return True
            return False

        assert refused(states.VM, VmEvent.CREATED)
        assert refused(states.POWER, PowerEvent.START)
        tx.volumes.move(one.id, states.VOLUME, VolumeEvent.FILLED)
        assert refused(states.VM, VmEvent.CREATED)
        tx.volumes.move(one.id, states.VOLUME, VolumeEvent.SEALED_LEAF)
        assert refused(states.POWER, PowerEvent.START)
        assert not refused(states.VM, VmEvent.CREATED)
        assert not refused(states.VM, VmEvent.LOCKED)
        assert refused(states.POWER, PowerEvent.START)
        assert not refused(states.VM, VmEvent.UNLOCKED)
        assert not refused(states.POWER, PowerEvent.START)
        assert refused(states.VM, VmEvent.LOCKED)


def test_what_machines_are_made_of_stays(database: Database) -> None:
    with database.write() as tx:
        version = template_with(tx, [], sealed=False)
        tx.vms.add(vm("web", template_version_id=version.id))
        for attempt in (tx.template_versions.remove, tx.templates.remove):
            with pytest.raises(InventoryError) as refused, tx.connection.begin_nested():
                attempt(version.id if attempt == tx.template_versions.remove else version.template_id)
            assert isinstance(refused.value, StillUsed)
