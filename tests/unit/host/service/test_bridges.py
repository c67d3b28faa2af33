"""Bridges' tables, out of a directory that looks like sysfs."""

from __future__ import annotations

import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from guestwright.host.facts.observations import Source
from guestwright.host.service.bridges import Bridges, table
from guestwright.hypervisor.domain import Nic

OURS, FORGED, OTHER = "52:54:00:00:00:01", "52:54:00:00:00:99", "52:54:00:00:00:02"


def row(address: str, port: int, age: int = 0, *, local: bool = False) -> bytes:
    """As the kernel writes it."""
    raw = bytes.fromhex(address.replace(":", ""))
    return struct.pack("=6sBBIBBH", raw, port & 255, local, age, port >> 8, 0, 0)


def sysfs(directory: Path, data: bytes) -> str:
    """A bridge br0 with the port vnet0, of number 258."""
    (directory / "br0").mkdir()
    (directory / "br0/brforward").write_bytes(data)
    (directory / "vnet0/brport").mkdir(parents=True)
    (directory / "vnet0/brport/port_no").write_text("0x102\n")
    (directory / "vnet0/brport/bridge").symlink_to("../../br0")
    return str(directory)


def test_what_comes_out_of_a_domains_port(tmp_path: Path) -> None:
    data = row(OURS, 258, 1000) + row(FORGED, 258, 200) + row(OTHER, 2) + row(OTHER, 258, local=True)
    bridges = Bridges(sysfs(tmp_path, data + b"half"))
    nics = (Nic(mac=OURS, host_device="vnet0"), Nic(mac=OTHER, host_device="vnet9"), Nic(mac="", source="x"))
    defined, seen = bridges.words(nics, 100.0)
    assert (defined.source, defined.values, defined.at) == (Source.HYPERVISOR, (OURS, OTHER), 100.0)
    assert (seen.source, seen.values, seen.at) == (Source.BRIDGE, (OURS, FORGED), 98.0)
    (tmp_path / "br0/brforward").unlink()
    assert len(bridges.words(nics, 101.0)) == 2  # read a moment ago


def test_a_card_that_is_on_no_bridge(tmp_path: Path) -> None:
    bridges = Bridges(sysfs(tmp_path, b""))
    for device in ("vnet0", "vnet1", "", "../x"):
        assert bridges.words([Nic(mac=OURS, host_device=device)], 1.0) == []


@given(st.binary(max_size=100))
def test_any_bytes_are_a_table(data: bytes) -> None:
    assert len(table(data)) <= len(data) // 16
