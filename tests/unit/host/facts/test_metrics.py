"""XAPI's guest metrics, in both layouts of addresses."""

from __future__ import annotations

import pytest

from guestwright.host.facts.intake import Keys, admit
from guestwright.host.facts.metrics import Metrics, metrics, networks


def keys(**values: str) -> Keys:
    return from_dict({name.replace("__", "/"): value for name, value in values.items()})


def from_dict(values: dict[str, str]) -> Keys:
    return admit((path, value.encode()) for path, value in values.items())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({}, {}),
        ({"attr/vif/0/ipv4/0": "192.0.2.1"}, {"0/ip": "192.0.2.1", "0/ipv4/0": "192.0.2.1"}),
        (
            {"attr/vif/0/ipv4/2": "192.0.2.3", "attr/vif/0/ipv4/1": "192.0.2.2"},
            {"0/ip": "192.0.2.2", "0/ipv4/1": "192.0.2.2", "0/ipv4/2": "192.0.2.3"},
        ),
        (
            {"attr/vif/0/ipv4/10": "192.0.2.3", "attr/vif/0/ipv4/9": "192.0.2.2"},
            {"0/ip": "192.0.2.2", "0/ipv4/9": "192.0.2.2", "0/ipv4/10": "192.0.2.3"},
        ),
        ({"attr/vif/1/ipv6/0": "2001:db8::1"}, {"1/ipv6/0": "2001:db8::1"}),
        ({"attr/vif/0/ipv4/0": "192.0.2.1", "attr/vif/0/ipv4/x": "192.0.2.2"}, {}),
        ({"attr/vif/0/ipv4/0": "192.0.2.1", "attr/vif/0/ipv6/x": "::1"}, {}),
        (
            {"attr/vif/0/ipv4/x": "192.0.2.2", "attr/vif/1/ipv4/0": "192.0.2.3"},
            {"1/ip": "192.0.2.3", "1/ipv4/0": "192.0.2.3"},
        ),
        ({"attr/vif/0/ipv4/0": "no address"}, {}),
        ({"attr/vif/0/ipv4/0": "2001:db8::1"}, {}),
        ({"attr/vif/0/ipv6/0": "fe80::1%eth0"}, {}),
        (
            {"attr/vif/0/ipv6/0": "2001:0db8:0000:0000:0000:0000:0000:0001"},
            {"0/ipv6/0": "2001:0db8:0000:0000:0000:0000:0000:0001"},
        ),
        ({"attr/vif/0/ipv4/0/prefix": "24"}, {}),
        (
            {"attr/vif/0/ipv4/0": "192.0.2.1", "attr/vif/0/ipv4/0/prefix": "24"},
            {"0/ip": "192.0.2.1", "0/ipv4/0": "192.0.2.1"},
        ),
        ({"attr/eth0/ip": "192.0.2.1"}, {"0/ip": "192.0.2.1", "0/ipv4/0": "192.0.2.1"}),
        ({"attr/ens3/ip": "192.0.2.1"}, {"3/ip": "192.0.2.1", "3/ipv4/0": "192.0.2.1"}),
        ({"attr/xenbr1/ip": "192.0.2.1"}, {"1/ip": "192.0.2.1", "1/ipv4/0": "192.0.2.1"}),
        ({"attr/enX0/ip": "192.0.2.1"}, {}),
        ({"attr/wlan0/ip": "192.0.2.1"}, {}),
        ({"attr/eth0/ipv6/0/addr": "2001:db8::1"}, {"0/ipv6/0": "2001:db8::1"}),
        ({"attr/eth0/ipv6/0": "2001:db8::1"}, {}),
        ({"attr/vif/0/name": "eth0", "attr/eth0/ip": "192.0.2.1"}, {}),
        (
            {"xenserver/attr/net-sriov-vf/2/ipv4/0": "192.0.2.9"},
            {"2/ip": "192.0.2.9", "2/ipv4/0": "192.0.2.9"},
        ),
        (
            {"attr/eth0/ip": "192.0.2.1", "xenserver/attr/net-sriov-vf/2/ipv6/0": "2001:db8::2"},
            {"0/ip": "192.0.2.1", "0/ipv4/0": "192.0.2.1", "2/ipv6/0": "2001:db8::2"},
        ),
        ({"data/net/version": "1.0", "data/net/pci-1/ipv4/0": "192.0.2.1"}, {}),
    ],
)
def test_networks(written: dict[str, str], expected: dict[str, str]) -> None:
    assert dict(networks(from_dict(written))) == expected


