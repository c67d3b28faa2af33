"""What a host sees of its guests, as kernel, dnsmasq and libvirt's helper really write it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestwright.host.facts.observations import Source
from guestwright.host.service.bridges import Bridges
from guestwright.host.service.sightings import Sightings
from guestwright.hypervisor.domain import Nic
from tests.support.host_daemon import eventually
from tests.support.namespaces import ADDRESS, Network, Node, needs_namespaces, network
from tests.support.program import running
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs_namespaces]
_HELPER = "/usr/lib/libvirt/libvirt_leaseshelper"
_KEPT = "/var/lib/libvirt/dnsmasq"  # where libvirt's helper is built to write
_HAS_HELPER = pytest.mark.skipif(
    "CI" not in os.environ and not os.path.exists(_HELPER), reason="needs libvirt's lease helper"
)
_CLIENT = Path(__file__).parent / "dhcp_client.py"
_RANGE = ("10.77.0.100", "10.77.0.110")


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as one:
        yield one


@contextmanager
def apart(*begin: str, script: str) -> Iterator[subprocess.Popen[bytes]]:
    """A shell with a mount namespace of its own, that goes on with another program; killed at the end."""
    argv = [
        "setpriv",
        "--pdeathsig=KILL",
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-ec",
        script,
    ]
    with running([*argv, "sh", *begin], stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def card_of(node: Node) -> str:
    """The MAC address of a machine of the network."""
    told = subprocess.run(
        node.argv(["ip", "-j", "link", "show", "eth0"]), check=True, capture_output=True, timeout=60
    )
    return str(json.loads(told.stdout)[0]["address"])


def leased(node: Node, name: str) -> str:
    """An address from the DHCP server, for a machine of the network."""
    argv = ["unshare", "--mount", "sh", "-ec", 'mount -t sysfs sysfs /sys; exec "$@"', "sh"]
    client = [*argv, sys.executable, str(_CLIENT), "eth0", name]
    return subprocess.run(
        node.argv(client), check=True, capture_output=True, text=True, timeout=120
    ).stdout.strip()


def talk(address: str) -> None:
    """Have the kernel look for somebody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", (address, 9))


def found(look: Callable[[], object]) -> None:
    """Wait until something is seen, asking again and again."""
    eventually(lambda: bool(look()))


def test_neighbours_as_the_kernel_shows_them(net: Network) -> None:
    node = net.node("10.77.0.11")
    mac = card_of(node)
    talk("10.77.0.11")
    talk("10.77.0.99")  # nobody, whose row is not complete

    def look() -> dict[str, tuple[str, ...]]:
        sightings = Sightings(neighbours="/proc/thread-self/net/arp")
        return {one.subject: one.values for one in sightings.words([mac, "00:00:00:00:00:00"], time.time())}

    found(look)
    assert look() == {f"mac:{mac}": ("10.77.0.11",)}


def test_bridges_as_the_kernel_shows_them(net: Network) -> None:
    first, second = net.node("10.77.0.11"), net.node("10.77.0.12")
    macs = [card_of(one) for one in (first, second)]
    with apart(script="mount -t sysfs sysfs /sys; echo; exec sleep infinity") as holder:
        sysfs = f"/proc/{holder.pid}/root/sys/class/net"
        eventually(lambda: os.path.exists(f"{sysfs}/port2/brport/port_no"))
        talk("10.77.0.11")
        talk("10.77.0.12")
        nics = [Nic(mac="52:54:00:00:00:01", host_device="port1")]

        def look() -> dict[Source, tuple[str, ...]]:
            return {one.source: one.values for one in Bridges(sysfs).words(nics, time.time())}

        found(lambda: look().get(Source.BRIDGE))
        assert look() == {Source.HYPERVISOR: ("52:54:00:00:00:01",), Source.BRIDGE: (macs[0],)}
        nics = [Nic(mac=macs[1], host_device="port2"), Nic(mac="x", host_device="lo")]
        found(lambda: look().get(Source.BRIDGE) == (macs[1],))


@needs("dnsmasq")
@pytest.mark.parametrize("writer", ["dnsmasq", pytest.param("libvirt", marks=_HAS_HELPER)])
def test_leases_as_their_servers_write_them(net: Network, tmp_path: Path, writer: str) -> None:
    nodes = [net.node("10.77.0.11"), net.node("10.77.0.12")]
    argv = [
        *("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=bridge"),
        *("--except-interface=lo", "--bind-interfaces", f"--dhcp-range={_RANGE[0]},{_RANGE[1]},1h"),
        *("--pid-file=", "--user=root", "--dhcp-authoritative", "--no-ping"),
    ]
    file, script = tmp_path / "leases", ""
    if writer == "dnsmasq":
        argv.append(f"--dhcp-leasefile={file}")
    else:
        argv += [f"--dhcp-script={_HELPER}", "--leasefile-ro"]
        script = f"mount -t tmpfs tmpfs /var/lib/libvirt; mkdir {_KEPT}; export VIR_BRIDGE_NAME=bridge; "
    with apart(*argv, script=script + 'exec "$@"') as server:
        if writer == "libvirt":
            file = Path(f"/proc/{server.pid}/root{_KEPT}/bridge.status")
        addresses = [leased(node, f"web{number}") for number, node in enumerate(nodes)]
        macs = [card_of(one) for one in nodes]

        def look() -> dict[str, tuple[str, ...]]:
            words = Sightings((str(file),), neighbours="/dev/null").words(macs, time.time())
            assert {one.source for one in words} <= {Source.DHCP}
            return {one.subject: one.values for one in words}

        wanted = {f"mac:{mac}": (address,) for mac, address in zip(macs, addresses, strict=True)}
        eventually(lambda: look().items() >= wanted.items())
        assert set(addresses) < {f"10.77.0.{number}" for number in range(100, 111)}
        assert ADDRESS not in addresses
        text = file.read_text()
        assert text.startswith("[") == (writer == "libvirt"), text
        (name,) = look()["hostname"]
        assert name in {"web0", "web1"}
