from __future__ import annotations

import pytest

from guestwright.agent.core.facts import Address, Nic
from guestwright.agent.core.nics import ADDRESSES_MAX, NICS_MAX, Network
from guestwright.base.record import replace
from tests.support.agent_facts import GLOBAL4, GLOBAL6, LINK6, MAC, bridge, vif

PCI = Nic(
    id="pci-0000_00_05_0",
    kind="pci",
    name="ens5",
    index=9,
    mac="00:16:3E:00:00:05",
    up=True,
    speed=10000,
    bus="0000:00:05.0",
    addresses=(GLOBAL4,),
)


def found(*nics: Nic, told: dict[str, str] | None = None) -> dict[str, str]:
    parts = Network().update(nics, told or {}).values()
    return {path: value.decode() for part in parts for path, value in part.items()}


def addresses(keys: dict[str, str], root: str) -> list[str]:
    return [value for path, value in keys.items() if path.startswith(f"{root}/ipv") and path.count("/") == 4]


def test_a_vif() -> None:
    assert found(vif(0, LINK6, GLOBAL6, GLOBAL4)) == {
        "data/net/version": "1.0",
        "attr/vif/0/name": "enX0",
        "attr/vif/0/mac/0": MAC,
        "attr/vif/0/ipv4/0": "192.0.2.10",
        "attr/vif/0/ipv4/0/prefix": "24",
        "attr/vif/0/ipv6/0": "2001:db8::10",
        "attr/vif/0/ipv6/0/prefix": "64",
        "attr/vif/0/ipv6/1": "fe80::216:3eff:fe00:1",
        "attr/vif/0/ipv6/1/prefix": "64",
        "data/net/vif-0/kind": "vif",
        "data/net/vif-0/name": "enX0",
        "data/net/vif-0/mac": MAC,
        "data/net/vif-0/state": "up",
        "data/net/vif-0/vif": "0",
        "data/net/vif-0/driver": "vif",
        "data/net/vif-0/mtu": "1500",
        "data/net/vif-0/ipv4/0": "192.0.2.10",
        "data/net/vif-0/ipv4/0/prefix": "24",
        "data/net/vif-0/ipv6/0": "2001:db8::10",
        "data/net/vif-0/ipv6/0/prefix": "64",
        "data/net/vif-0/ipv6/0/flags": "dynamic",
        "data/net/vif-0/ipv6/1": "fe80::216:3eff:fe00:1",
        "data/net/vif-0/ipv6/1/prefix": "64",
    }


def test_addresses_in_the_order_of_their_use() -> None:
    old = replace(GLOBAL6, address="2001:db8::1", deprecated=True)
    private = replace(GLOBAL6, address="2001:db8::2", temporary=True)
    site = replace(GLOBAL6, address="fec0::1", scope="site")
    doubtful = replace(GLOBAL6, address="2001:db8::3", tentative=True)
    own = replace(GLOBAL6, address="::1", scope="host")
    strange = replace(GLOBAL6, address="ff::1", scope="galaxy")
    none = replace(GLOBAL6, address="")
    shown = found(vif(0, own, strange, none, doubtful, LINK6, site, old, private, GLOBAL6))
    assert addresses(shown, "attr/vif/0") == [
        "2001:db8::10",
        "2001:db8::2",
        "2001:db8::1",
        "fec0::1",
        "fe80::216:3eff:fe00:1",
    ]
    assert addresses(shown, "data/net/vif-0") == [*addresses(shown, "attr/vif/0"), "2001:db8::3"]
    assert shown["data/net/vif-0/ipv6/5/flags"] == "tentative dynamic"


def test_the_number_of_addresses_is_bounded() -> None:
    many = [replace(GLOBAL4, address=f"10.0.{i >> 8}.{i & 255}") for i in range(ADDRESSES_MAX + 9)]
    assert len(addresses(found(vif(0, *many)), "attr/vif/0")) == ADDRESSES_MAX


