"""Fixtures of the contract suites."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from guestwright.guestfs.port import GuestFS
from tests.support.guestfs_drivers import Spec, driver_params

MakeGuest = Callable[..., GuestFS]


@pytest.fixture(params=driver_params())
def guest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeGuest]:
    """Makes a guest with one of the drivers: `guest(files, mounts=…)`, see `Spec`."""
    count = 0
    with ExitStack() as stack:

        def make(files: Any, **more: Any) -> GuestFS:
            nonlocal count
            count += 1
            work = tmp_path / str(count)
            work.mkdir()
            made: GuestFS = stack.enter_context(request.param(work, Spec(files=files, **more)))
            return made

        yield make
