"""The demonstration runs to its end, on the image that needs no packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.program import environment
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "debugfs", "e2fsck")]

_DEMO = os.path.join(os.path.dirname(__file__), "..", "..", "..", "lab", "demo.py")


def test_the_demonstration(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, _DEMO, "--small", "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exit status 3" in done.stdout
    assert "e2fsck -fn demo.img\n  clean" in done.stdout
