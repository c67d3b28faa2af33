"""Facts about guests, for tests of the agent's core."""

from __future__ import annotations

from guestwright.agent.core.facts import (
    Address,
    Balloon,
    Disk,
    Facts,
    Filesystem,
    Host,
    Identity,
    Memory,
    Nic,
    System,
    User,
)

GLOBAL4 = Address(family=4, address="192.0.2.10", prefix=24)
GLOBAL6 = Address(family=6, address="2001:db8::10", prefix=64, dynamic=True)
LINK6 = Address(family=6, address="fe80::216:3eff:fe00:1", prefix=64, scope="link")
MAC = "00:16:3e:00:00:01"


def vif(number: int = 0, *addresses: Address, master: str = "", mac: str = MAC) -> Nic:
    """A VIF."""
    return Nic(
        id=f"vif-{number}",
        kind="vif",
        name=f"enX{number}",
        index=number + 2,
        mac=mac,
        mtu=1500,
        up=True,
        carrier=True,
        driver="vif",
        vif=number,
        master=master,
        addresses=addresses,
    )


def bridge(index: int, members: tuple[str, ...], *addresses: Address, kind: str = "bridge") -> Nic:
    """A software interface above others."""
    return Nic(
        id=f"{kind}-{index}",
        kind=kind,
        name=f"{kind}{index}",
        index=index,
        mac=MAC,
        mtu=1500,
        up=True,
        carrier=True,
        members=members,
        guid="8000.00163e000001" if kind == "bridge" else "",
        addresses=addresses,
    )


def complete() -> Facts:
    """A guest of which everything is known."""
    return Facts(
        system=System(
            name="Debian GNU/Linux 12 (bookworm)",
            distro="debian",
            major="12",
            minor="5",
            uname="6.1.0-18-amd64",
            family="linux",
            architecture="x86_64",
        ),
        host=Host(name="web1", domain="example.org", timezone="Europe/London", utc_offset=3600),
        memory=Memory(total=2000000, free=1000000),
        disks=(Disk(name="xvda", size=10 << 30, serial="S1", vbd=51712), Disk(name="sdb", size=1 << 30)),
        filesystems=(
            Filesystem(
                device="/dev/xvda1",
                kind="ext4",
                size=9 << 30,
                free=5 << 30,
                mounts=("/", "/srv"),
                uuid="0c0ffee0-0000-4000-8000-000000000001",
                label="root",
            ),
            Filesystem(device="/dev/sdb", kind="xfs", size=1 << 30, free=1 << 29, mounts=("/data",)),
        ),
        users=(User(name="ada", line="pts/0", host="192.0.2.1", since=1700000000),),
        version=(1, 2, 3),
        not_upgradable=True,
        nics=(vif(0, GLOBAL4, GLOBAL6, LINK6),),
        identity=Identity(machine_id="ab" * 32, ssh=("ssh-ed25519 SHA256:abc", "ssh-rsa SHA256:def")),
        boot="up",
        balloon=Balloon(current=2000000, target=2000000, settled=True, ready=True, supported=True),
        services=("backup", "no name"),
    )
