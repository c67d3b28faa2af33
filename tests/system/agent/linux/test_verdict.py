"""What other programs say about the same machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from guestwright.agent.linux.disks import disks, filesystems
from guestwright.agent.linux.memory import memory
from guestwright.agent.linux.sources import LinuxSources
from guestwright.agent.loop import Loop
from guestwright.agent.unix.files import Files
from guestwright.agent.unix.host import host
from guestwright.agent.unix.identity import fingerprint
from guestwright.agent.unix.os_release import system
from tests.support.tools import needs

pytestmark = pytest.mark.system


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def as_json(*command: str) -> Any:
    return json.loads(output(*command))


@needs("ssh-keygen")
@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_fingerprints(kind: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    output("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(key))
    expected = output("ssh-keygen", "-l", "-E", "sha256", "-f", f"{key}.pub").split()[1]
    line = Path(f"{key}.pub").read_text()
    assert fingerprint(line) == f"{line.split()[0]} {expected}"


@needs("lsblk")
def test_disks() -> None:
    listed = as_json("lsblk", "--bytes", "--json", "--nodeps", "--output", "NAME,SIZE,TYPE")["blockdevices"]
    expected = {one["name"]: int(one["size"]) for one in listed if one["type"] == "disk" and int(one["size"])}
    skipped = ("zram", "ram", "nbd", "fd")
    expected = {name: size for name, size in expected.items() if not name.startswith(skipped)}
    assert {disk.name: disk.size for disk in disks(Files())} == expected


@needs("findmnt", "df")
def test_file_systems() -> None:
    found = {one.device: one for one in filesystems(Files())}
    mounts = as_json("findmnt", "--json", "--list", "--real", "--output", "SOURCE,TARGET,FSTYPE")[
        "filesystems"
    ]
    own = {
        one["source"].partition("[")[0]: one["fstype"] for one in mounts if one["source"].startswith("/dev/")
    }
    assert {device: one.kind for device, one in found.items()} == own
    for one in found.values():
        size, free = output("df", "--block-size=1", "--output=size,avail", one.mounts[0]).split()[2:]
        assert one.size == int(size)
        assert abs(one.free - int(free)) < one.size // 50


@needs("free")
def test_memory() -> None:
    words = output("free", "--kibi").splitlines()[1].split()
    found = memory(Files())
    assert found is not None
    assert found.total == int(words[1])
    assert abs(found.free - int(words[6])) < found.total // 10


@needs("hostname", "uname", "date")
def test_names() -> None:
    found = host(Files())
    assert found.name == output("hostname", "--short").strip() == socket.gethostname().partition(".")[0]
    sign = output("date", "+%z").strip()
    assert found.utc_offset == int(sign[0] + "1") * (int(sign[1:3]) * 3600 + int(sign[3:5]) * 60)
    assert system(Files(), "linux").uname == output("uname", "--kernel-release").strip()
    expected = output("sh", "-c", '. /etc/os-release; echo "$ID|$PRETTY_NAME"').strip().split("|")
    assert [system(Files(), "linux").distro, system(Files(), "linux").name] == expected


@needs("ip")
def test_addresses() -> None:
    loop, collectors = Loop(), LinuxSources("/")
    collectors.start(loop, lambda **_: None)
    nics = {nic.name: nic for nic in collectors.snapshot().nics}
    collectors.close()
    loop.close()
    listed = as_json("ip", "--json", "address")
    expected = {one["ifname"]: one for one in listed if one["link_type"] != "loopback"}
    assert set(nics) == set(expected)
    for name, one in expected.items():
        nic = nics[name]
        assert (nic.index, nic.mtu, nic.up) == (one["ifindex"], one["mtu"], "UP" in one["flags"])
        assert nic.mac == (one["address"] if one["link_type"] == "ether" else "")
        assert [(each.address, each.prefix) for each in nic.addresses] == [
            (each["local"], each["prefixlen"]) for each in one["addr_info"]
        ]


def test_nothing_is_read_that_takes_long() -> None:
    loop, collectors = Loop(), LinuxSources("/")
    before = os.times()
    collectors.start(loop, lambda **_: None)
    collectors.snapshot()
    after = os.times()
    collectors.close()
    loop.close()
    assert after.user + after.system - before.user - before.system < 0.2
    assert after.children_user == before.children_user  # nothing was run
