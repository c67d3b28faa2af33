"""A database of each kind for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guestwright.engine.inventory.database import Database
from tests.support.engine_databases import KINDS, Clock, Makes, databases
from tests.support.postgres import needs_postgres


@pytest.fixture(
    scope="session",
    params=[pytest.param(one, marks=needs_postgres if one != "sqlite" else ()) for one in KINDS],
)
def makes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Makes]:
    with databases(request.param, tmp_path_factory.mktemp("databases")) as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(makes: Makes) -> str:
    return makes.again()


@pytest.fixture
def database(url: str, clock: Clock) -> Iterator[Database]:
    with Database(url, clock=clock, connections=8) as one:
        yield one
