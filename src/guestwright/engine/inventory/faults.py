"""What the databases' drivers raise, as our errors."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from guestwright.engine.inventory.errors import (
    BrokenRule,
    DatabaseBusy,
    DatabaseUnusable,
    InventoryError,
    NameTaken,
    NothingToReferTo,
    StillUsed,
)

# Codes of PostgreSQL: appendix A of its manual; of SQLite: sqlite.org/rescode.html.
_UNIQUE: Final = frozenset(("23505",))
_FOREIGN: Final = frozenset(("23503", "23001"))
_BUSY: Final = frozenset(("40001", "40P01", "55P03", "57014"))
_SQLITE_BUSY: Final = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))
_COLUMN: Final = re.compile(r"constraint failed: \w+\.(\w+)(?:, \w+\.(\w+))?")


@contextmanager
def translated(database: str) -> Iterator[None]:
    """Turn what comes out of a driver into `DatabaseBusy` or `DatabaseUnusable`.

    Args:
        database: how the database is called in messages; no password.
    """
    try:
        yield
    except OperationalError as error:
        problem = _first_line(error)
        if _sqlstate(error) in _BUSY or _sqlite_code(error) & 0xFF in _SQLITE_BUSY:
            raise DatabaseBusy(database=database, problem=problem) from error
        raise DatabaseUnusable(database=database, problem=problem) from error
    except SQLAlchemyError as error:
        raise DatabaseUnusable(database=database, problem=_first_line(error)) from error


@contextmanager
def refusals(what: str, *, id: str = "", removing: bool = False) -> Iterator[None]:  # noqa: A002 - its name
    """Turn what a constraint refuses into an error that names the thing.

    Args:
        what: kind of the thing.
        id: of the thing.
        removing: whether it is being removed, so that a reference is somebody else's.
    """
    try:
        yield
    except IntegrityError as error:
        raise refusal(error, what, id, removing=removing) from error


def refusal(error: IntegrityError, what: str, id: str, *, removing: bool) -> InventoryError:  # noqa: A002
    """The error that a violated constraint means."""
    text = str(error.orig)
    state = _sqlstate(error)
    if state in _UNIQUE or "UNIQUE constraint failed" in text:
        return NameTaken(what=what, field=_field(error, text))
    if state in _FOREIGN or "FOREIGN KEY constraint failed" in text:
        return StillUsed(what=what, id=id) if removing else NothingToReferTo(what=what)
    diagnosis = getattr(error.orig, "diag", None)
    named = getattr(diagnosis, "constraint_name", None) or getattr(diagnosis, "column_name", None)
    return BrokenRule(what=what, rule=named or text.rpartition(": ")[2][:100])


def _field(error: IntegrityError, text: str) -> str:
    """The column that must be unique: the last of the constraint, the first ones say within what."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        detail = re.search(r"Key \(([\w, ]+)\)", diagnosis.message_detail or "")
        return detail[1].rpartition(", ")[2] if detail else "key"
    found = _COLUMN.search(text)
    return (found[2] or found[1]) if found else "key"


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _sqlite_code(error: DBAPIError) -> int:
    code: Any = getattr(error.orig, "sqlite_errorcode", 0)
    return int(code or 0)


def _first_line(error: SQLAlchemyError) -> str:
    """What the driver says, without the statement and its values, which may be anybody's secrets."""
    original = getattr(error, "orig", None)
    lines = str(original if original is not None else error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