def made(**values: str) -> Metrics:
    return metrics(keys(**values))


def test_operating_system() -> None:
    found = made(
        data__os_name="Debian",
        data__os_majorver="12",
        data__os_uname="6.1",
        attr__os__spmajor="1",
        data__x="y",
    )
    assert found.os_version == {"name": "Debian", "major": "12", "uname": "6.1", "spmajor": "1"}


@pytest.mark.parametrize(
    ("written", "expected", "known"),
    [
        ({}, {}, False),
        ({"MajorVersion": "8", "MinorVersion": "4"}, {"major": "8", "minor": "4", "micro": "-1"}, True),
        ({"MajorVersion": "8"}, {"major": "8", "micro": "-1"}, False),
        (
            {"MajorVersion": "1", "MinorVersion": "0", "MicroVersion": "0", "BuildVersion": "proto-0.4"},
            {"major": "1", "minor": "0", "micro": "0", "build": "proto-0.4"},
            False,
        ),
        (
            {"MajorVersion": "@PRODUCT_MAJOR_VERSION@", "MinorVersion": "0", "MicroVersion": "0"},
            {"major": "@PRODUCT_MAJOR_VERSION@", "minor": "0", "micro": "0"},
            False,
        ),
        ({"Application": "x"}, {"application": "x", "micro": "-1"}, False),
    ],
    ids=["none", "no micro", "no minor", "text as build", "placeholders", "application"],
)
def test_version(written: dict[str, str], expected: dict[str, str], known: bool) -> None:
    found = metrics(from_dict({f"attr/PVAddons/{name}": value for name, value in written.items()}))
    assert found.pv_drivers_version == expected
    assert found.drivers_known is known


def test_drivers_of_windows() -> None:
    found = from_dict(
        {
            "drivers/0": "XenServer XENVIF 8.2.1.1 (DEBUG)",
            "drivers/1": "XCP-ng XenBus 9.0.0 ",
            "drivers/x": "a b c d",
        }
    )
    assert metrics(found).pv_drivers_version == {
        "xenvif": "XenServer 8.2.1.1 (DEBUG)",
        "xenbus": "XCP-ng 9.0.0",
        "micro": "-1",
    }


@pytest.mark.parametrize(
    ("name", "domain", "expected"),
    [
        (None, "d", {}),
        ("h", None, {"host_name": "h"}),
        ("h", "d.example", {"host_name": "h.d.example"}),
    ],
)
def test_netbios_name(name: str | None, domain: str | None, expected: dict[str, str]) -> None:
    written = {"data/host_name_dns": name, "data/domain": domain}
    found = from_dict({path: value for path, value in written.items() if value is not None})
    assert metrics(found).netbios_name == expected


def test_other_has_all_of_control() -> None:
    found = from_dict({"control/feature-suspend": "1", "control/error": "oops", "data/ts": "1"})
    assert metrics(found).other == {"feature-suspend": "1", "error": "oops", "data-ts": "1"}
    assert metrics(found).feature("feature-suspend")


def test_a_reason_takes_the_place_of_suspend() -> None:
    found = from_dict({"control/feature-suspend": "1", "data/cant_suspend_reason": "gpu"})
    assert metrics(found).other == {"data-cant-suspend-reason": "gpu"}
    assert metrics(from_dict({"data/cant_suspend_reason": "gpu"})).other == {}


def test_services_memory_and_hotplug() -> None:
    found = from_dict(
        {
            "data/service/sql/state": "up",
            "data/pvs_target/target_software_version": "7.1",
            "data/meminfo_total": "1000",
            "data/meminfo_free": "many",
            "feature/hotplug/vbd": "1",
            "feature/hotplug/vif": "0",
        }
    )
    seen = metrics(found)
    assert seen.services == {"sql/state": "up", "pvs_target/target_software_version": "7.1"}
    assert seen.memory == {"total": "1000"}
    assert (seen.can_use_hotplug_vbd, seen.can_use_hotplug_vif) == ("yes", "no")
    assert metrics(Keys()).can_use_hotplug_vbd == "unspecified"
