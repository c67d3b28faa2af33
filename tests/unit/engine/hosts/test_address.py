"""Where the engine looks for the service of a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestwright.engine.hosts.address import address_of
from guestwright.engine.inventory.model import Host
from guestwright.host.client.address import Address, TlsAddress, UnixAddress
from guestwright.host.client.errors import BadAddress


def found(address: str, identities: Path) -> Address:
    return address_of(Host(id="h1", name="one", address=address), str(identities))


def test_a_socket_on_this_machine(tmp_path: Path) -> None:
    assert found("unix:/run/api.sock", tmp_path) == UnixAddress(path="/run/api.sock")


def test_a_host_of_the_network_has_the_identity_of_all_until_it_has_its_own(tmp_path: Path) -> None:
    default = TlsAddress(host="h7.lan", port=8443, identity=str(tmp_path / "default"))
    assert found("h7.lan", tmp_path) == default
    (tmp_path / "h1").mkdir()
    own = TlsAddress(host="2001:db8::1", port=99, identity=str(tmp_path / "h1"))
    assert found("[2001:db8::1]:99", tmp_path) == own


@pytest.mark.parametrize("address", ["h7.lan:none", "[::1", "unix:" + "/x" * 80])
def test_what_is_no_address(address: str, tmp_path: Path) -> None:
    with pytest.raises(BadAddress):
        found(address, tmp_path)
