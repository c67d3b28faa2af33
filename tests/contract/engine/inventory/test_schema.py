"""The schema: as the tables say, from the first one with all rows, back again, and by several at once."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Engine, MetaData, create_engine, insert, inspect, select, text

from guestwright.engine.inventory.columns import METADATA
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import DatabaseTooNew, DatabaseUnusable
from guestwright.engine.inventory.migrations.upgrade import scripts, upgrade
from tests.contract.engine.inventory.first_schema import ROWS
from tests.support.engine_databases import Clock, Makes

STEPS = [one.revision for one in reversed(list(scripts().walk_revisions()))]


@pytest.fixture
def engine(makes: Makes) -> Iterator[Engine]:
    one = create_engine(makes.empty())
    yield one
    one.dispose()


def rows(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    found = MetaData()
    found.reflect(engine)
    with engine.connect() as connection:
        return {
            name: [dict(row) for row in connection.execute(select(found.tables[name])).mappings()]
            for name in ROWS
        }


def fill(engine: Engine) -> None:
    found = MetaData()
    found.reflect(engine)
    with engine.begin() as connection:
        for name, listed in ROWS.items():
            connection.execute(insert(found.tables[name]), listed)


def test_the_migrations_make_what_the_tables_say(engine: Engine) -> None:
    upgrade(engine, "x", "epoch")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    for name, table in METADATA.tables.items():
        kept = {
            str(one["name"]): words(one["sqltext"]) for one in inspect(engine).get_check_constraints(name)
        }
        meant = {
            str(one.name): words(str(one.sqltext))
            for part in (table, *table.columns)
            for one in part.constraints
            if isinstance(one, CheckConstraint)
        }
        assert kept == meant, name


def test_claims_of_facts_that_were_there_are_known(engine: Engine) -> None:
    upgrade(engine, "x", "epoch", to=STEPS[0])
    fill(engine)
    upgrade(engine, "x", "epoch")
    with engine.connect() as connection:
        found = connection.execute(text("SELECT vm_id, kind, value FROM claims ORDER BY kind")).all()
    assert found == [("vm1", "machine-id", "ab"), ("vm1", "ssh-host-key", "RSA SHA256:x")]


def words(sql: str) -> set[str]:
    """The values in a rule, however a database writes it."""
    return set(re.findall(r"'([\w-]+)'", sql))


@pytest.mark.parametrize("step", STEPS[1:])
def test_rows_of_the_first_schema_survive(engine: Engine, step: str) -> None:
    upgrade(engine, "x", "epoch", to=STEPS[0])
    fill(engine)
    upgrade(engine, "x", "epoch", to=step)
    after = rows(engine)
    for name, listed in ROWS.items():
        assert [{key: one[key] for key in listed[0]} for one in after[name]] == listed, name


def test_a_database_of_the_first_schema_works_afterwards(engine: Engine) -> None:
    upgrade(engine, "x", "epoch", to=STEPS[0])
    fill(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE stream SET last = 1"))
    url = engine.url.render_as_string(hide_password=False)
    with Database(url, clock=Clock()) as database, database.write() as tx:
        assert tx.vms.get("vm1").owner_id is None
        assert tx.vms.change("vm1", 3, vcpus=8).version == 4
        assert tx.facts.of("vm1")["boot"].value == "up"
        assert len(tx.drives.all()) == 2
        tx.facts.prune(older=2.0, most=10)
        assert tx.vms.get("vm2").name == "web2"
    with Database(url, clock=Clock()) as database, database.read() as tx:
        assert tx.events.token == "epoch.2"


def test_back_and_forth_leaves_the_rows(engine: Engine) -> None:
    upgrade(engine, "x", "epoch", to=STEPS[0])
    fill(engine)
    upgrade(engine, "x", "epoch")
    upgrade(engine, "x", "epoch", to=STEPS[0])
    assert rows(engine) == ROWS
    upgrade(engine, "x", "epoch", to="base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    upgrade(engine, "x", "epoch")


def test_several_engines_start_at_once(makes: Makes) -> None:
    url = makes.empty()
    ends: list[object] = []

    def start() -> None:
        try:
            with Database(url, clock=Clock()) as one, one.read() as tx:
                ends.append(tx.events.token)
        except BaseException as error:  # noqa: BLE001 - shown by the test below
            ends.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert len(ends) == 3
    assert len(set(map(str, ends))) == 1
    assert str(ends[0]).endswith(".0")


def test_a_later_schema_is_refused(engine: Engine) -> None:
    upgrade(engine, "x", "epoch")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew) as refused:
        Database(engine.url.render_as_string(hide_password=False), clock=Clock())
    assert refused.value.params["found"] == "9999"


def test_an_old_schema_is_not_changed_unasked(engine: Engine) -> None:
    upgrade(engine, "x", "epoch", to=STEPS[0])
    with pytest.raises(DatabaseUnusable):
        Database(engine.url.render_as_string(hide_password=False), clock=Clock(), make=False)
    upgrade(engine, "x", "epoch")
    Database(engine.url.render_as_string(hide_password=False), clock=Clock(), make=False).close()


def test_the_file_is_for_its_owner_alone(makes: Makes) -> None:
    if makes.kind != "sqlite":
        return
    url = makes.empty()
    Database(url, clock=Clock()).close()
    assert os.stat(url.removeprefix("sqlite:///")).st_mode & 0o777 == 0o600
