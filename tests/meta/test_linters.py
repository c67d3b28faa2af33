"""Formatter, linter, types and import rules as tests, so that one command reproduces CI."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "ruff": ["ruff", "check", "."],
    "mypy": ["mypy"],
    "imports": ["lint-imports"],
    "operations-page": [sys.executable, "tools/gen_operations.py", "--check"],
    "schema-page": [sys.executable, "tools/gen_schema.py", "--check"],
    "host-api-page": [sys.executable, "tools/gen_host_api.py", "--check"],
    "api-page": [sys.executable, "tools/gen_api.py", "--check"],
    "cli-page": [sys.executable, "tools/gen_cli.py", "--check"],
    "errors-page": [sys.executable, "tools/gen_errors.py", "--check"],
}


@pytest.mark.parametrize("name", CHECKS)
def test_check_passes(name: str) -> None:
    tool, *rest = CHECKS[name]
    command = [tool if tool == sys.executable else str(BIN / tool), *rest]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
