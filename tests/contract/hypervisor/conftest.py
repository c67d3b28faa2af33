"""The same benches for all modules of the contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.hypervisors import Bench, fake_bench, libvirt_bench
from tests.support.libvirtd import NEEDS

_OPEN = {"fake": fake_bench, "libvirt": libvirt_bench}


@pytest.fixture(scope="session")
def benches() -> Iterator[dict[str, Bench]]:
    """Those in use, each made when it is first needed."""
    with ExitStack() as stack:
        made: dict[str, Bench] = {}

        class Made(dict[str, Bench]):
            def __missing__(self, name: str) -> Bench:
                made[name] = self[name] = stack.enter_context(_OPEN[name]())
                return made[name]

        yield Made()


@pytest.fixture(params=["fake", pytest.param("libvirt", marks=[pytest.mark.system, NEEDS])])
def bench(request: pytest.FixtureRequest, benches: dict[str, Bench]) -> Iterator[Bench]:
    """A hypervisor without domains of this test."""
    one = benches[request.param]
    place = one.hypervisor.subscribe(one.told.append)
    yield one
    place.close()
    one.clean()
