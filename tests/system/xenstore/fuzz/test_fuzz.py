"""A million packets and ring states: no crash, no hang, no growth, and nobody else notices."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from guestwright.xenstore.core.options import Options
from tests.system.xenstore.fuzz.arena import NEWEST, Arena
from tests.system.xenstore.fuzz.audit import resident
from tests.system.xenstore.fuzz.ports import Ports
from tests.system.xenstore.fuzz.rings import Pages

pytestmark = pytest.mark.system

# The same packets each time, unless others are asked for: by a number, which failures show, or `random`.
ASKED = os.environ.get("FUZZ_SEED", "1")
SEED = int.from_bytes(os.urandom(4), "big") if ASKED == "random" else int(ASKED)
BATCH = 1000
GROWTH = 24 << 20  # bytes that may be left over: fragmentation, caches of the interpreter


@contextmanager
def shown(seed: int) -> Iterator[list[int]]:
    """Say which seed and batch it is, and which failed."""
    print(f"FUZZ_SEED={seed}")
    at = [0]
    try:
        yield at
    except BaseException as error:
        error.add_note(f"FUZZ_SEED={seed}, batch {at[0]}")
        raise


@pytest.mark.parametrize("options", [Options(), NEWEST], ids=["4.17", "newest"])
@pytest.mark.parametrize(("privileged", "batches"), [(False, 300), (True, 125)], ids=["guests", "privileged"])
def test_packets(*, privileged: bool, batches: int, options: Options) -> None:
    with shown(SEED) as at:
        arena = Arena(SEED, privileged=privileged, options=options)
        before = objects = 0
        for at[0] in range(1, batches + 1):
            arena.attack(BATCH)
            if at[0] % 25 == 0:
                arena.clean()
                if not before:  # what is made once, at the beginning, does not count
                    before, objects = resident(), _objects()
        assert arena.replies > batches * BATCH / 2
        assert resident() - before < GROWTH
        assert _objects() - objects < 5_000


def test_ring_states() -> None:
    with shown(SEED) as at:
        pages = Pages(SEED)
        try:
            before = 0
            for at[0] in range(1, 151):
                pages.attack(BATCH)
                if at[0] == 25:
                    before = resident()
            assert pages.restarts > 1000
            assert resident() - before < GROWTH
        finally:
            pages.server.close()


def test_sockets() -> None:
    with shown(SEED) as at:
        ports = Ports(SEED)
        try:
            before = 0
            for at[0] in range(1, 51):
                ports.attack(BATCH)
                if at[0] == 10:
                    before = resident()
            assert ports.left > 500
            assert ports.replies > 20_000
            assert resident() - before < GROWTH
        finally:
            ports.close()


def _objects() -> int:
    gc.collect()
    return len(gc.get_objects())
