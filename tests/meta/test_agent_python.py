"""What ships into guests runs on Python 3.8, says vermin of every module of the archive."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from guestwright.agent.package import pyz

ROOT = Path(__file__).parents[2]


def verdict(paths: list[str]) -> tuple[int, str]:
    vermin = str(Path(sys.executable).parent / "vermin")
    command = [vermin, "--no-tips", "--violations", "--target=3.8-", *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_agent_runs_on_python_3_8() -> None:
    paths = sorted(os.path.relpath(path, ROOT) for path in (*pyz.STARTERS.values(), *pyz.modules().values()))
    assert "src/guestwright/agent/main.py" in paths
    status, said = verdict(paths)
    assert status == 0, said[-6000:]


def test_only_what_never_runs_is_kept_from_the_judge() -> None:
    for path in (*pyz.STARTERS.values(), *pyz.modules().values()):
        for line in Path(path).read_text().splitlines():
            assert "novm" not in line
            assert "novermin" not in line or line == "if TYPE_CHECKING:  # novermin", path


@pytest.mark.parametrize(
    "text",
    [
        "match 1:\n    case _:\n        pass\n",
        "from enum import StrEnum\n",
        "with (open('a') as a, open('b') as b):\n    pass\n",
        "import tomllib\n",
        "{} | {}\n",
        "'a'.removeprefix('b')\n",
    ],
    ids=["match", "StrEnum", "with", "tomllib", "union", "removeprefix"],
)
def test_the_judge_would_notice(text: str, tmp_path: Path) -> None:
    path = tmp_path / "newer.py"
    path.write_text(text)
    status, said = verdict([str(path)])
    assert status != 0, said
