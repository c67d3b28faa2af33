"""A directory in memory, for payloads, with a short name, for sockets."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    found = Path(tempfile.mkdtemp(prefix="gwh-", dir="/dev/shm"))
    yield found
    shutil.rmtree(found, ignore_errors=True)
