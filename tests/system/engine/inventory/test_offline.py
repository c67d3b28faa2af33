"""Commands that need no engine load none of it: no database, no migrations, no password hashing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.program import environment

pytestmark = pytest.mark.system

HEAVY = ("sqlalchemy", "alembic", "argon2", "psycopg", "dbos", "guestwright.engine")


@pytest.mark.parametrize(
    "command",
    [
        ("seal", "run", "--help"),
        ("seal", "plan", "--help"),
        ("payload", "build", "--help"),
        ("store", "list", "--help"),
        ("agent", "build", "--help"),
        ("host", "guests", "--help"),
    ],
    ids=" ".join,
)
def test_offline_commands_load_nothing_of_the_engine(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "guestwright.cli", *command],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "Usage" in done.stdout
    loaded = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    assert "guestwright.cli.main" in loaded
    assert not [one for one in loaded if one.startswith(HEAVY)]
