from __future__ import annotations

import pytest

from guestwright.agent.core import budget, schema
from guestwright.agent.core.facts import Balloon, Disk, Facts, Filesystem, Host, Identity, System, User
from guestwright.agent.core.layout import desired
from guestwright.base.record import replace
from tests.support.agent_facts import GLOBAL4, complete, vif


def laid_out(facts: Facts, offers: dict[str, str] | None = None) -> dict[str, str]:
    return {path: value.decode() for path, value in desired(facts, offers or {}, {}).items()}


def test_a_guest_of_which_everything_is_known() -> None:
    shown = laid_out(complete())
    assert {
        path: value for path, value in shown.items() if not path.startswith(("attr/vif", "data/net"))
    } == {
        "attr/PVAddons/Installed": "1",
        "attr/PVAddons/MajorVersion": "1",
        "attr/PVAddons/MinorVersion": "2",
        "attr/PVAddons/MicroVersion": "3",
        "attr/PVAddons/BuildVersion": "0",
        "attr/PVAddons/NotUpgradable": "1",
        "data/guestwright/agent/version": "1.2.3",
        "data/updated": "1",
        "control/feature-balloon": "1",
        "control/balloon-active": "0",
        "data/balloon/current": "2000000",
        "data/balloon/target": "2000000",
        "data/balloon/settled": "1",
        "data/os_name": "Debian GNU/Linux 12 (bookworm)",
        "data/os_distro": "debian",
        "data/os_majorver": "12",
        "data/os_minorver": "5",
        "data/os_uname": "6.1.0-18-amd64",
        "data/guestwright/os/family": "linux",
        "data/guestwright/os/architecture": "x86_64",
        "data/host_name": "web1",
        "data/host_name_dns": "web1",
        "data/domain": "example.org",
        "data/guestwright/host/fqdn": "web1.example.org",
        "data/guestwright/host/timezone": "Europe/London",
        "data/guestwright/host/utc-offset": "3600",
        "data/boot/state": "up",
        "data/meminfo_total": "2000000",
        "data/meminfo_free": "1000000",
        "data/guestwright/identity/machine-id": "ab" * 32,
        "data/guestwright/identity/ssh/0": "ssh-ed25519 SHA256:abc",
        "data/guestwright/identity/ssh/1": "ssh-rsa SHA256:def",
        "data/volumes/0/name": "/dev/xvda1(0c0ffee0-0000-4000-8000-000000000001)",
        "data/volumes/0/size": "9663676416",
        "data/volumes/0/free": "5368709120",
        "data/volumes/0/filesystem": "ext4",
        "data/volumes/0/volume_name": "root",
        "data/volumes/0/mount_points/0": "/",
        "data/volumes/0/mount_points/1": "/srv",
        "data/volumes/1/name": "/dev/sdb",
        "data/volumes/1/size": "1073741824",
        "data/volumes/1/free": "536870912",
        "data/volumes/1/filesystem": "xfs",
        "data/volumes/1/mount_points/0": "/data",
        "data/guestwright/disks/0/name": "xvda",
        "data/guestwright/disks/0/size": "10737418240",
        "data/guestwright/disks/0/serial": "S1",
        "data/guestwright/disks/0/vbd": "51712",
        "data/guestwright/disks/1/name": "sdb",
        "data/guestwright/disks/1/size": "1073741824",
        "data/service/guestwright/backup": "1",
        "data/guestwright/users/0/name": "ada",
        "data/guestwright/users/0/line": "pts/0",
        "data/guestwright/users/0/host": "192.0.2.1",
        "data/guestwright/users/0/since": "1700000000",
    }


def test_a_guest_of_which_nothing_is_known() -> None:
    assert laid_out(Facts()) == {
        "attr/PVAddons/Installed": "1",
        "attr/PVAddons/MajorVersion": "1",
        "attr/PVAddons/MinorVersion": "0",
        "attr/PVAddons/MicroVersion": "0",
        "attr/PVAddons/BuildVersion": "0",
        "data/guestwright/agent/version": "1.0.0",
        "data/updated": "1",
        "data/boot/state": "booting",
        "data/net/version": "1.0",
    }


def test_a_host_without_domain() -> None:
    shown = laid_out(Facts(host=Host(name="web1")))
    assert shown["data/guestwright/host/fqdn"] == "web1"
    assert "data/domain" not in shown


@pytest.mark.parametrize(
    ("balloon", "active", "feature", "stamped"),
    [
        (Balloon(current=2, target=1), "1", False, False),
        (Balloon(current=2, target=1, ready=True), "1", False, True),
        (Balloon(current=2, target=1, ready=True, supported=True), "1", True, True),
        (Balloon(current=1, target=1, settled=True, ready=True, supported=True), "0", True, True),
        (Balloon(current=2, target=1, stuck="no progress", ready=True), "0", False, True),
    ],
    ids=["moving", "moving-long", "moving-again", "settled", "stuck"],
)
def test_balloon(balloon: Balloon, active: str, feature: bool, stamped: bool) -> None:
    shown = laid_out(Facts(balloon=balloon))
    assert shown["control/balloon-active"] == active
    assert shown.get("control/feature-balloon") == ("1" if feature else None)
    assert ("data/updated" in shown) is stamped
    assert shown.get("data/balloon/stuck", "") == balloon.stuck


def test_features_and_reasons() -> None:
    offers = {"sysprep": "1", "exec": "disabled in the guest", "poweroff": "1", "new": "1", "a/b": "1"}
    on_xen = laid_out(Facts(), offers)
    assert {path: value for path, value in on_xen.items() if "feature" in path} == {
        "control/feature-sysprep": "1",
        "data/guestwright/features/sysprep": "1",
        "data/guestwright/features/exec": "disabled in the guest",
        "data/guestwright/features/poweroff": "1",
        "data/guestwright/features/new": "1",
    }
    elsewhere = laid_out(Facts(channel="virtio"), offers)
    assert elsewhere["control/feature-poweroff"] == "1"


def test_lists_are_bounded_and_hostile_text_is_cut() -> None:
    facts = Facts(
        system=System(name="\x1b" + "x" * 5000, distro="A B/C", major="twelve", minor="1" * 40),
        disks=tuple(Disk(name=f"sd{index}", size=1) for index in range(500)),
        filesystems=tuple(
            Filesystem(device=f"/dev/{index}", kind="ext4", size=1, free=1, mounts=("/\n",) * 50)
            for index in range(500)
        ),
        users=tuple(User(name="a" * 400) for _ in range(500)),
        identity=Identity(machine_id="x" * 400, ssh=("k",) * 500),
        nics=tuple(
            vif(index, *(replace(GLOBAL4, address=f"10.0.0.{n}") for n in range(99))) for index in range(99)
        ),
    )
    shown = desired(facts, {f"feature{index}": "x" * 999 for index in range(50)}, {})
    assert budget.count(shown) <= budget.NODES_MAX
    assert int(shown[budget.OMITTED]) > 1000
    assert max(map(len, shown.values())) <= 255
    assert all(value.decode().isprintable() for value in shown.values())
    assert shown["data/os_distro"] == b"abc"
    assert "data/os_majorver" not in shown
    assert "data/os_minorver" not in shown
    assert "attr/vif/0/ipv4/0" in shown
    assert not [path for path in shown if path.startswith(("data/guestwright/users", "data/volumes"))]


def test_what_every_feature_is_called() -> None:
    shown = laid_out(Facts(channel="unix"), dict.fromkeys(schema.FEATURES, "1"))
    assert {path for path in shown if path.startswith("control/")} == {
        f"control/feature-{name}" for name in schema.FEATURES
    }
