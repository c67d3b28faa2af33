"""The kernel's own news about links and addresses, in a network namespace of a test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import running
from tests.support.tools import needs

ROOT = Path(__file__).parents[4]
pytestmark = [pytest.mark.system, needs("ip", "unshare", "mount")]


class Network:
    """A network that is changed by commands of ip(8)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.late = 0.0
        self.news = False
        self.asked = 0

    def ip(self, *commands: str) -> dict[str, Any]:
        """Change it; the facts of all interfaces by name."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(";".join(commands) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        self.late = answer["late"] or 0.0
        self.news = answer["news"]
        self.asked = answer["asked"]
        found: dict[str, Any] = answer["nics"]
        return found


@pytest.fixture
def network() -> Iterator[Network]:
    command = ["unshare", "--net", "--mount", sys.executable, str(Path(__file__).parent / "network.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with running(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield Network(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0


def addresses(nic: dict[str, Any]) -> list[str]:
    return [f"{one['address']}/{one['prefix']}" for one in nic["addresses"] if one["scope"] == "global"]


def test_addresses_come_and_go(network: Network) -> None:
    network.ip("link add v0 type veth peer name v1", "link set v0 up", "link set v1 up")
    nics = network.ip("addr add 192.0.2.1/24 dev v0")
    assert network.news
    assert network.late < 1.0  # bench/agent.py measures it
    assert addresses(nics["v0"]) == ["192.0.2.1/24"]
    nics = network.ip("addr add 2001:db8::1/64 dev v0 nodad", "addr add 192.0.2.2/24 dev v0")
    assert addresses(nics["v0"]) == ["192.0.2.1/24", "2001:db8::1/64", "192.0.2.2/24"]
    nics = network.ip("addr del 192.0.2.2/24 dev v0", "addr del 2001:db8::1/64 dev v0")
    assert addresses(nics["v0"]) == ["192.0.2.1/24"]
    nics = network.ip("addr add 2001:db8::2/64 dev v0 preferred_lft 0 valid_lft 100 nodad")
    (deprecated,) = (one for one in nics["v0"]["addresses"] if one["address"] == "2001:db8::2")
    assert deprecated["deprecated"]
    assert deprecated["dynamic"]


def test_links_are_renamed_and_go(network: Network) -> None:
    nics = network.ip("link add v0 type veth peer name v1")
    number = nics["v0"]["index"]
    nics = network.ip(
        "link set v0 name wan", "link set wan mtu 1400", "link set wan address 02:00:00:00:00:07"
    )
    assert "v0" not in nics
    assert nics["wan"]["index"] == number
    assert nics["wan"]["mtu"] == 1400
    assert nics["wan"]["mac"] == "02:00:00:00:00:07"
    assert not nics["wan"]["up"]
    assert network.ip("link del wan") == {}


def test_bridges(network: Network) -> None:
    nics = network.ip(
        "link add v0 type veth peer name v1",
        "link add br0 type bridge",
        "link set v0 master br0",
        "link set v0 up",
        "link set v1 up",
        "link set br0 up",
        "addr add 192.0.2.9/24 dev br0",
    )
    bridge = nics["br0"]
    assert bridge["id"] == f"bridge-{bridge['index']}"
    assert bridge["kind"] == "bridge"
    assert bridge["members"] == [nics["v0"]["id"]]
    assert bridge["guid"] == "8000." + bridge["mac"].replace(":", "")
    assert nics["v0"]["master"] == bridge["id"]
    assert addresses(bridge) == ["192.0.2.9/24"]
    nics = network.ip("link set v0 nomaster")
    assert nics["br0"]["members"] == []
    assert nics["v0"]["master"] == ""
    assert "v0" in nics


def test_what_stands_on_another(network: Network) -> None:
    nics = network.ip("link add v0 type veth peer name v1", "link add link v0 name m0 type macvlan")
    assert nics["m0"]["members"] == [nics["v0"]["id"]]
    assert nics["m0"]["kind"] == "macvlan"


def test_carrier(network: Network) -> None:
    nics = network.ip("link add v0 type veth peer name v1", "link set v0 up", "link set v1 up")
    assert nics["v0"]["carrier"]
    nics = network.ip("link set v1 down")
    assert nics["v0"]["up"]
    assert not nics["v0"]["carrier"]


def test_more_news_than_the_socket_holds(network: Network) -> None:
    network.ip("link add v0 type veth peer name v1", "link set v0 up", "link set v1 up")
    before = network.asked
    many = [f"addr add 10.{index >> 8}.{index & 255}.1/32 dev v0" for index in range(300)]
    nics = network.ip(*many)
    assert len(addresses(nics["v0"])) == 300
    assert network.asked > before  # some were lost, and all were asked for
    nics = network.ip("link del v0")
    assert nics == {}


def test_nothing_happens_without_news(network: Network) -> None:
    network.ip("link add v0 type veth peer name v1")
    network.ip("")
    assert not network.news
