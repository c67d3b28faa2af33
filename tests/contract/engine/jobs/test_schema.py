"""The schema of the jobs: as the tables say, beside the inventory, from before there were steps."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import DatabaseTooNew
from guestwright.engine.jobs.migrations.upgrade import TABLE, chain, upgrade
from guestwright.engine.jobs.model import Job
from guestwright.engine.jobs.sql_book import SqlBook
from guestwright.engine.jobs.sql_schema import EVENTS_LOCK, METADATA
from tests.support.engine_databases import Clock, Makes

LOCK = EVENTS_LOCK
JOB = Job(id="00000000-0000-7000-8000-00000000c001", kind="k", version=1, parameters={"a": 1}, key="one")


@pytest.fixture
def fresh(makes: Makes) -> str:
    return makes.empty()


@pytest.fixture
def engine(fresh: str) -> Iterator[Engine]:
    one = create_engine(fresh)
    yield one
    one.dispose()


def differences(engine: Engine) -> list[object]:
    """Between the tables of the jobs in a database and as they should be."""
    names = set(METADATA.tables)
    options = {
        "version_table": TABLE,
        "include_name": lambda name, kind, _: kind != "table" or name in names,
    }
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


def test_the_steps_make_what_the_tables_say(engine: Engine) -> None:
    upgrade(engine, METADATA, LOCK)
    assert differences(engine) == []
    upgrade(engine, METADATA, LOCK)  # nothing is left to do


def test_jobs_of_before_there_were_steps_are_kept(engine: Engine, fresh: str) -> None:
    with engine.begin() as connection:
        METADATA.create_all(connection)
    with engine.begin() as connection:
        values = {"id": JOB.id, "kind": "k", "version": 1, "parameters": "{}", "key": "one"}
        texts = {"group": "", "status": "pending", "step": "", "note": "", "owner": "", "cancelling": False}
        plain = dict.fromkeys(("result", "error"), "null") | {"leftovers": "[]"}
        numbers = dict.fromkeys(("done", "total", "epoch", "until", "created", "started", "ended"), 0)
        connection.execute(METADATA.tables["durable_jobs"].insert().values(values | texts | plain | numbers))
    book = SqlBook(fresh)
    assert book.get(JOB.id).key == "one"
    book.close()
    assert differences(engine) == []


def test_jobs_and_inventory_share_a_database(fresh: str, engine: Engine) -> None:
    book = SqlBook(fresh)
    book.submit(JOB)
    with Database(fresh, clock=Clock()) as database, database.read() as tx:
        assert tx.vms.all() == ()
    again = SqlBook(fresh)
    assert again.get(JOB.id).parameters == {"a": 1}
    for one in (book, again):
        one.close()
    assert differences(engine) == []


def test_a_later_schema_of_the_jobs_is_refused(fresh: str, engine: Engine) -> None:
    SqlBook(fresh).close()
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {TABLE} SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew):
        SqlBook(fresh)


def test_back_to_nothing_and_on_again(engine: Engine) -> None:
    upgrade(engine, METADATA, LOCK)
    chain(METADATA, LOCK).upgrade(engine, "x", to="base")
    assert set(inspect(engine).get_table_names()) <= {TABLE, "sqlite_sequence"}
    upgrade(engine, METADATA, LOCK)
    assert differences(engine) == []


def test_several_engines_start_at_once(fresh: str) -> None:
    ends: list[BaseException | None] = []

    def start() -> None:
        try:
            SqlBook(fresh).close()
            ends.append(None)
        except BaseException as error:  # noqa: BLE001 - shown by the test below
            ends.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert ends == [None] * 3
