"""The engine's databases for tests: each test gets one of its own, with the present schema, of both kinds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, text, update

from guestwright.engine.inventory.columns import METADATA
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.tables import stream
from tests.support.postgres import postgres

KINDS = ("sqlite", "postgresql")


@dataclass(slots=True)
class Clock:
    """A clock that stands still unless somebody moves it."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True, kw_only=True)
class Makes:
    """Makes databases of one kind.

    Attributes:
        empty: the URL of a new one without any table.
        ready: the URL of a new one with the present schema.
        again: the URL of one with the present schema, without anything in it; the same each time.
    """

    kind: str
    empty: Callable[[], str]
    ready: Callable[[], str]
    again: Callable[[], str]


@dataclass(slots=True)
class _Files:
    directory: Path
    made: int = 0
    pattern: str = field(default="")

    def empty(self) -> str:
        self.made += 1
        return f"sqlite:///{self.directory}/{self.made}.db"

    def ready(self) -> str:
        if not self.pattern:
            url = self.empty()
            Database(url, clock=Clock()).close()
            self.pattern = url.removeprefix("sqlite:///")
        copy = self.empty()
        shutil.copyfile(self.pattern, copy.removeprefix("sqlite:///"))
        return copy


@contextmanager
def databases(kind: str, directory: Path) -> Iterator[Makes]:
    """Makes databases while the block lasts.

    Args:
        kind: "sqlite" or "postgresql".
        directory: for the files of the former.
    """
    if kind == "sqlite":
        files = _Files(directory)
        yield Makes(kind=kind, empty=files.empty, ready=files.ready, again=files.ready)
        return
    with postgres() as cluster:
        pattern, count, same = "", 0, ""

        def ready() -> str:
            nonlocal pattern, count
            if not pattern:
                pattern = cluster.database()
                Database(pattern, clock=Clock()).close()
            count += 1
            name = pattern.partition("?")[0].rpartition("/")[2]
            cluster.sql(f"CREATE DATABASE copy_{count} TEMPLATE {name}")
            return pattern.replace(f"/{name}?", f"/copy_{count}?")

        def again() -> str:
            nonlocal same
            if not same:
                same = ready()
            engine = create_engine(same)
            with engine.begin() as connection:  # a tenth of the time that a new database takes
                tables = ", ".join(name for name in METADATA.tables if name != stream.name)
                connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
                connection.execute(update(stream).values(last=0))
            engine.dispose()
            return same

        yield Makes(kind=kind, empty=cluster.database, ready=ready, again=again)
