"""The engine's database: opened, brought to the present schema, read and written in transactions.

Theory of operation: a transaction that writes says so when it begins. In SQLite it then takes the only place
of a writer at once (BEGIN IMMEDIATE), because one that begins by reading can be refused when it wants to
write later. The journal is a write-ahead log that is flushed at each commit (sqlite.org/wal.html,
sqlite.org/pragma.html#pragma_synchronous: FULL), so readers never wait. PostgreSQL runs at its own default
isolation, READ COMMITTED: what is decided on is held with FOR UPDATE, or checked by version.

Values are not part of errors and logs (`hide_parameters`): passwords' hashes and payloads pass through here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from guestwright.engine.inventory.errors import DatabaseUnusable
from guestwright.engine.inventory.faults import translated
from guestwright.engine.inventory.migrations.upgrade import upgrade
from guestwright.engine.inventory.transaction import Transaction

_BUSY_SECONDS: Final = 30
_WRITES: Final = "guestwright_writes"
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}",
    "PRAGMA foreign_keys = ON",
)


class Database:
    """The inventory in one database. Its calls may come from any thread.

    Args:
        url: "sqlite:////var/lib/guestwright/engine.db", or "postgresql+psycopg://user@host/name".
        clock: seconds since 1970.
        randomness: so many bytes, cryptographic.
        connections: most at once.
        make: whether to bring the schema up to date; else it must be.

    Raises:
        DatabaseUnusable: it cannot be opened.
        DatabaseTooNew: a later version has changed it.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float],
        randomness: Callable[[int], bytes] = os.urandom,
        connections: int = 16,
        make: bool = True,
    ) -> None:
        self._clock = clock
        self._committed: list[Callable[[int], None]] = []
        self._lock = threading.Lock()
        self._engine, self.name = _opened(url, connections)
        try:
            with translated(self.name):
                upgrade(self._engine, self.name, randomness(10).hex(), change=make)
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that only reads.

        Raises:
            DatabaseBusy, DatabaseUnusable: it does not answer.
        """
        with translated(self.name), self._engine.connect() as connection, connection.begin():
            yield Transaction(connection, self._clock())

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction; what was done in the block is kept when it ends, and undone when it fails.

        Raises:
            DatabaseBusy, DatabaseUnusable: it does not answer; nothing was kept.
        """
        with (
            translated(self.name),
            self._engine.connect().execution_options(**{_WRITES: True}) as connection,
            connection.begin(),
        ):
            transaction = Transaction(connection, self._clock())
            yield transaction
            last = transaction.settle()
        if last:
            with self._lock:
                listeners = tuple(self._committed)
            for listener in listeners:
                listener(last)

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Call a function after each commit of this process that has events.

        Args:
            listener: takes the number of the last event; must be quick and not raise. What other processes
                commit is found by looking at `events.token`.

        Returns:
            Ends it.
        """
        with self._lock:
            self._committed.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._committed:
                    self._committed.remove(listener)

        return end

    def close(self) -> None:
        """Let go of all connections; may be called twice."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _opened(url: str, connections: int) -> tuple[Engine, str]:
    """An engine, and the name of the database without a password."""
    try:
        parsed = make_url(url)
        name = parsed.render_as_string(hide_password=True)
    except ArgumentError as error:
        raise DatabaseUnusable(database="(setting)", problem="this is no URL of a database") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise DatabaseUnusable(database=name, problem="it must be sqlite:/// or postgresql+psycopg://")
    options: dict[str, Any] = {"hide_parameters": True, "pool_size": connections, "max_overflow": 0}
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise DatabaseUnusable(database=name, problem="a database in memory is each connection's own")
        _make_private(str(parsed.database), name)
        options["connect_args"] = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
    else:
        options["pool_pre_ping"] = True  # a server that was started again is no failure
    try:
        engine = create_engine(parsed, **options)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise DatabaseUnusable(database=name, problem=str(error)) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return engine, name


def _make_private(path: str, name: str) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise DatabaseUnusable(database=name, problem=error.strerror or str(error)) from error


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin below, not by the driver's guess
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
