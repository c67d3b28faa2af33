"""Types of columns that are the same in SQLite and PostgreSQL, and what every table of things has."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.schema import SchemaItem

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables of the engine."""

# By code point on both, so that pages of a list are in one order and prefixes can use an index.
TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")
"""Of a column that counts by itself: SQLite does so for INTEGER only (sqlite.org/autoinc.html)."""


class Choice(TypeDecorator[StrEnum]):
    """A member of an enumeration, kept as its text."""

    impl = TEXT
    cache_ok = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        """Text for the database; `ValueError` for what is no member."""
        del dialect
        return None if value is None else self.choices(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        """The member."""
        del dialect
        return None if value is None else self.choices(value)


class Json(TypeDecorator[Any]):
    """JSON as text; always written the same way, so that equal values are equal texts."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Text for the database."""
        del dialect
        return encoded(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """What the text says."""
        del dialect
        return None if value is None else json.loads(value)


def encoded(value: Any) -> str:
    """JSON in its one form: sorted, no spaces, no NaN (RFC 8259 has none); `ValueError` for that."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def storable(value: str) -> bool:
    """Whether both databases keep a text: PostgreSQL has no NUL, UTF-8 no half of a surrogate pair."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def things(name: str, *parts: SchemaItem) -> Table:
    """A table of things that have an id, a version and two times (seconds since 1970)."""
    return Table(
        name,
        METADATA,
        Column("id", TEXT, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("created", Double, nullable=False),
        Column("changed", Double, nullable=False),
        *parts,
    )


def text(name: str, *, unique: bool = False, index: bool = False) -> Column[Any]:
    """A text that may be empty but is there."""
    return Column(name, TEXT, nullable=False, unique=unique or None, index=index or None)


def count(name: str) -> Column[Any]:
    """A number of bytes or things."""
    return Column(name, BigInteger, nullable=False)


def choice(name: str, choices: type[StrEnum], *, index: bool = False) -> Column[Any]:
    """One of an enumeration; the database checks it too."""
    listed = ", ".join(f"'{one.value}'" for one in choices)
    return Column(
        name,
        Choice(choices),
        CheckConstraint(f"{name} IN ({listed})", name=f"{name}_known"),
        nullable=False,
        index=index or None,
    )


def reference(name: str, table: str, *, needed: bool = True, goes: str | None = None) -> Column[Any]:
    """The id of something else.

    Args:
        name: of the column.
        table: whose ids.
        needed: whether there must be one.
        goes: what happens when the other goes: "CASCADE", "SET NULL"; None: it may not go.
    """
    target = ForeignKey(f"{table}.id", ondelete=goes)
    return Column(name, TEXT, target, nullable=not needed, index=True)
