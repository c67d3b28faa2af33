"""Clones of a sealed template are different machines, they boot, and customising has its effect in them.

One image is built for each layout; a boot takes 30 to 60 seconds by emulation, so every boot proves much.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from lab import ext
from lab.debian import Built, Recipe, build
from lab.items.upstream import MACHINE_ID
from tests.support.boot import BootReport, boot
from tests.support.program import guestwright
from tests.support.tools import needs

pytestmark = [
    pytest.mark.machine,
    needs("qemu-system-x86_64", "qemu-img", "mmdebstrap", "debugfs"),
    pytest.mark.timeout(1500),
]

ACTIVE = {"multi-user.target": "active", "ssh.service": "active"}
UUIDS = ("11111111-2222-4333-8444-555555555555", "66666666-7777-4888-8999-aaaaaaaaaaaa")
ALL_ZERO = ("", "")
BASE = "/usr/lib/guestwright/firstboot/bin"

FIRST_BOOT = """#!/bin/sh
{
    hostname
    date +%Z
    printf 'correct horse\\0' | /usr/sbin/unix_chkpwd root nonull && echo right password taken
    printf 'wrong horse\\0' | /usr/sbin/unix_chkpwd root nonull || echo wrong password refused
} >>/root/first-boot-ran
"""


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A machine in one partition, not sealed; to be copied."""
    path = tmp_path_factory.mktemp("single") / "built.img"
    return build(str(path), Recipe(profile="server", size=2 << 30, report=True))


@pytest.fixture
def template(single: Built, tmp_path: Path) -> Path:
    """A copy of that machine; holes stay holes."""
    copy = tmp_path / "template.img"
    ext.run(["cp", "--sparse=always", single.path, str(copy)])
    return copy


@pytest.fixture
def in_two_partitions(tmp_path: Path) -> Path:
    """A machine with /boot on a partition of its own, in a qcow2 image."""
    path = tmp_path / "template.qcow2"
    build(str(path), Recipe(profile="server", size=2 << 30, layout="boot", report=True, format="qcow2"))
    return path


def seal(image: Path, *more: str) -> None:
    done = guestwright("seal", "run", "--no-manifest", *more, str(image), timeout=300)
    assert done.status == 0, done.err


def healthy(report: BootReport) -> None:
    assert report.units == ACTIVE
    assert report.failed_units == ()
    assert report.state == "running", report.console
    assert len(report.machine_id) == 32
    assert len(report.fingerprints) == 3


def two_machines(image: Path, uuids: tuple[str, str]) -> tuple[BootReport, BootReport]:
    """Boot two clones of a sealed image; what they write is thrown away."""
    first, second = (boot(str(image), disk_format=form(image), uuid=uuid) for uuid in uuids)
    for one in (first, second):
        healthy(one)
        assert one.machine_id != MACHINE_ID.decode().strip()
    assert first.machine_id != second.machine_id
    assert not set(first.fingerprints) & set(second.fingerprints)
    return first, second


def form(image: Path) -> str:
    return "raw" if image.suffix == ".img" else image.suffix[1:]


def test_clones_without_a_uuid_are_two_machines(template: Path) -> None:
    seal(template)
    two_machines(template, ALL_ZERO)


def test_clones_with_a_uuid_each_are_two_machines(in_two_partitions: Path) -> None:
    seal(in_two_partitions)
    reports = two_machines(in_two_partitions, UUIDS)
    # what the guide says: systemd takes the id from the UUID, so the manager must give each clone its own
    assert [one.machine_id for one in reports] == [uuid.replace("-", "") for uuid in UUIDS]


def test_an_unsealed_clone_is_the_old_machine(single: Built) -> None:
    """The control: without sealing, all clones have the id and keys that lie in the image."""
    report = boot(single.path)
    healthy(report)
    assert report.machine_id == MACHINE_ID.decode().strip()
    assert {line.split()[1] for line in report.fingerprints} == fingerprints(single)


def fingerprints(image: Built) -> set[str]:
    """Of the SSH host keys in an image, as RFC 4253 (the blob) and ssh-keygen (its hash) have them."""
    found = set()
    for kind in ("rsa", "ecdsa", "ed25519"):
        key = content(ext.at(image.path, image.offset), f"/etc/ssh/ssh_host_{kind}_key.pub")
        blob = base64.b64decode(key.split()[1])
        found.add("SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("="))
    return found


def test_customised_clone(single: Built, template: Path, tmp_path: Path) -> None:
    script, password = tmp_path / "first.sh", tmp_path / "password"
    script.write_text(FIRST_BOOT)
    password.write_text("correct horse\n")
    seal(
        template,
        "--hostname", "clone7.example.org",
        "--timezone", "Europe/Berlin",
        "--root-password", f"file:{password}",
        "--firstboot", str(script),
        "--write", "/etc/motd:sealed\n",
    )  # fmt: skip
    report = boot(str(template), keep=True)
    healthy(report)
    assert report.hostname == "clone7.example.org"
    root = settled(template, single.offset)
    host, zone, *passwords = content(root, "/root/first-boot-ran").splitlines()
    assert host == "clone7.example.org"
    assert zone in {"CET", "CEST"}
    assert passwords == ["right password taken", "wrong password refused"]
    for directory in ("scripts", "done"):
        assert names(root, f"{BASE}/{directory}") == {".", ".."}, "it would run again"
    units = names(root, "/etc/systemd/system")
    assert "guestwright-ssh-hostkeys.service" in units
    assert "guestwright-ca-store.service" not in units, "it did its work and removed itself"


def settled(image: Path, offset: int) -> str:
    """The root filesystem in a file of its own (where e2fsck can open it twice), its journal replayed."""
    root = str(image.with_name("root.ext4"))
    ext.run(["dd", f"if={image}", f"of={root}", "bs=1M", f"skip={offset >> 20}", "conv=sparse"])
    ext.run(["e2fsck", "-fp", root], ok=(0, 1))
    return root


def content(where: str, path: str) -> str:
    return ext.run(["debugfs", "-R", f"cat {path}", where]).decode()


def names(where: str, directory: str) -> set[str]:
    listed = ext.run(["debugfs", "-R", f"ls -p {directory}", where]).decode()
    return {line.split("/")[5] for line in listed.splitlines() if line.startswith("/")}
