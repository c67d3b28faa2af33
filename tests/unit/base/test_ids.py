from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.base.ids import new_run_id

times = st.floats(min_value=0, max_value=4e9)
noise = st.binary(min_size=10, max_size=10)


@given(times, noise)
def test_form(now: float, randomness: bytes) -> None:
    run = new_run_id(now, randomness)
    assert len(run) == 26
    assert set(run) <= set("0123456789abcdefghjkmnpqrstvwxyz")


@given(times, times, noise, noise)
def test_sorts_by_time(first: float, second: float, one: bytes, two: bytes) -> None:
    if int(first * 1000) < int(second * 1000):
        assert new_run_id(first, one) < new_run_id(second, two)


def test_known_value() -> None:
    assert new_run_id(1.0, bytes(9) + b"\x01") == "00000000z8" + "0" * 15 + "1"


@pytest.mark.parametrize(("now", "randomness"), [(0, b""), (-1, bytes(10)), (1e15, bytes(10))])
def test_bad_input(now: float, randomness: bytes) -> None:
    with pytest.raises(ValueError, match="run id"):
        new_run_id(now, randomness)
