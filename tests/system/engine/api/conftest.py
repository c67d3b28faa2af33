"""A database of each kind for the modules that ask for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.engine_databases import KINDS, Makes, databases
from tests.support.postgres import needs_postgres


@pytest.fixture(
    scope="session",
    params=[pytest.param(one, marks=needs_postgres if one != "sqlite" else ()) for one in KINDS],
)
def makes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Makes]:
    with databases(request.param, tmp_path_factory.mktemp("databases")) as one:
        yield one
