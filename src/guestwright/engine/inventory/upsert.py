"""Many rows at once: added, or in place of those that have their keys, as each database is quickest.

Theory of operation: INSERT … ON CONFLICT DO UPDATE is the same in both, and SQLAlchemy keeps it in their
dialects. SQLite takes row after row within the process. PostgreSQL gets one statement with an array for each
column (unnest), which costs it and us half of what a statement for each row does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Double, Executable, Integer, Table, case, insert
from sqlalchemy.dialects import postgresql, sqlite

from guestwright.engine.inventory.columns import Choice, Json, encoded


def upsert(connection: Connection, table: Table, columns: Collection[str], *, rising: str = "") -> Executable:
    """A statement that adds a row, or changes the one that has its key.

    Args:
        connection: of which database.
        table: where.
        columns: that an existing row takes from the new one.
        rising: a column of which an existing row keeps the larger value; "" for none.
    """
    made: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
    new = made.excluded
    values: dict[str, Any] = {name: new[name] for name in columns}
    if rising:
        values[rising] = case((new[rising] > table.c[rising], new[rising]), else_=table.c[rising])
    statement: Executable = made.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)
    return statement


def put_all(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    columns: Collection[str] = (),
    *,
    rising: str = "",
) -> None:
    """Add many rows; with `columns` or `rising` as of `upsert`.

    Args:
        connection: of which database.
        table: where.
        rows: with the same keys each; no two with the same primary key.
        columns: that an existing row takes from the new one.
        rising: a column of which an existing row keeps the larger value.
    """
    if connection.dialect.name != "postgresql":
        plain = (
            insert(table) if not columns and not rising else upsert(connection, table, columns, rising=rising)
        )
        connection.execute(plain, list(rows))
        return
    names = [table.c[name] for name in rows[0]]
    listed = ", ".join(f'"{one.name}"' for one in names)
    arrays = ", ".join(f"%({one.name})s::{_kind(one)}[]" for one in names)
    changes = [f'"{name}" = excluded."{name}"' for name in columns]
    if rising:
        changes.append(f'"{rising}" = greatest(excluded."{rising}", "{table.name}"."{rising}")')
    key = ", ".join(f'"{one.name}"' for one in table.primary_key)
    conflict = f" ON CONFLICT ({key}) DO UPDATE SET {', '.join(changes)}" if changes else ""
    statement = f'INSERT INTO "{table.name}" ({listed}) SELECT * FROM unnest({arrays}){conflict}'  # noqa: S608 - names of our tables
    given = {one.name: [_value(one, row[one.name]) for row in rows] for one in names}
    connection.exec_driver_sql(statement, given)


def _kind(column: Column[Any]) -> str:
    """PostgreSQL's name for the type of a column that is not a boolean."""
    if isinstance(column.type, Double):
        return "double precision"
    return "bigint" if isinstance(column.type, Integer) else "text"


def _value(column: Column[Any], value: Any) -> Any:
    if isinstance(column.type, Json):
        return encoded(value)
    return str(value) if isinstance(column.type, Choice) else value
