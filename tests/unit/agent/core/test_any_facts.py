"""Whatever a guest may look like: what is published keeps to the store's rules and its own."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.agent.core import budget, schema
from guestwright.agent.core.facts import Address, Facts, Filesystem, Host, Nic, System, User
from guestwright.agent.core.layout import desired
from guestwright.agent.core.publish import Published
from tests.support.agent_store import ModelStore, drive

IDS = st.sampled_from(["vif-0", "vif-1", "pci-1", "bridge-7", "bond-8", "vlan-9", "", "a/b", "x" * 80])
TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)
ADDRESSES = st.builds(
    Address,
    family=st.sampled_from([4, 6]),
    address=st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "fe80::1", ""]),
    prefix=st.integers(0, 128),
    scope=st.sampled_from(["global", "site", "link", "host", "?"]),
    temporary=st.booleans(),
    deprecated=st.booleans(),
    tentative=st.booleans(),
)
NICS = st.builds(
    Nic,
    id=IDS,
    kind=st.sampled_from(["vif", "sriov", "pci", "virtio", "bridge", "bond", "vlan", "veth"]),
    name=TEXT,
    mac=st.sampled_from(["", "00:16:3e:00:00:01", "00:16:3e:00:00:02"]),
    mtu=st.integers(-1, 1 << 32),
    up=st.booleans(),
    carrier=st.none() | st.booleans(),
    vif=st.none() | st.integers(0, 3),
    members=st.lists(IDS, max_size=4).map(tuple),
    master=IDS,
    addresses=st.lists(ADDRESSES, max_size=12).map(tuple),
)
FACTS = st.builds(
    Facts,
    system=st.builds(System, name=TEXT, distro=TEXT, major=TEXT, minor=TEXT, uname=TEXT),
    host=st.builds(Host, name=TEXT, domain=TEXT, timezone=TEXT),
    filesystems=st.lists(
        st.builds(
            Filesystem,
            device=TEXT,
            kind=TEXT,
            size=st.integers(0, 1 << 60),
            free=st.integers(0, 1 << 60),
            mounts=st.lists(TEXT, max_size=6).map(tuple),
        ),
        max_size=40,
    ).map(tuple),
    users=st.lists(st.builds(User, name=TEXT, since=st.integers(0, 1 << 40)), max_size=40).map(tuple),
    nics=st.lists(NICS, max_size=8).map(tuple),
    channel=st.sampled_from(["xen", "virtio"]),
)
OFFERS = st.dictionaries(
    st.sampled_from([*schema.FEATURES, "new", "a/b", ""]), st.sampled_from(["1", "no", ""])
)
TOLD = st.dictionaries(
    st.sampled_from(["device/vif/2/mac", "device/vif/x/mac", "xenserver/device/net-sriov-vf/1/mac", "?", ""]),
    st.sampled_from(["00:16:3e:00:00:01", "00:16:3E:00:00:02", "", "\0"]),
)


@settings(max_examples=150, deadline=None)
@given(FACTS, OFFERS, TOLD)
def test_any_facts(facts: Facts, offers: dict[str, str], told: dict[str, str]) -> None:
    keys = desired(facts, offers, told)
    assert budget.count(keys) <= budget.NODES_MAX
    for path, value in keys.items():
        assert re.fullmatch(r"[A-Za-z0-9_/-]{1,200}", path)
        assert schema.find(path) is not None, path
        assert 0 < len(value) <= 1024
        assert value.decode().isprintable()
    for root in {path.rpartition("/")[0] for path in keys if re.search(r"/ipv[46]/\d+$", path)}:
        indexes = sorted(int(path[len(root) + 1 :]) for path in keys if re.fullmatch(rf"{root}/\d+", path))
        assert indexes == list(range(len(indexes)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(FACTS, OFFERS, TOLD), min_size=2, max_size=4))
def test_the_store_follows_any_change(states: list[tuple[Facts, dict[str, str], dict[str, str]]]) -> None:
    published, store = Published(), ModelStore()
    for state in states:
        keys = desired(*state)
        drive(published, store, keys)
        held = store.values()
        for path in {"data/updated", "data/meminfo_free", *(one for one in keys if one.endswith("/free"))}:
            held.pop(path, None)
            keys.pop(path, None)
        assert held == keys
        empty = [path for path, value in store.nodes.items() if not value and not _children(store, path)]
        assert all(path in _ROOTS for path in empty), empty


def _children(store: ModelStore, path: str) -> bool:
    return any(one.startswith(path + "/") for one in store.nodes)


_ROOTS = {parent for row in schema.ROWS for parent in budget.nodes(row.root)} | {"attr", "data", "control"}
