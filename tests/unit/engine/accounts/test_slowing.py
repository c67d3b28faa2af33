"""Waits grow with failures, end, and cannot be used against others for long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.engine.accounts.slowing import BRAKES, FORGOTTEN, Scope, key, wait


@pytest.mark.parametrize(
    ("scope", "failures", "seconds"),
    [
        ("pair", 4, 0),
        ("pair", 5, 1),
        ("pair", 6, 2),
        ("pair", 10, 32),
        ("pair", 15, 900),
        ("pair", 10_000, 900),
        ("remote", 20, 0),
        ("remote", 21, 1),
        ("name", 50, 0),
        ("name", 51, 1),
        ("name", 10_000, 30),
    ],
)
def test_how_long(scope: str, failures: int, seconds: float) -> None:
    assert wait(Scope(scope), failures, 1000.0, 1000.0) == seconds
    assert wait(Scope(scope), failures, 1000.0, 1000.0 + seconds) == 0
    assert wait(Scope(scope), failures, 1000.0, 1000.0 + FORGOTTEN) == 0


@given(
    scope=st.sampled_from(Scope),
    failures=st.integers(0, 10**9),
    last=st.floats(0, 1e10),
    now=st.floats(0, 1e10),
)
def test_a_wait_is_bounded_whatever_clocks_say(scope: Scope, failures: int, last: float, now: float) -> None:
    assert 0 <= wait(scope, failures, last, now) <= BRAKES[scope].most
    assert wait(scope, failures, now, now) <= wait(scope, failures + 1, now, now)


def test_a_thousand_guesses_of_one_password_take_days() -> None:
    now = 0.0
    for failures in range(1000):
        now += wait(Scope.PAIR, failures, now, now)
    assert now > 5 * 86400


def test_keys_are_apart() -> None:
    keys = [key(scope, name, remote) for scope in Scope for name in ("a", "b") for remote in ("a", "b")]
    assert len(set(keys)) == 8