@pytest.mark.parametrize("kind", ["bridge", "bond", "team", "vlan", "macvlan", "vrf"])
def test_what_stands_on_one_vif_lends_it_its_addresses(kind: str) -> None:
    lower = vif(1, LINK6, master=f"{kind}-7")
    shown = found(bridge(7, ("vif-1",), GLOBAL4, GLOBAL6, kind=kind), lower)
    assert addresses(shown, "attr/vif/1") == ["192.0.2.10", "2001:db8::10", "fe80::216:3eff:fe00:1"]
    assert addresses(shown, "data/net/vif-1") == ["fe80::216:3eff:fe00:1"]
    assert shown[f"data/net/{kind}-7/members"] == "vif-1"
    assert shown["data/net/vif-1/master"] == f"{kind}-7"


def test_a_bridge_has_an_id_of_its_own() -> None:
    assert found(bridge(7, ("vif-0",)), vif(0))["data/net/bridge-7/guid"] == "8000.00163e000001"


def test_a_bridge_of_two_vifs_lends_to_neither() -> None:
    shown = found(bridge(7, ("vif-0", "vif-1"), GLOBAL4), vif(0), vif(1))
    assert addresses(shown, "attr/vif/0") == addresses(shown, "attr/vif/1") == []
    assert addresses(shown, "data/net/bridge-7") == ["192.0.2.10"]
    assert shown["data/net/bridge-7/members"] == "vif-0 vif-1"


def test_containers_on_the_bridge_do_not_matter() -> None:
    veth = Nic(id="veth-9", kind="veth", name="veth9", index=9, addresses=(GLOBAL4,))
    shown = found(vif(0), bridge(7, ("vif-0", "veth-9"), GLOBAL4), veth)
    assert addresses(shown, "attr/vif/0") == ["192.0.2.10"]
    assert not [path for path in shown if "veth" in path]
    assert shown["data/net/bridge-7/members"] == "vif-0"


def test_bridges_without_hardware_are_nobodys_business() -> None:
    shown = found(vif(0), bridge(8, (), GLOBAL4), bridge(9, ("veth-1", "gone-2"), GLOBAL4))
    assert not [path for path in shown if "bridge" in path]


def test_a_stack_of_vlan_on_bridge_on_bond_on_vif() -> None:
    shown = found(
        bridge(6, ("bond-5",), replace(GLOBAL4, address="192.0.2.6")),
        replace(bridge(7, ("bridge-6",), GLOBAL4, kind="vlan"), vlan=42),
        bridge(5, ("vif-0",), kind="bond"),
        vif(0),
    )
    assert addresses(shown, "attr/vif/0") == ["192.0.2.6", "192.0.2.10"]
    assert shown["data/net/vlan-7/vlan"] == "42"


def test_interfaces_that_stand_on_each_other() -> None:
    shown = found(bridge(7, ("bridge-8", "vif-0")), bridge(8, ("bridge-7",), GLOBAL4), vif(0))
    assert addresses(shown, "attr/vif/0") == ["192.0.2.10"]


def test_the_same_address_above_and_below_is_told_once() -> None:
    shown = found(bridge(7, ("vif-0",), GLOBAL4), vif(0, GLOBAL4))
    assert addresses(shown, "attr/vif/0") == ["192.0.2.10"]


def test_a_passed_through_card() -> None:
    shown = found(PCI)
    assert shown["data/net/pci-0000_00_05_0/bus"] == "0000:00:05.0"
    assert shown["data/net/pci-0000_00_05_0/speed"] == "10000"
    assert not [path for path in shown if not path.startswith("data/net/")]


def test_a_function_of_a_card_is_known_by_its_mac_address() -> None:
    shown = found(PCI, told={"xenserver/device/net-sriov-vf/3/mac": "00:16:3e:00:00:05\n"})
    assert shown["xenserver/attr/net-sriov-vf/3/name"] == "ens5"
    assert shown["xenserver/attr/net-sriov-vf/3/mac/0"] == "00:16:3E:00:00:05"
    assert shown["xenserver/attr/net-sriov-vf/3/ipv4/0"] == "192.0.2.10"
    assert shown["data/net/pci-0000_00_05_0/kind"] == "sriov"
    assert shown["data/net/pci-0000_00_05_0/vif"] == "3"


