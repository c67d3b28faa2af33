"""What lists show of a guest, whatever its facts look like."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.engine.inventory.summary import ADDRESSES_MAX, COLUMNS, TEXT_MAX, addresses, hostname

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(("name", "addresses", "address")), inner),
)


@given(value=ANY)
@pytest.mark.parametrize("name", COLUMNS)
def test_any_fact_gives_printable_text(name: str, value: Any) -> None:
    _, read = COLUMNS[name]
    text = read(value)
    assert text.isprintable()
    text.encode()


def test_an_address_is_found_between_spaces() -> None:
    nics = [{"addresses": [{"address": "192.0.2.1"}]}, {"addresses": [{"address": "2001:DB8::1"}, None]}, 7]
    assert addresses(nics) == " 192.0.2.1 2001:db8::1 "
    assert addresses([]) == addresses(None) == addresses([{"addresses": [{"address": "a b"}]}]) == ""


def test_what_is_too_much_is_left_out() -> None:
    many = [{"addresses": [{"address": f"192.0.2.{number}"} for number in range(200)]}]
    assert len(addresses(many).split()) == ADDRESSES_MAX
    assert len(hostname({"name": "x" * 1000})) == TEXT_MAX
