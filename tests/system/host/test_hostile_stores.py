"""The reader of facts and a hundred thousand hostile stores."""

from __future__ import annotations

import os
import random
import resource

import pytest

from tests.support.hostile_stores import hostile, judge

pytestmark = pytest.mark.system

STORES = 100_000
MEMORY_MAX = 32 * 1024  # KiB more than at first


def test_a_hundred_thousand_hostile_stores() -> None:
    seed = 7 if "CI" in os.environ else random.randrange(1 << 32)
    chance = random.Random(seed)
    for _ in range(2000):
        judge(hostile(chance))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(STORES - 2000):
        raw = hostile(chance)
        try:
            judge(raw)
        except Exception:
            print(f"seed {seed}, store {number}: {raw!r}")
            raise
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY_MAX
