"""Identities that machines of several hosts claim, on both databases."""

from __future__ import annotations

import pytest

from guestwright.engine.following.across import AcrossHosts
from guestwright.engine.following.alarms import FOUND, OVER, Alarms
from guestwright.engine.following.said import Duplicate
from guestwright.engine.inventory.claims import across_hosts
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.facts import BATCH_MAX, Update
from guestwright.engine.inventory.model import Alarm, Host, Vm
from guestwright.engine.inventory.states import POWER, VM, PowerEvent, VmEvent
from tests.support.inventories import some_id, vm

Hosts = tuple[str, str]


@pytest.fixture
def hosts(database: Database) -> Hosts:
    ids = some_id(), some_id()
    with database.write() as tx:
        for one in ids:
            tx.hosts.add(Host(id=one, name=f"host-{one[-6:]}", address="unix:/run/api.sock"))
    return ids


def running(database: Database, name: str, host: str, machine_id: str) -> Vm:
    with database.write() as tx:
        made = tx.vms.add(vm(name, host_id=host))
        tx.vms.move(made.id, POWER, PowerEvent.SEEN_RUNNING)
    says(database, made.id, machine_id)
    return made


def says(database: Database, machine: str, machine_id: str) -> None:
    """The guest tells its machine id; its card is its own."""
    mac = "52:54:00:" + ":".join(machine[-6:][at : at + 2] for at in (0, 2, 4))
    facts = {"identity": {"machine_id": machine_id, "ssh": []}, "nics": [{"mac": mac, "kind": "virtio"}]}
    with database.write() as tx:
        at = tx.now
        tx.facts.store([Update(vm=machine, name=n, value=v, source="agent", at=at) for n, v in facts.items()])


def kept(database: Database) -> list[Alarm]:
    with database.read() as tx:
        return list(tx.alarms.each())


def told(database: Database) -> list[tuple[str, str, int]]:
    with database.read() as tx:
        events = tx.events.after("", kinds=[FOUND, OVER]).events
    return [(one.kind, one.subject, one.body["count"]) for one in events]


def test_clones_on_two_hosts(database: Database, hosts: Hosts) -> None:
    across = AcrossHosts(database)
    first = running(database, "web1", hosts[0], "ab")
    second = running(database, "web2", hosts[0], "ab")
    running(database, "db", hosts[1], "cd")
    across.look()
    assert kept(database) == []  # the host itself tells of its own
    third = running(database, "web3", hosts[1], "ab")
    across.look()
    across.look()
    (alarm,) = kept(database)
    assert (alarm.host_id, alarm.kind, alarm.value, alarm.claimants) == (None, "machine-id", "ab", 3)
    assert alarm.machines.split() == sorted((first.id, second.id, third.id))
    says(database, third.id, "ef")
    across.look()
    assert kept(database) == []
    assert told(database) == [(FOUND, "", 3), (OVER, "", 3)]


@pytest.mark.parametrize("how", ["off", "gone", "moved", "lost"])
def test_a_machine_that_claims_no_more(database: Database, hosts: Hosts, how: str) -> None:
    across = AcrossHosts(database)
    running(database, "web1", hosts[0], "ab")
    second = running(database, "web2", hosts[1], "ab")
    across.look()
    assert len(kept(database)) == 1
    with database.write() as tx:
        if how in ("off", "gone"):
            tx.vms.move(second.id, POWER, PowerEvent.SEEN_OFF)
        if how == "gone":
            tx.vms.move(second.id, VM, VmEvent.REMOVING)
            tx.vms.remove(second.id)
        if how in ("moved", "lost"):
            tx.vms.change(second.id, None, host_id=hosts[0] if how == "moved" else None)
    across.look()
    assert kept(database) == []


def test_those_of_one_host_are_left_alone(database: Database, hosts: Hosts) -> None:
    own = Duplicate(kind="machine-id", value="ab", domains=(some_id(), some_id()))
    Alarms(database, hosts[0]).all([own])
    running(database, "web1", hosts[0], "ab")
    running(database, "web2", hosts[1], "ab")
    AcrossHosts(database).look()
    assert sorted(str(one.host_id) for one in kept(database)) == sorted(("None", hosts[0]))
    Alarms(database, hosts[0]).all([])
    assert [one.host_id for one in kept(database)] == [None]


def test_a_batch_as_large_as_it_may_be(database: Database, hosts: Hosts) -> None:
    with database.write() as tx:
        made = tx.vms.add_all([vm(f"many-{number}", host_id=hosts[0]) for number in range(BATCH_MAX // 2)])
        said = {
            "identity": {"machine_id": "ab", "ssh": ["RSA SHA256:x"]},
            "nics": [{"mac": "52:54:00:00:00:01"}],
        }
        news = [
            Update(vm=one.id, name=n, value=v, source="agent", at=1.0)
            for one in made
            for n, v in said.items()
        ]
        assert tx.facts.store(news).changed == BATCH_MAX
        assert across_hosts(tx.connection, 10) == []
