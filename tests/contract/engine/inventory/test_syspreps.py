"""What is kept of syspreps, on both databases."""

from __future__ import annotations

import pytest

from guestwright.engine.inventory import syspreps
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.model import Sysprep
from guestwright.engine.inventory.states import SysprepState
from tests.support.engine_databases import Clock
from tests.support.inventories import some_id, vm


@pytest.fixture
def one(database: Database) -> Sysprep:
    with database.write() as tx:
        return syspreps.begin(tx, some_id(), tx.vms.add(vm("win-1")), "ann")


def now(database: Database, one: Sysprep) -> Sysprep:
    with database.read() as tx:
        return tx.syspreps.get(one.id)


def told(database: Database, one: Sysprep, **said: object) -> Sysprep:
    with database.write() as tx:
        return syspreps.follow(tx, one.id, said)


def test_one_is_followed_to_its_good_end(database: Database, clock: Clock, one: Sysprep) -> None:
    assert (one.state, one.actor, one.percent) == (SysprepState.REQUESTED, "ann", syspreps.UNKNOWN)
    assert told(database, one, id="j", status="pending", percent=None).job == "j"
    found = told(database, one, id="j", status="running", percent=40, text="asks\x1b the guest")
    assert (found.state, found.percent) == (SysprepState.RUNNING, 40)
    assert found.progress.isprintable()
    assert told(database, one, id="j", status="pending").state is SysprepState.RUNNING  # an old answer
    before = now(database, one)
    assert told(database, one, id="j", status="pending") == before
    clock.now += 60
    found = told(database, one, id="j", status="done", percent=100, text="")
    assert (found.state, found.ended, found.percent) == (SysprepState.DOWN, clock.now, 100)
    assert told(database, one, id="j", status="failed") == found


@pytest.mark.parametrize(
    ("said", "code", "reason"),
    [
        ({"status": "aborted", "error": None}, "", "aborted"),
        ({"status": "failed", "error": {"code": "sysprep-failed", "message": "no"}}, "sysprep-failed", "no"),
        ({"status": "failed", "error": "odd"}, "", "failed"),
    ],
)
def test_a_failure_has_its_reason(
    database: Database, clock: Clock, one: Sysprep, said: dict[str, object], code: str, reason: str
) -> None:
    found = told(database, one, id="j", **said)
    assert (found.state, found.ended) == (SysprepState.FAILED, clock.now)
    assert (found.code, found.reason) == (code, reason)
    with database.write() as tx:
        assert syspreps.fail(tx, one.id, "x", "y") == found


def test_odd_words_change_nothing(database: Database, one: Sysprep) -> None:
    assert told(database, one, status="strange") == one
    assert told(database, one, id=one.job, status="pending", percent="half") == one


def test_it_goes_with_its_machine(database: Database, one: Sysprep) -> None:
    with database.write() as tx:
        tx.connection.exec_driver_sql("DELETE FROM vms")
    with database.read() as tx:
        assert tx.syspreps.find(one.id) is None
