"""A chain of steps from one schema to the next: brings a database to one of them, or says that it cannot be.

Theory of operation: all steps run in one transaction, so a kill leaves the old schema or the new one; both
databases can do that. Who comes second waits: in SQLite for the place of the writer, in PostgreSQL for an
advisory lock. In SQLite a table is changed by making it anew and removing the old one, which would take with
it what refers to its rows; so references are not enforced meanwhile, and checked at the end
(sqlite.org/lang_altertable.html, section 7). Several chains may share a database; each has its own table that
says where it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, MetaData, text

from guestwright.engine.inventory.errors import DatabaseTooNew, DatabaseUnusable

_HERE: Final = os.path.dirname(os.path.abspath(__file__))  # of env.py, which all chains share
Finish = Callable[[Connection], object]


class Chain:
    """Steps, and where a database is in them.

    Args:
        versions: directory of the steps.
        metadata: the tables as the last step leaves them.
        lock: number of PostgreSQL's advisory lock, the same for all engines.
        table: that says where a database is.
    """

    def __init__(self, versions: str, metadata: MetaData, lock: int, table: str = "alembic_version") -> None:
        self._config = Config()
        self._config.set_main_option("script_location", _HERE.replace("%", "%%"))
        self._config.set_main_option("version_locations", versions.replace("%", "%%"))
        self._config.set_main_option("path_separator", "os")
        self._config.attributes["metadata"] = metadata
        self._config.attributes["version_table"] = table
        self._lock = lock
        self._table = table

    def scripts(self) -> ScriptDirectory:
        """The steps."""
        return ScriptDirectory.from_config(self._config)

    def upgrade(
        self,
        engine: Engine,
        name: str,
        *,
        change: bool = True,
        to: str = "head",
        finish: Finish = lambda _: None,
    ) -> None:
        """Bring a database to a schema.

        Args:
            engine: of the database.
            name: how it is called in messages.
            change: whether it may be changed; else it must be at the schema.
            to: number of the schema, or "head"; a lower number than the present one goes back.
            finish: called in the same transaction, after the steps.

        Raises:
            DatabaseTooNew: a later version of Guestwright has changed it.
            DatabaseUnusable: it is older and must not be changed, or is not whole afterwards.
        """
        steps = self.scripts()
        wanted = steps.get_current_head() if to == "head" else to
        with engine.connect() as connection:
            present = self._present(connection)
            _known(steps, name, present)
            connection.rollback()
            if present == wanted:
                return
            if not change:
                raise DatabaseUnusable(database=name, problem=f"its schema is {present}, not {wanted}")
            sqlite = engine.dialect.name == "sqlite"
            if sqlite:
                _enforce(connection, on=False)
            try:
                with connection.execution_options(guestwright_writes=True).begin():
                    if not sqlite:
                        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": self._lock})
                    self._run(connection, steps, str(wanted))
                    if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                        problem = "references are broken after the upgrade"
                        raise DatabaseUnusable(database=name, problem=problem)
                    finish(connection)
            finally:
                if sqlite:
                    _enforce(connection, on=True)

    def _present(self, connection: Connection) -> str | None:
        options = {"version_table": self._table}
        return MigrationContext.configure(connection, opts=options).get_current_revision()

    def _run(self, connection: Connection, steps: ScriptDirectory, wanted: str) -> None:
        self._config.attributes["connection"] = connection
        present = self._present(connection)
        if present is None:
            earlier = set()
        else:
            earlier = {one.revision for one in steps.iterate_revisions(present, "base")} | {"base"}
        if wanted in earlier and wanted != present:
            command.downgrade(self._config, wanted)
        else:
            command.upgrade(self._config, wanted)


def _known(steps: ScriptDirectory, name: str, present: str | None) -> None:
    try:
        if present is not None:
            steps.get_revision(present)
    except CommandError as error:
        known = str(steps.get_current_head())
        raise DatabaseTooNew(database=name, found=present, known=known) from error


def _enforce(connection: Connection, *, on: bool) -> None:
    """Whether SQLite enforces references; cannot be changed within a transaction."""
    connection.rollback()
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}").close()
