"""A libvirt daemon for one module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hypervisors import Bench, libvirt_bench


@pytest.fixture(scope="module")
def daemon_bench() -> Iterator[Bench]:
    with libvirt_bench() as one:
        yield one


@pytest.fixture
def bench(daemon_bench: Bench) -> Iterator[Bench]:
    place = daemon_bench.hypervisor.subscribe(daemon_bench.told.append)
    yield daemon_bench
    place.close()
    daemon_bench.clean()
