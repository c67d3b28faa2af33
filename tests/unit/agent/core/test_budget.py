from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guestwright.agent.core import budget, schema


def test_nodes_of_a_path() -> None:
    assert budget.nodes("attr/vif/0/name") == ["attr/vif", "attr/vif/0", "attr/vif/0/name"]
    assert budget.nodes("data") == []


def test_directories_count_once() -> None:
    assert budget.count({"attr/vif/0/name": b"", "attr/vif/0/mac/0": b""}) == 5


def test_what_fits_stays_as_it_is() -> None:
    keys = {"data/os_name": b"x", "attr/vif/0/name": b"y"}
    assert list(budget.fit(keys, 4).items()) == list(keys.items())


def test_the_least_important_goes_first_and_is_counted() -> None:
    keys = {
        "data/guestwright/users/0/name": b"ada",
        "attr/PVAddons/Installed": b"1",
        "data/os_name": b"x",
    }
    assert budget.fit(keys, 6) == {
        "attr/PVAddons/Installed": b"1",
        "data/os_name": b"x",
        budget.OMITTED: b"1",
    }


def test_what_was_left_out_before_is_counted_too() -> None:
    keys = {"attr/PVAddons/Installed": b"1", "data/os_name": b"x", budget.OMITTED: b"40"}
    assert budget.fit(keys, 5) == {"attr/PVAddons/Installed": b"1", budget.OMITTED: b"41"}


def test_a_budget_that_has_no_room_for_the_count() -> None:
    assert budget.fit({"attr/PVAddons/Installed": b"1", "data/os_name": b"x"}, 2) == {}


@given(st.integers(0, 60), st.integers(1, 5), st.integers(0, 200))
def test_counted_keys_stay_contiguous_and_the_budget_holds(addresses: int, vifs: int, limit: int) -> None:
    keys = {
        f"attr/vif/{vif}/ipv4/{index}{more}": b"x"
        for vif in range(vifs)
        for index in range(addresses)
        for more in ("", "/prefix")
    }
    found = budget.fit(keys, limit)
    assert budget.count(found) <= limit
    for vif in range(vifs):
        left = [index for index in range(addresses) if f"attr/vif/{vif}/ipv4/{index}" in found]
        assert left == list(range(len(left)))
    if len(found) < len(keys) and limit >= 3:
        assert int(found[budget.OMITTED]) == len(keys) - len(found) + 1
    assert all(schema.find(path) for path in found)