def test_a_virtio_card_has_the_number_that_the_host_gives_it() -> None:
    card = replace(PCI, kind="virtio")
    shown = found(card, told={"device/vif/1/mac": "00:16:3E:00:00:05"})
    assert shown["attr/vif/1/ipv4/0"] == "192.0.2.10"
    assert shown["data/net/pci-0000_00_05_0/kind"] == "virtio"


@pytest.mark.parametrize(
    "told",
    [
        {"device/vif/x/mac": "00:16:3e:00:00:05"},
        {"device/vif//mac": "00:16:3e:00:00:05"},
        {"device/vif/٣/mac": "00:16:3e:00:00:05"},
        {"device/vif/123456/mac": "00:16:3e:00:00:05"},
        {"device/vif/1/backend": "00:16:3e:00:00:05"},
        {"device/vif/1/mac": "00:16:3e:00:00:06"},
        {"mac": "00:16:3e:00:00:05"},
    ],
    ids=["name", "none", "arabic", "large", "other-key", "other-mac", "short"],
)
def test_what_the_host_may_say_without_effect(told: dict[str, str]) -> None:
    assert not [path for path in found(PCI, told=told) if path.startswith("attr/")]


def test_no_mac_address_matches_nothing() -> None:
    assert "attr/vif/1/name" not in found(replace(PCI, mac=""), told={"device/vif/1/mac": ""})


def test_a_bridge_with_the_mac_address_of_its_vif_is_no_vif() -> None:
    shown = found(bridge(7, ("vif-0",)), vif(0), told={"device/vif/5/mac": MAC})
    assert not [path for path in shown if path.startswith("attr/vif/5")]


def test_of_two_that_claim_one_number_the_first_has_it() -> None:
    twin = replace(vif(0, LINK6), id="vif-0-if9", name="twin")
    shown = found(vif(0), twin)
    assert shown["attr/vif/0/name"] == "enX0"
    assert shown["data/net/vif-0-if9/name"] == "twin"


def test_an_interface_without_a_name_or_an_address() -> None:
    assert found(Nic(id="vif-0", kind="vif", name="", vif=0)) == {
        "data/net/version": "1.0",
        "data/net/vif-0/kind": "vif",
        "data/net/vif-0/state": "down",
        "data/net/vif-0/vif": "0",
    }


@pytest.mark.parametrize(
    ("up", "carrier", "state"),
    [(True, True, "up"), (True, None, "up"), (True, False, "no-carrier"), (False, True, "down")],
)
def test_state(up: bool, carrier: bool | None, state: str) -> None:
    assert found(replace(vif(0), up=up, carrier=carrier))["data/net/vif-0/state"] == state


def test_hardware_comes_first_and_all_is_bounded() -> None:
    bridges = [bridge(index, ("vif-3",)) for index in range(100, 100 + NICS_MAX)]
    shown = found(*bridges, vif(3), replace(PCI, id="usb-1", kind="usb"))
    ids = list(dict.fromkeys(path.split("/")[2] for path in shown if path.startswith("data/net/")))[1:]
    assert ids[:2] == ["vif-3", "usb-1"]
    assert len(ids) == NICS_MAX
    assert len(found(*(vif(index) for index in range(NICS_MAX + 9)))) <= NICS_MAX * 10


@pytest.mark.parametrize("ident", ["", "a/b", "x.y", "n" * 65])
def test_ids_that_are_no_names_are_left_out(ident: str) -> None:
    assert found(replace(PCI, id=ident)) == {"data/net/version": "1.0"}


def test_text_that_is_hostile() -> None:
    shown = found(replace(vif(0, Address(family=4, address="1.2.3.4", prefix=0)), name="a\nb\0" + "x" * 999))
    assert shown["attr/vif/0/name"] == "a?b?" + "x" * 251
    assert shown["attr/vif/0/ipv4/0/prefix"] == "0"
