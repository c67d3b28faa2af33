"""What is done with an agent in a real guest, the same in every kind of guest, and what the host then sees.

Theory of operation: a `Site` is a guest and its store. `play` changes the guest step by step and waits until
the host sees it; each step leaves a snapshot of the guest's part of the store. The checks come later, over
the snapshots (`tests.machine.agent.checks`), so that one boot serves many tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

Store = dict[str, str]
Seen = dict[str, Any]

SECONDS = 480.0  # to wait for a step; each takes some on an idle machine
LAN = "lan0"
SECOND_MAC = {"vif": "00:16:3e:00:00:02", "virtio": "52:54:00:00:00:01"}
ALLOWED = '[features]\nexec = true\n[exec]\ncommands = ["*"]\n'

_TRUTH = """. /etc/os-release
echo "os_distro=$ID"
echo "os_majorver=$VERSION_ID"
echo "os_uname=$(uname -r)"
echo "host_name=$(hostname)"
echo "meminfo_total=$(awk '/MemTotal/{print $2}' /proc/meminfo)"
echo "mac=$(cat /sys/class/net/NIC/address)"
"""


class Site(Protocol):
    """A running guest with an agent, and its host."""

    nic: str
    kind: str

    def run(self, script: str) -> str:
        """Run a script in the guest; what it said."""

    def store(self) -> Store:
        """The guest's part of the store; paths without the guest's own directory."""

    def plug(self, mac: str) -> None:
        """Plug a second NIC in."""

    def unplug(self) -> None:
        """Pull it out."""

    def agent(self, verb: str) -> None:
        """Start, or kill, the agent."""


class NotSeen(Exception):
    """The host did not see what it should in time; the text ends with what it saw."""


def wait(site: Site, what: str, accept: Callable[[Store], object], seconds: float = SECONDS) -> Store:
    """Wait until the store is as it should be and has settled: on Xen a change comes key by key.

    Raises:
        NotSeen: it does not become so in time.
    """
    until = time.monotonic() + seconds
    before: Store = {}
    while True:
        found = site.store()
        if accept(found) and same_but_for_time(found) == same_but_for_time(before):
            return found
        before = found
        if time.monotonic() > until:
            listed = "\n".join(f"{path} = {value}" for path, value in sorted(found.items()))
            raise NotSeen(f"{what}: not seen in {seconds:.0f} s\n{listed}")
        time.sleep(0.5)


def nic(store: Store, key: str, value: str) -> str:
    """The id of the NIC with this value; "" when there is none."""
    for path, found in store.items():
        parts = path.split("/")
        if parts[:2] == ["data", "net"] and parts[3:] == [key] and found == value:
            return parts[2]
    return ""


def addresses(store: Store, name: str) -> set[str]:
    """Addresses of a NIC, by its name in the guest; those of link scope left out."""
    prefix = f"data/net/{nic(store, 'name', name)}/ipv"
    found = {value for path, value in store.items() if path.startswith(prefix) and path.count("/") == 4}
    return {one for one in found if not one.startswith("fe80:")} - {""}


def play(site: Site) -> Seen:
    """All steps; what the host saw after each."""
    seen: Seen = {"kind": site.kind}
    seen["facts"] = wait(site, "facts", lambda store: store.get("data/updated") and "data/os_name" in store)
    said = site.run(_TRUTH.replace("NIC", site.nic))
    seen["truth"] = dict(line.split("=", 1) for line in said.splitlines())
    site.run(f"ip link set {site.nic} up; ip addr add 192.0.2.7/24 dev {site.nic}")
    seen["addressed"] = wait(site, "an address", lambda store: "192.0.2.7" in addresses(store, site.nic))
    site.run(f"ip link set {site.nic} down; ip link set {site.nic} name {LAN}; ip link set {LAN} up")
    seen["renamed"] = wait(site, "another name", lambda store: nic(store, "name", LAN))
    site.run(
        "modprobe -a bridge 8021q; ip link add br0 type bridge; ip link set br0 up;"
        f"ip link set {LAN} master br0;"
        f"ip addr add 198.51.100.5/24 dev br0; ip link add link {LAN} name vlan7 type vlan id 7;"
        "ip link set vlan7 up; ip addr add 203.0.113.9/24 dev vlan7"
    )
    seen["bridged"] = wait(
        site,
        "bridge and VLAN",
        lambda store: (
            "203.0.113.9" in addresses(store, "vlan7")
            and "198.51.100.5" in addresses(store, "br0")
            and any(path.endswith("/members") and "bridge" in path for path in store)
        ),
    )
    mac = SECOND_MAC[site.kind]
    site.plug(mac)
    seen["plugged"] = wait(site, "the second NIC", lambda store: nic(store, "mac", mac))
    site.unplug()
    seen["unplugged"] = wait(site, "no second NIC", lambda store: not nic(store, "mac", mac))
    site.agent("kill")
    site.run("ip link del vlan7")
    site.run(f"mkdir -p /etc/guestwright; printf '%s' '{ALLOWED}' >/etc/guestwright/agent.toml")
    site.agent("start")
    seen["restarted"] = wait(
        site,
        "the agent again",
        lambda store: (
            not nic(store, "name", "vlan7")
            and store.get("data/guestwright/features/exec") == "1"
            and nic(store, "name", "br0")
        ),
    )
    return seen


def same_but_for_time(store: Store) -> Store:
    """Without what changes by itself."""
    changing = ("data/meminfo_free", "data/updated", "data/volumes/", "data/balloon/", "data/boot/", "domid")
    # nodes without a value are directories; which of them are empty and still there is nobody's business
    return {path: value for path, value in store.items() if value and not path.startswith(changing)}
