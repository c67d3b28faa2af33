"""What `.importlinter` cannot say: the layers that ship into guests stay on the standard library."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STDLIB_ONLY = ("agent", "base", "confine", "disk", "fileview", "guestfs", "seal", "xenstore")
FILES = sorted(path for top in STDLIB_ONLY for path in (ROOT / "src/guestwright" / top).rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_standard_library_only(path: Path) -> None:
    tops: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            tops.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            tops.add((node.module or "").split(".")[0])
    assert tops <= sys.stdlib_module_names | {"guestwright"}
