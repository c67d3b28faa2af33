"""Looks at a guest: soon, not often, and always after the last change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guestwright.host.facts.attention import Attention, Pace

PACE = Pace(settle=0.02, burst=5, refill=1.0)


@given(st.lists(st.floats(0, 3), min_size=1, max_size=300))
def test_the_last_change_is_always_seen_and_floods_cost_little(gaps: list[float]) -> None:
    one = Attention(PACE, 0.0)
    now, looked, last_change = 0.0, [], 0.0
    for gap in gaps:
        until = now + gap
        while one.due is not None and one.due <= until:
            due = one.due
            assert one.take(due)
            looked.append(due)
        now = until
        one.touched(now)
        last_change = now
    while one.due is not None:
        due = one.due
        assert not one.take(due - 0.001)
        assert one.take(due)
        looked.append(due)
    assert looked[-1] >= last_change
    assert len(looked) <= PACE.burst + now / PACE.refill + 2


def test_a_quiet_guest_is_seen_at_once_and_a_flood_once_a_second() -> None:
    one = Attention(PACE, 0.0)
    one.touched(100.0)
    assert one.due == 100.02
    assert not one.take(100.01)
    assert one.take(100.02)
    assert not one.take(100.03)
    looks, now = 0, 200.0
    while now < 260.0:
        one.touched(now)
        looks += one.take(now)
        now += 0.001
    assert 60 <= looks <= 66
    assert one.merged > 50_000


def test_a_dear_look_uses_up_more() -> None:
    attention = Attention(Pace(settle=0.02, burst=2, refill=1.0), 0.0)
    attention.touched(0.0)
    assert attention.take(0.02)
    attention.cost(10.0)
    attention.touched(0.02)
    assert attention.due is not None
    assert 9.0 < attention.due < 11.0
    attention.take(attention.due)
    attention.cost(1e9)
    attention.touched(11.0)
    assert attention.due is not None
    assert attention.due < 11.0 + 100.0  # never for ever
