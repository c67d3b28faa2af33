"""Which real tools a test needs."""

from __future__ import annotations

import os
import shutil

import pytest


def needs(*tools: str) -> pytest.MarkDecorator:
    """Skip a test where a tool is not installed; never on CI, where everything must be there.

    Args:
        *tools: names of programs, looked for on PATH and in /usr/sbin and /sbin.
    """
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [tool for tool in tools if shutil.which(tool, path=path) is None]
    return pytest.mark.skipif(
        bool(missing) and "CI" not in os.environ, reason=f"not installed: {', '.join(missing)}"
    )
