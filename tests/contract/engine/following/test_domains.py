"""Domains of a host are adopted when they are there, and not when they were a moment ago."""

from __future__ import annotations

import pytest

from guestwright.engine.following.domains import Domains
from guestwright.engine.following.said import Domain, Known
from guestwright.engine.following.tally import Tally
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.model import Host
from tests.support.inventories import some_id, vm

HOST = Host(id="00000000-0000-7000-8000-000000000001", name="one", address="unix:/run/api.sock")
NEW, KNOWN, GONE = (
    Known(domain=Domain(uuid=some_id(), name=name, state="off"), power="halted")
    for name in ("new", "known", "gone")
)


@pytest.fixture
def domains(database: Database) -> Domains:
    with database.write() as tx:
        tx.hosts.add(HOST)
        tx.vms.add(vm("known", id=KNOWN.domain.uuid, host_id=HOST.id))
    return Domains(database, HOST, Tally("one"))


def names(database: Database) -> set[str]:
    with database.read() as tx:
        return {one.name for one in tx.vms.all()}


def test_one_that_a_job_removed_while_the_host_was_read_is_not_adopted(
    database: Database, domains: Domains
) -> None:
    said = [NEW, KNOWN, GONE]
    domains.all(said, lambda: [NEW, KNOWN])
    assert names(database) == {"new", "known"}
    assert not domains.one(GONE)  # the host has to be asked again
    assert names(database) == {"new", "known"}


def test_where_all_are_known_the_host_is_asked_once(domains: Domains) -> None:
    def again() -> list[Known]:
        raise AssertionError

    domains.all([KNOWN], again)
