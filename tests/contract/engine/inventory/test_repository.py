"""Things are kept, changed by version, moved by their tables, and every change is told."""

from __future__ import annotations

import threading

import pytest

from guestwright.base.record import replace
from guestwright.engine.inventory import states
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import (
    BrokenRule,
    ChangedMeanwhile,
    NameTaken,
    NotAllowedNow,
    NothingToReferTo,
    NotInInventory,
    StillUsed,
)
from guestwright.engine.inventory.model import Disk, Host, Nic, Vm
from guestwright.engine.inventory.states import Power, PowerEvent, VmEvent, VmState
from tests.support.engine_databases import Clock
from tests.support.inventories import drive, some_id, storage, vm, volume


def kept(database: Database, name: str = "web") -> Vm:
    with database.write() as tx:
        return tx.vms.add(vm(name))


def test_what_was_kept_is_read_again(database: Database, clock: Clock) -> None:
    one = kept(database)
    assert (one.version, one.created, one.changed) == (1, clock.now, clock.now)
    with database.read() as tx:
        assert tx.vms.get(one.id) == one
        assert tx.vms.named("web") == one
        assert tx.vms.named("other") is None
        assert tx.vms.find("nothing") is None
        with pytest.raises(NotInInventory):
            tx.vms.get("nothing\0")


def test_a_change_raises_the_version_and_is_told(database: Database, clock: Clock) -> None:
    one = kept(database)
    clock.now += 5
    with database.write() as tx:
        changed = tx.vms.change(one.id, 1, description="the front", vcpus=4)
    assert (changed.version, changed.changed, changed.created) == (2, clock.now, one.created)
    with database.read() as tx:
        assert tx.vms.get(one.id) == changed
        told = tx.events.after("").events
    assert [event.kind for event in told] == ["vm-added", "vm-changed"]
    assert told[1].subject == one.id
    assert told[1].body == {
        "version": 2,
        "fields": ["description", "vcpus"],
        "name": "web",
        "power": "off",
        "state": "creating",
    }


def test_a_change_by_an_old_version_is_refused(database: Database) -> None:
    one = kept(database)
    with database.write() as tx:
        tx.vms.change(one.id, 1, vcpus=4)
    with database.write() as tx:
        with pytest.raises(ChangedMeanwhile):
            tx.vms.change(one.id, 1, vcpus=8)
        with pytest.raises(ChangedMeanwhile):
            tx.vms.move(one.id, states.VM, VmEvent.CREATED, 1)
        with pytest.raises(ChangedMeanwhile):
            tx.vms.remove(one.id, 1)
        with pytest.raises(NotInInventory):
            tx.vms.change("nothing", 1, vcpus=8)
        assert tx.vms.change(one.id, None, vcpus=8).version == 3


