"""Lists: pages by key, filters, orders; input of any kind is refused by name."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.base.record import replace
from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import AgentState
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import BadQuery
from guestwright.engine.inventory.facts import AgentUpdate, Update
from guestwright.engine.inventory.model import Vm
from guestwright.engine.inventory.query import Filter, Op, Query
from tests.support.engine_databases import Clock, Makes
from tests.support.inventories import storage, vm


@pytest.fixture(scope="module")
def filled(makes: Makes) -> Iterator[Database]:
    """For tests that change nothing."""
    with Database(makes.ready(), clock=Clock()) as one:
        fill(one)
        yield one


def fill(database: Database) -> list[Vm]:
    with database.write() as tx:
        host = storage(tx).host_id
        made = tx.vms.add_all(
            [vm(f"web-{n:02}", vcpus=n % 3 + 1, host_id=host if n < 4 else None) for n in range(10)]
            + [vm("Db_1"), vm("db%1")]
        )
        tx.vms.move(made[0].id, states.POWER, states.PowerEvent.SEEN_RUNNING)
        nics = [{"addresses": [{"address": "192.0.2.7"}, {"address": "2001:DB8::7"}]}]
        tx.facts.store([Update(vm=made[3].id, name="nics", value=nics, source="agent", at=1.0)])
        tx.facts.agents([AgentUpdate(vm=made[3].id, state=AgentState.LIVE, at=1.0)])
    return made


def pages(database: Database, query: Query) -> Iterator[list[str]]:
    while True:
        with database.read() as tx:
            page = tx.vms.page(query)
        yield [one.name for one in page.items]
        if not page.cursor:
            return
        query = replace(query, cursor=page.cursor)


@pytest.mark.parametrize("limit", [1, 3, 4, 12, 1000])
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("sort", ["", "name", "vcpus", "created", "id", "power"])
def test_pages_hold_everything_once_and_in_order(
    filled: Database, sort: str, limit: int, *, descending: bool
) -> None:
    found = [
        name for page in pages(filled, Query(sort=sort, descending=descending, limit=limit)) for name in page
    ]
    with filled.read() as tx:
        whole = tx.vms.page(Query(limit=1000)).items
    expected = sorted(whole, key=lambda one: (getattr(one, sort or "name"), one.id), reverse=descending)
    assert found == [one.name for one in expected]
    assert len(found) == 12


def test_what_comes_and_goes_meanwhile_shifts_nothing(database: Database) -> None:
    twelve = fill(database)
    walk = pages(database, Query(limit=5))
    first = next(walk)
    with database.write() as tx:
        tx.vms.remove(tx.vms.named(first[1]).id)  # type: ignore[union-attr]  # it is there
        tx.vms.add_all([vm("A-new"), vm("zz-new")])
    rest = [name for page in walk for name in page]
    assert first + rest == [*sorted(one.name for one in twelve), "zz-new"]


@pytest.mark.parametrize(
    ("field", "op", "value", "names"),
    [
        ("name", "=", "web-03", ["web-03"]),
        ("name", "!=", "web-03", 11),
        ("name", "~", "WEB-0*", 10),
        ("name", "~", "*-03", ["web-03"]),
        ("name", "~", "db_1", ["Db_1"]),
        ("name", "~", "db%1", ["db%1"]),
        ("name", "~", "\\", 0),
        ("name", ">", "web-07", ["web-08", "web-09"]),
        ("vcpus", "=", "3", ["web-02", "web-05", "web-08"]),
        ("vcpus", ">=", "2", 8),
        ("vcpus", "<", "2", 4),
        ("memory", ">", "1000000000", 12),
        ("initialised", "=", "true", 0),
        ("initialised", "=", "false", 12),
        ("power", "=", "running", ["web-00"]),
        ("power", "!=", "off", ["web-00"]),
        ("host_id", "=", "", 8),
        ("host_id", "!=", "", 4),
        ("host_id", "!=", "other", 12),
        ("created", "<=", "1800000000", 12),
        ("agent", "=", "live", ["web-03"]),
        ("addresses", "has", "192.0.2.7", ["web-03"]),
        ("addresses", "has", "192.0.2", 0),
        ("addresses", "has", "2001:db8::7", ["web-03"]),
    ],
)
def test_filters(filled: Database, field: str, op: str, value: str, names: list[str] | int) -> None:
    one = Filter(field, Op(op), value)
    with filled.read() as tx:
        found = [each.name for each in tx.vms.page(Query(filters=(one,))).items]
        assert tx.vms.count(one) == len(found)
    assert found == names or len(found) == names


def test_filters_hold_together(filled: Database) -> None:
    both = (Filter("vcpus", Op.IS, "1"), Filter("agent", Op.IS, "live"), Filter("name", Op.LIKE, "web*"))
    with filled.read() as tx:
        assert [one.name for one in tx.vms.all(*both)] == ["web-03"]


@pytest.mark.parametrize(
    "query",
    [
        Query(filters=(Filter("colour", Op.IS, "red"),)),
        Query(filters=(Filter("vcpus", Op.IS, "many"),)),
        Query(filters=(Filter("vcpus", Op.IS, "9" * 19),)),
        Query(filters=(Filter("vcpus", Op.LIKE, "1*"),)),
        Query(filters=(Filter("power", Op.IS, "on"),)),
        Query(filters=(Filter("power", Op.LIKE, "*"),)),
        Query(filters=(Filter("initialised", Op.IS, "yes"),)),
        Query(filters=(Filter("created", Op.LESS, "nan"),)),
        Query(filters=(Filter("name", Op.IS, "\0"),)),
        Query(filters=(Filter("name", Op.IS, "\ud800"),)),
        Query(filters=(Filter("name", Op.IS, "x" * 1025),)),
        Query(filters=(Filter("addresses", Op.HAS, "1 2"),)),
        Query(filters=(Filter("addresses", Op.HAS, ""),)),
        Query(filters=(Filter("name", Op.IS, "x"),) * 17),
        Query(sort="colour"),
        Query(sort="agent"),
        Query(sort="host_id"),
        Query(limit=0),
        Query(limit=1001),
        Query(cursor="no cursor"),
        Query(cursor="x" * 5000),
    ],
    ids=lambda one: str(one)[:60].encode("ascii", "replace").decode(),
)
def test_what_cannot_be_asked(filled: Database, query: Query) -> None:
    with filled.read() as tx, pytest.raises(BadQuery):
        tx.vms.page(query)


def test_secrets_are_no_filters(filled: Database) -> None:
    with filled.read() as tx:
        with pytest.raises(BadQuery):
            tx.users.page(Query(filters=(Filter("password", Op.LIKE, "$argon2*"),)))
        with pytest.raises(BadQuery):
            tx.tokens.page(Query(filters=(Filter("digest", Op.LIKE, "a*"),)))
        with pytest.raises(BadQuery):
            tx.users.page(Query(sort="password"))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    st.lists,
    max_leaves=8,
)


@settings(max_examples=60)
@given(forged=st.tuples(st.just("name") | st.text(max_size=4), st.booleans() | _json, _json, _json) | _json)
def test_a_forged_cursor_is_refused_or_harmless(filled: Database, forged: object) -> None:
    text = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
    with filled.read() as tx:
        try:
            tx.vms.page(Query(cursor=text))
        except BadQuery:
            return


def test_a_cursor_of_another_list_is_refused(filled: Database) -> None:
    with filled.read() as tx:
        cursor = tx.vms.page(Query(limit=2)).cursor
        for other in (Query(sort="vcpus", cursor=cursor), Query(descending=True, cursor=cursor)):
            with pytest.raises(BadQuery):
                tx.vms.page(other)
