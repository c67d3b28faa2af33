from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestwright.host.facts.observations import Source
from guestwright.host.service.sightings import Sightings, leases, neighbours

MAC = "52:54:00:00:00:01"
ARP = f"""IP address       HW type     Flags       HW address            Mask     Device
192.0.2.7        0x1         0x2         {MAC.upper()}     *        virbr0
192.0.2.8        0x1         0x0         00:00:00:00:00:00     *        virbr0
nonsense
192.0.2.9        0x1         zz          52:54:00:00:00:02     *        virbr0
"""
DNSMASQ = f"1790000000 {MAC} 192.0.2.7 web1 01:{MAC}\n1790000000 52:54:00:00:00:02 192.0.2.9 * *\nduid x\n"
STATUS = json.dumps(
    [
        {"ip-address": "192.0.2.7", "mac-address": MAC, "hostname": "web1", "expiry-time": 1},
        3,
        {"mac-address": 7},
    ]
)


def test_the_kernels_table() -> None:
    assert neighbours(ARP) == [{"ip": "192.0.2.7", "mac": MAC}]
    assert neighbours("") == []


@pytest.mark.parametrize("text", [DNSMASQ, STATUS], ids=["dnsmasq", "libvirt"])
def test_leases(text: str) -> None:
    assert leases(text)[0] == {"mac": MAC, "ip": "192.0.2.7", "hostname": "web1"}


@pytest.mark.parametrize("text", ["", "[", "[" * 100_000, "{}", "\x00", "1 2 3"])
def test_nonsense_is_nothing(text: str) -> None:
    assert leases(text) == []


def test_only_a_domains_own_cards_count(tmp_path: Path) -> None:
    (tmp_path / "arp").write_text(ARP)
    (tmp_path / "leases").write_text(DNSMASQ)
    sightings = Sightings((str(tmp_path / "leases"), str(tmp_path / "none")), str(tmp_path / "arp"))
    words = sightings.words([MAC], 5.0)
    assert {(one.subject, one.values, one.source) for one in words} == {
        (f"mac:{MAC}", ("192.0.2.7",), Source.DHCP),
        (f"mac:{MAC}", ("192.0.2.7",), Source.NEIGHBOUR),
        ("hostname", ("web1",), Source.DHCP),
    }
    assert sightings.words(["52:54:00:00:00:99"], 5.0) == []
    (tmp_path / "arp").unlink()
    assert len(sightings.words([MAC], 6.0)) == 3  # looked at a moment ago
