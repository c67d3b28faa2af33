"""Ids: UUIDs that sort by age."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.engine.inventory.ids import new_id


@given(now=st.floats(0, 2**48 / 1000 - 1), randomness=st.binary(min_size=10, max_size=10))
def test_an_id_is_a_uuid_of_version_7(now: float, randomness: bytes) -> None:
    text = new_id(now, randomness)
    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == int(now * 1000)
    assert parsed.int & ((1 << 62) - 1) == int.from_bytes(randomness, "big") & ((1 << 62) - 1)


def test_later_ids_sort_behind() -> None:
    ids = [new_id(1.8e9 + second, bytes(10)) for second in range(100)]
    assert ids == sorted(ids)


@pytest.mark.parametrize(("now", "randomness"), [(1.0, bytes(9)), (-1.0, bytes(10)), (2.0**48, bytes(10))])
def test_what_makes_no_id(now: float, randomness: bytes) -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        new_id(now, randomness)
