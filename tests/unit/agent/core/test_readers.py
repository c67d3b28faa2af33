"""What XAPI-era programs read in the keys, by readers made after their code: one test for each rule."""

from __future__ import annotations

import re

import pytest

from guestwright.agent.core.facts import Balloon, Facts, Nic, System
from guestwright.agent.core.layout import desired
from guestwright.base.record import replace
from tests.support.agent_facts import GLOBAL4, GLOBAL6, LINK6, bridge, complete, vif

CASES = {
    "complete": complete(),
    "nothing": Facts(),
    "old-version": Facts(version=(0, 1, 0)),
    "odd-system": Facts(system=System(distro="Red Hat!", major="rawhide", minor="")),
    "bridge": Facts(nics=(vif(0, LINK6), bridge(3, ("vif-0",), GLOBAL4))),
    "many": Facts(nics=(vif(0, *(replace(GLOBAL4, address=f"10.0.0.{n}") for n in range(250))),)),
    "unsettled": Facts(balloon=Balloon(current=2, target=1)),
    "virtio": Facts(
        nics=(Nic(id="pci-1", kind="virtio", name="eth0", addresses=(GLOBAL6,)),), channel="virtio"
    ),
}


def keys(name: str) -> dict[str, str]:
    offers = {"sysprep": "1", "exec": "disabled in the guest"}
    return {path: value.decode() for path, value in desired(CASES[name], offers, {}).items()}


@pytest.mark.parametrize("name", CASES)
def test_the_version_is_known_to_xapi(name: str) -> None:
    """Major and minor must be there and all be integers; Xen Orchestra wants major > 0."""
    shown = keys(name)
    numbers = {part: shown[f"attr/PVAddons/{part}Version"] for part in ("Major", "Minor", "Micro", "Build")}
    assert all(re.fullmatch(r"\d+", number) for number in numbers.values())
    assert int(numbers["Major"]) >= 1
    assert shown["attr/PVAddons/Installed"] == "1"


@pytest.mark.parametrize("name", CASES)
def test_address_indexes_are_contiguous_integers(name: str) -> None:
    """One index that is no integer makes xapi drop all addresses of a VIF."""
    shown = keys(name)
    for root in {path.rpartition("/")[0] for path in shown if re.search(r"/ipv[46]/[^/]+$", path)}:
        indexes = [path[len(root) + 1 :] for path in shown if path.startswith(root + "/")]
        own = sorted(int(index) for index in indexes if "/" not in index)
        assert own == list(range(len(own)))


def test_the_address_of_index_0_is_global() -> None:
    """`networks["0/ip"]` is the lowest index of ipv4."""
    shown = keys("complete")
    assert shown["attr/vif/0/ipv4/0"] == "192.0.2.10"
    assert shown["attr/vif/0/ipv6/0"] == "2001:db8::10"


def test_a_bridged_vif_has_an_address() -> None:
    assert keys("bridge")["attr/vif/0/ipv4/0"] == "192.0.2.10"


@pytest.mark.parametrize("name", CASES)
def test_the_distribution_is_lower_case(name: str) -> None:
    """Xapi compares with exactly "windows", Xen Orchestra with lower-case names."""
    distro = keys(name).get("data/os_distro", "")
    assert re.fullmatch(r"[a-z0-9._-]*", distro)


@pytest.mark.parametrize("name", CASES)
def test_versions_of_the_system_are_integers_or_absent(name: str) -> None:
    for key in ("data/os_majorver", "data/os_minorver"):
        assert re.fullmatch(r"\d+", keys(name).get(key, "0"))


@pytest.mark.parametrize("name", CASES)
def test_the_balloon_flag_is_1_or_absent(name: str) -> None:
    """squeezed looks at its existence only, and has the wrong offset for ever if it comes too early."""
    assert keys(name).get("control/feature-balloon", "1") == "1"
    if name == "unsettled":
        assert "control/feature-balloon" not in keys(name)
        assert "data/updated" not in keys(name)


@pytest.mark.parametrize("name", CASES)
def test_paths_and_values_are_what_xenstore_admits(name: str) -> None:
    for path, value in keys(name).items():
        assert re.fullmatch(r"[A-Za-z0-9_@/-]+", path)
        assert "//" not in path
        assert not path.endswith("/")
        assert value.isprintable()
        assert value


def test_features_are_exactly_1() -> None:
    """VM.sysprep wants "1"; a feature that is not offered is absent, since some readers look no further."""
    shown = keys("complete")
    assert shown["control/feature-sysprep"] == "1"
    assert "control/feature-exec" not in shown
    assert shown["data/guestwright/features/exec"] == "disabled in the guest"


def test_the_name_of_the_host_is_put_together_by_xapi() -> None:
    """netbios_name: host_name_dns + "." + domain, so the former must not contain the latter."""
    shown = keys("complete")
    assert f"{shown['data/host_name_dns']}.{shown['data/domain']}" == "web1.example.org"
