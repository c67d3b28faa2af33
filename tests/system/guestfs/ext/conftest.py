"""A volume on a real image, and a way to close it and let e2fsck look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ext_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench that is cleared afterwards."""
    one = Bench(tmp_path)
    yield one
    one.close()
