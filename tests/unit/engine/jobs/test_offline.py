"""Commands that work without an engine import nothing of it: DBOS alone takes a second to import."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CLI = Path(__file__).parents[4] / "src/guestwright/cli"
OFFLINE = [
    path for path in sorted(CLI.rglob("*.py")) if path.relative_to(CLI).parts[0] not in {"up", "up.py"}
]


def test_there_are_offline_commands() -> None:
    assert len(OFFLINE) > 5


@pytest.mark.parametrize("path", OFFLINE, ids=lambda path: str(path.relative_to(CLI)))
def test_no_offline_command_imports_the_engine(path: Path) -> None:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    assert not {name for name in found if name.startswith(("guestwright.engine", "dbos", "sqlalchemy"))}
