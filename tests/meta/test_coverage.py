"""The unit tests of a pure core go every way through it: each line, each branch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What chance finds by the hundred thousand is left out: it would take minutes when each line is counted.
CORES = {
    "xenstore": ["tests/unit/xenstore/core"],
    "agent": ["tests/unit/agent/core", "--ignore=tests/unit/agent/core/test_hostile.py"],
}


@pytest.mark.parametrize("name", CORES)
def test_the_core_is_covered(name: str, tmp_path: Path) -> None:
    core = Path("src/guestwright") / name / "core"
    assert not [one.name for one in (ROOT / core).glob("*.py") if "pragma:" in one.read_text()]
    data = f"--data-file={tmp_path / 'data'}"
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
    # The same examples each time: what only chance covers is not covered.
    tests = (
        "pytest",
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        "--hypothesis-seed=0",
        *CORES[name],
    )
    for arguments in (
        ("run", data, "--rcfile=", "--branch", f"--source={core}", "-m", *tests),
        ("report", data, "--rcfile=", "--show-missing", "--skip-covered", "--fail-under=100"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "coverage", *arguments],
            cwd=ROOT,
            env=plain,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    covered = sum(1 for _ in (ROOT / core).glob("*.py"))
    assert f"{covered} files skipped due to complete coverage" in done.stdout
