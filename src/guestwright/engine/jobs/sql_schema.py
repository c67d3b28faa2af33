"""The tables of the jobs, and how their database is opened.

Theory of operation: SQLite with a write-ahead log that is synced at each commit (PRAGMA journal_mode and
synchronous, sqlite.org/pragma.html), one writer at a time by BEGIN IMMEDIATE. On PostgreSQL the order of
events must be the order in which they become visible, or a reader that goes on behind the last number it saw
would miss one that commits late: writers of events take an advisory lock, which lasts until they commit.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from guestwright.engine.jobs.migrations.upgrade import upgrade

METADATA: Final = sa.MetaData()

JOBS: Final = sa.Table(
    "durable_jobs",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("key", sa.String(200), unique=True),
    sa.Column("group", sa.String(64), nullable=False, index=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("step", sa.String(64), nullable=False),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("note", sa.String(800), nullable=False),
    sa.Column("cancelling", sa.Boolean, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("until", sa.Double, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("leftovers", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("started", sa.Double, nullable=False),
    sa.Column("ended", sa.Double, nullable=False),
)
sa.Index("durable_jobs_open", JOBS.c.ended, JOBS.c.until)

EVENTS: Final = sa.Table(
    "durable_job_events",
    METADATA,
    sa.Column(
        "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    sa.Column("job", sa.String(64), nullable=False, index=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("what", sa.String(16), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

EVENTS_LOCK: Final = 0x6A6F6273
"""Number of the advisory lock: "jobs"."""


def open_database(url: str) -> sa.Engine:
    """Connections to a database of jobs, whose tables are brought to the present schema.

    Args:
        url: for SQLAlchemy: `sqlite:////path` or `postgresql+psycopg://…`.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: it cannot be opened.
        DatabaseTooNew: a later version of Guestwright has changed it.
    """
    engine = sa.create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begins)
    try:
        upgrade(engine, METADATA, EVENTS_LOCK)
    except BaseException:
        engine.dispose()
        raise
    return engine


def seconds(engine: sa.Engine) -> sa.ColumnElement[float]:
    """Seconds since 1970 by the database's clock, the only one that all engines share."""
    if engine.dialect.name == "sqlite":
        return sa.literal_column("(julianday('now') - 2440587.5) * 86400.0", sa.Double)
    return sa.literal_column("extract(epoch FROM clock_timestamp())::float8", sa.Double)


def _sqlite_connected(connection: Any, record: object) -> None:
    del record
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begins(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