def test_two_who_change_the_same_version_at_once(database: Database) -> None:
    """One of them wins, whoever it is."""
    one = kept(database)
    barrier = threading.Barrier(4)
    ends: list[str] = []

    def change(number: int) -> None:
        barrier.wait(60)
        try:
            with database.write() as tx:
                tx.vms.change(one.id, 1, vcpus=number)
            ends.append("changed")
        except ChangedMeanwhile:
            ends.append("refused")

    threads = [threading.Thread(target=change, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(ends) == ["changed", "refused", "refused", "refused"]


def test_a_failure_undoes_everything(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        tx.vms.add(vm("gone"))
        raise ZeroDivisionError
    with database.read() as tx:
        assert tx.vms.count() == 0
        assert tx.events.after("").events == ()


@pytest.mark.parametrize("field", ["created", "changed", "state", "power", "colour"])
def test_some_fields_are_not_for_change(database: Database, field: str) -> None:
    one = kept(database)
    with database.write() as tx, pytest.raises(ValueError, match=field):
        tx.vms.change(one.id, None, **{field: "x"})


def test_states_move_by_events_only(database: Database) -> None:
    one = kept(database)
    with database.write() as tx:
        with pytest.raises(NotAllowedNow) as refused:
            tx.vms.move(one.id, states.VM, VmEvent.LOCKED)
        ready = tx.vms.move(one.id, states.VM, VmEvent.CREATED, 1, initialised=True)
        with pytest.raises(ValueError, match="not moved"):
            tx.vms.move(one.id, states.VOLUME, states.VolumeEvent.FILLED)
        with pytest.raises(ValueError, match="not moved"):
            tx.vms.move(one.id, states.VM, VmEvent.LOCKED, power="off")
    assert "created" in refused.value.advice
    assert (ready.state, ready.initialised, ready.version) == (VmState.READY, True, 2)
    with database.read() as tx:
        (told,) = [event for event in tx.events.after("").events if event.kind == "vm-changed"]
    assert told.body["event"] == "created"
    assert told.body["state"] == "ready"


def test_what_changes_nothing_is_not_told(database: Database) -> None:
    one = kept(database)
    with database.write() as tx:
        up = tx.vms.move(one.id, states.POWER, PowerEvent.SEEN_RUNNING)
        again = tx.vms.move(one.id, states.POWER, PowerEvent.SEEN_RUNNING)
        assert up == again
        assert up.power is Power.RUNNING
        assert tx.vms.move(one.id, states.POWER, PowerEvent.SEEN_RUNNING, reason="seen").version == 3


def test_a_thing_begins_in_its_first_state(database: Database) -> None:
    with database.write() as tx, pytest.raises(NotAllowedNow):
        tx.vms.add(vm("web", state=VmState.LOCKED))


def test_removal_needs_a_state_that_allows_it(database: Database) -> None:
    one = kept(database)
    with database.write() as tx:
        tx.vms.move(one.id, states.VM, VmEvent.CREATED)
        with pytest.raises(NotAllowedNow):
            tx.vms.remove(one.id)
        tx.vms.move(one.id, states.VM, VmEvent.REMOVING)
        tx.vms.move(one.id, states.POWER, PowerEvent.SEEN_RUNNING)
        with pytest.raises(NotAllowedNow):
            tx.vms.remove(one.id)
        tx.vms.move(one.id, states.POWER, PowerEvent.SEEN_OFF)
        tx.vms.remove(one.id)
        assert tx.vms.find(one.id) is None
        with pytest.raises(NotInInventory):
            tx.vms.remove(one.id)


def test_parts_go_with_their_machine_and_disks_stay(database: Database) -> None:
    with database.write() as tx:
        one = tx.vms.add(vm("web"))
        disk = tx.disks.add(Disk(id=some_id(), name="root"))
        tx.drives.add(drive(disk, vm_id=one.id))
        tx.nics.add(Nic(id=some_id(), vm_id=one.id, mac="52:54:00:00:00:01", network="default"))
        with pytest.raises(StillUsed), tx.connection.begin_nested():
            tx.disks.remove(disk.id)
        tx.vms.remove(one.id)
        assert tx.drives.count() == tx.nics.count() == 0
        assert tx.disks.get(disk.id) == disk


def test_what_is_unique_and_what_refers(database: Database) -> None:
    one = kept(database)
    with database.write() as tx, pytest.raises(NameTaken) as taken:
        tx.vms.add(vm("web"))
    assert taken.value.params == {"what": "vm", "field": "name"}
    with database.write() as tx:
        other = tx.vms.add(vm("other"))
    with database.write() as tx, pytest.raises(NameTaken):
        tx.vms.change(other.id, None, name="web")
    with database.write() as tx:
        domain = storage(tx)
    with database.write() as tx, pytest.raises(NameTaken) as taken:
        tx.storage.add(replace(domain, id=some_id()))
    assert taken.value.params["field"] == "name"
    with database.write() as tx, pytest.raises(NothingToReferTo):
        tx.volumes.add(volume(replace(domain, id="nothing")))
    with database.write() as tx, pytest.raises(NothingToReferTo):
        tx.vms.change(one.id, None, host_id="nothing")


@pytest.mark.parametrize(
    "changes",
    [{"name": "a\0b"}, {"name": "a\ud800"}, {"vcpus": 1 << 31}, {"memory": 1 << 63}],
    ids=["nul", "surrogate", "32-bits", "64-bits"],
)
def test_what_one_database_cannot_keep_neither_keeps(database: Database, changes: dict[str, object]) -> None:
    one = kept(database)
    with database.write() as tx, pytest.raises(BrokenRule):
        tx.vms.change(one.id, None, **changes)
    with database.read() as tx:
        assert tx.vms.get(one.id) == one


@pytest.mark.parametrize("owner", [{}, {"vm_id": "x", "template_version_id": "y"}], ids=["none", "both"])
def test_a_card_has_one_owner(database: Database, owner: dict[str, str]) -> None:
    with database.write() as tx, pytest.raises(BrokenRule) as broken:
        tx.nics.add(replace(Nic(id=some_id()), **owner))
    assert "one_owner" in broken.value.message


def test_many_at_once_are_all_or_none(database: Database) -> None:
    with pytest.raises(NameTaken), database.write() as tx:
        tx.vms.add_all([vm("a"), vm("b"), vm("a")])
    with database.write() as tx:
        assert tx.vms.count() == 0
        assert tx.vms.add_all([]) == []
        assert len(tx.vms.add_all([vm("a"), vm("b")])) == 2


def test_who_listens_hears_of_commits_only(database: Database) -> None:
    heard: list[int] = []
    end = database.subscribe(heard.append)
    kept(database)
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        tx.vms.add(vm("gone"))
        raise ZeroDivisionError
    with database.write() as tx:
        tx.hosts.add(Host(id=some_id(), name="one", address=""))
        tx.hosts.add(Host(id=some_id(), name="two", address=""))
    end()
    end()
    kept(database, "unheard")
    assert heard == [1, 3]
