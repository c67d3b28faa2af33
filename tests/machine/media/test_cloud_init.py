"""The real cloud-init takes a machine's identity from our media and keeps it with the scrubbed twin.

Each medium gets two boots of one machine: with the medium, then with its twin. The media come from the
command, as an operator makes them.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import ext
from lab.guest import cloud
from lab.guest.cloud import CloudReport
from tests.support.program import guestwright
from tests.support.tools import needs

pytestmark = [
    pytest.mark.machine,
    needs("qemu-system-x86_64", "qemu-img", "mmdebstrap", "mke2fs", "ssh-keygen", "apt-get", "dpkg-deb"),
    pytest.mark.timeout(900),
]

CANARY = "h0rse-staple-battery"
HASH = "$6$lab$" + "c" * 86
INSTANCE = "lab-instance-1"
BOOT = 420.0  # seconds; 60 to 170 on a busy machine of 2 cores

USER_DATA = """#cloud-config
hostname: {host}
users:
  - name: ops
    shell: /bin/bash
    lock_passwd: false
    hashed_passwd: {hash}
    ssh_authorized_keys: ["{key}"]
write_files:
  - path: /etc/lab-secret
    content: {canary}
    permissions: '0600'
runcmd:
  - [sh, -c, "echo {canary} $(cat /etc/lab-secret) >>/var/lib/lab-ran"]
"""
DEFAULT_USER = "users:\n  - default\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A medium, how QEMU is given it, and what the guest calls it."""

    name: str
    media: str
    drive: str
    device: str
    label: str


CD = "if=ide,media=cdrom,read-only=on"
FLOPPY = "if=floppy,read-only=on"
MEDIA = (
    Medium(name="nocloud-cd", media="cdrom", drive=CD, device="/dev/sr0", label="cidata"),
    Medium(name="nocloud-floppy", media="floppy", drive=FLOPPY, device="/dev/fd0", label="CIDATA"),
    Medium(name="config-drive", media="cdrom", drive=CD, device="/dev/sr0", label="config-2"),
)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A public key of SSH."""
    path = tmp_path_factory.mktemp("key") / "key"
    ext.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ops@lab", "-f", str(path)])
    return path.with_suffix(".pub").read_text().strip()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Debian with cloud-init that was never booted."""
    path = tmp_path_factory.mktemp("system") / "system.img"
    cloud.build(str(path))
    return path


def options(medium: Medium, host: str, key: str, where: Path) -> list[str]:
    """Write the inputs of a medium; the options of `payload build` that name them."""
    user_data = USER_DATA.format(host=host, hash=HASH, key=key, canary=CANARY)
    if medium.name != "config-drive":
        (where / "user-data").write_text(user_data)
        return ["--user-data", str(where / "user-data"), "--instance-id", INSTANCE, "--hostname", host]
    latest = where / "drive/openstack/latest"
    latest.mkdir(parents=True)
    about = {"uuid": INSTANCE, "hostname": host, "name": host, "public_keys": {"operator": key}}
    (latest / "meta_data.json").write_text(json.dumps({**about, "admin_pass": CANARY}))
    (latest / "user_data").write_text(user_data.replace("users:\n", DEFAULT_USER))
    return ["--config-drive", str(where / "drive")]


def payload(*args: str) -> None:
    done = guestwright("payload", *args)
    assert done.status == 0, done.err


def medium_and_twin(medium: Medium, host: str, key: str, where: Path) -> tuple[Path, Path]:
    image, twin = where / "medium.img", where / "twin.img"
    more = options(medium, host, key, where)
    payload("build", *more, "--media", medium.media, "--output", str(image))
    payload("scrub", str(image), "--output", str(twin))
    assert CANARY.encode() in image.read_bytes()
    for secret in (CANARY, HASH, key.split()[1]):
        assert secret.encode() not in twin.read_bytes(), "the twin keeps a secret"
    label = ext.run(["blkid", "-p", "-s", "LABEL", "-o", "value", str(twin)]).decode().strip()
    assert label == medium.label
    return image, twin


def boot(disk: Path, medium: Medium, image: Path) -> CloudReport:
    drive = f"file={image},format=raw,{medium.drive}"
    report = cloud.boot(str(disk), ["-drive", drive], deadline=BOOT)
    print(f"{medium.name}: {report.seconds:.1f} s")
    return report


def has_identity(report: CloudReport, medium: Medium, host: str, key: str) -> None:
    said = report.values
    assert report.one("hostname") == host, report.console
    assert report.one("name-on-disk") == host
    users = ["debian", "ops"] if medium.name == "config-drive" else ["ops"]
    assert said["user"] == users
    assert said["authorized"] == [f"{user}:{key}" for user in users]
    assert f"ops:{HASH}" in said["password"]
    assert said["ran"] == [f"{CANARY} {CANARY}"], "once, and after the file was written"
    assert report.one("instance") == INSTANCE
    assert json.loads(report.one("result"))["v1"]["errors"] == []
    assert "failed" not in said
    assert len(said["hostkey"]) == 1


@pytest.mark.parametrize("medium", MEDIA, ids=lambda one: one.name)
def test_cloud_init_takes_a_medium_and_its_twin(
    medium: Medium, system: Path, key: str, tmp_path: Path
) -> None:
    host = f"web-{medium.name}"
    image, twin = medium_and_twin(medium, host, key, tmp_path)
    disk = tmp_path / "machine.qcow2"
    ext.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(system), "-F", "raw", str(disk)])
    first = boot(disk, medium, image)
    has_identity(first, medium, host, key)
    assert CANARY in base64.b64decode(first.one("userdata")).decode()

    second = boot(disk, medium, twin)
    has_identity(second, medium, host, key)
    assert second.values["hostkey"] == first.values["hostkey"]
    kept = base64.b64decode(second.one("userdata")).decode()
    assert CANARY not in kept, "cloud-init read the twin"
    assert host in kept
    for report in (first, second):
        found = json.loads(report.one("result"))["v1"]["datasource"]
        expected = "DataSourceConfigDrive" if medium.name == "config-drive" else "DataSourceNoCloud"
        assert expected in found
        assert medium.device in found
