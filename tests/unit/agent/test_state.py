"""When a balloon counts as settled, moving or stuck."""

from __future__ import annotations

import pytest

from guestwright.agent.state import Motion

# Looks (current, target) half a second apart, and the verdict after the last: settled, stuck, moving.
TABLE = {
    "at rest": ([(100_000, 100_000)] * 2, (True, False, False)),
    "one look is not enough": ([(100_000, 100_000)], (False, False, True)),
    "near enough": ([(100_000, 100_060)] * 2, (True, False, False)),
    "moving": ([(100_000 - 1000 * n, 50_000) for n in range(20)], (False, False, True)),
    "reached": ([(60_000, 50_000), (50_000, 50_000), (50_000, 50_000)], (True, False, False)),
    "stuck": ([(60_000, 50_000)] * 12, (False, True, False)),
    "not yet stuck": ([(60_000, 50_000)] * 10, (False, False, True)),
    "a new target gives new time": ([(60_000, 50_000)] * 8 + [(60_000, 55_000)] * 8, (False, False, True)),
    "stuck, then moving": ([(60_000, 50_000)] * 12 + [(59_000, 50_000)], (False, False, True)),
}


@pytest.mark.parametrize(("looks", "wanted"), TABLE.values(), ids=TABLE)
def test_verdicts(looks: list[tuple[int, int]], wanted: tuple[bool, bool, bool]) -> None:
    motion = Motion()
    for number, (current, target) in enumerate(looks):
        verdict = motion.look(current, target, number * 0.5)
    assert (verdict.settled, bool(verdict.stuck), motion.moving) == wanted
    assert (verdict.current, verdict.target) == looks[-1]


def test_ready_comes_with_the_first_rest_or_with_time() -> None:
    motion = Motion()
    assert not motion.look(100, 100_000, 0).ready
    assert motion.look(200, 100_000, 31).ready
    assert not motion.look(300, 100_000, 31.5).supported
    motion.look(100_000, 100_000, 32)
    assert motion.look(100_000, 100_000, 32.5).supported
    assert motion.look(1, 100_000, 33).supported
