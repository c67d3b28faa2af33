"""Our packages under other people's readers: tar, xmllint, and virt-v2v, which only looks at them here."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from guestwright.ovf.archive import pack
from guestwright.ovf.manifest import write_manifest
from guestwright.ovf.reader import with_files
from guestwright.ovf.writer import write
from tests.support.ovf_samples import OURS
from tests.support.tools import needs

pytestmark = pytest.mark.system


def run(*argv: str | Path) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(
        argv, check=True, capture_output=True, text=True, timeout=120, env=environment
    ).stdout


@pytest.fixture
def package(tmp_path: Path) -> Path:
    disks = {one.name: tmp_path / one.name for one in OURS.files}
    run("qemu-img", "create", "-q", "-f", "qcow2", disks["web-disk1.qcow2"], "64M")
    disks["web-disk2.raw"].write_bytes(bytes(1 << 20))
    sizes = {one.id: disks[one.name].stat().st_size for one in OURS.files}
    descriptor = write(with_files(OURS, sizes))
    (tmp_path / "web.ovf").write_bytes(descriptor)
    digests = {"web.ovf": descriptor} | {name: path.read_bytes() for name, path in disks.items()}
    manifest = write_manifest({name: hashlib.sha256(data).hexdigest() for name, data in digests.items()})
    with (tmp_path / "web.ova").open("wb") as target:
        pack(target, {"web.ovf": descriptor, "web.mf": manifest, **disks})
    return tmp_path / "web.ova"


@needs("qemu-img", "tar", "xmllint")
def test_tar_and_xmllint(package: Path) -> None:
    listed = run("tar", "-tf", package).split()
    assert listed == ["web.ovf", "web.mf", "web-disk1.qcow2", "web-disk2.raw"]
    run("xmllint", "--noout", "--nonet", package.with_suffix(".ovf"))
    digits = run("sha256sum", package.with_suffix(".ovf")).split()[0]
    assert digits in run("tar", "-xOf", package, "web.mf")


@needs("qemu-img", "virt-v2v")
def test_virt_v2v_reads_the_machine(package: Path) -> None:
    """It checks the manifest's digests, too."""
    found = " ".join(run("virt-v2v", "-i", "ova", package, "--print-source").split())
    assert "source name: web & <co>" in found
    assert f"memory: {OURS.memory} (bytes) nr vCPUs: 2" in found
    assert "firmware: uefi" in found
    assert "disks: 0 [scsi] 1 [scsi] removable media: CD-ROM Floppy" in found
    assert 'NICs: Bridge "lan" [virtio] Bridge "br0" [e1000]' in found


@needs("qemu-img", "virt-v2v")
def test_virt_v2v_holds_it_against_the_manifest(package: Path) -> None:
    data = bytearray(package.read_bytes())
    data[-3 * 512] ^= 1  # the end of the last disk
    package.write_bytes(data)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run("virt-v2v", "-i", "ova", package, "--print-source")
    assert "checksum" in caught.value.stderr.lower()
