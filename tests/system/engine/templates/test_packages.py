"""Templates from one engine to another as OVF packages, each over a real service of a host."""

from __future__ import annotations

import asyncio
import hashlib
import json
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from guestwright.base.errors import GuestwrightError
from guestwright.base.secret import Secret
from guestwright.cli.main import cli
from guestwright.client.aio import AsyncClient
from guestwright.client.calls import templates_ovf
from guestwright.client.client import Client
from guestwright.client.errors import LocalImageBad, RemoteError, RemoteJobFailed
from guestwright.engine.accounts.users import principal
from guestwright.engine.inventory.choices import Device, Persistence, Role
from guestwright.ovf.archive import opened, pack
from guestwright.ovf.errors import PackageChanged, UnsupportedPackage
from guestwright.ovf.manifest import write_manifest
from guestwright.ovf.model import Descriptor, Disk, File, Format, Nic
from guestwright.ovf.reader import read
from guestwright.ovf.words import URIS
from guestwright.ovf.writer import write
from tests.support.disk_stand import STORAGE, DiskStand, disk_stand
from tests.support.images import small_original
from tests.support.ovf_samples import VIRTUALBOX
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("qemu-img", "mke2fs", "e2fsck", "debugfs")]
CANARY = b"canary-of-a-payload-5e1f"
FILES = {"user-data": b"#cloud-config\n# " + CANARY, "meta-data": b"instance-id: one\n"}
MIB = 1 << 20


@dataclass
class Two:
    """Two engines with a host each, and a package that no engine has written."""

    first: DiskStand
    second: DiskStand
    package: Path

    def client(self, stand: DiskStand) -> Client:
        return Client(stand.url, Secret(stand.token))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    place = tmp_path_factory.mktemp("packages")
    (place / "one").mkdir()
    (place / "two").mkdir()
    with disk_stand(place / "one") as first, disk_stand(place / "two") as second:
        yield Two(first, second, made(place / "made.ova"))


def made(path: Path, *, sealed: bool = True) -> Path:
    """A package of a guest that was not sealed, whatever it says of itself."""
    image = Path(small_original().path)
    size = image.stat().st_size
    descriptor = Descriptor(
        name="golden",
        os_family="linux",
        vcpus=2,
        memory=512 * MIB,
        files=(File(id="root", name="root.raw", size=size),),
        disks=(Disk(id="disk1", file="root", format=Format.RAW, capacity=size, target="vda"),),
        nics=(Nic(network="lan", model="virtio"),),
        sealed=sealed,
    )
    text = write(descriptor)
    digests = {"made.ovf": text, "root.raw": image.read_bytes()}
    manifest = write_manifest({name: hashlib.sha256(data).hexdigest() for name, data in digests.items()})
    with path.open("wb") as target:
        pack(target, {"made.ovf": text, "made.mf": manifest, "root.raw": image})
    return path


def imported(two: Two, stand: DiskStand, package: Path, **more: Any) -> dict[str, Any]:
    """The job, ended, of a package that became a template."""
    with two.client(stand) as client:
        job = client.import_template(str(package), host="one", storage=STORAGE, **more)
        return client.wait(job["id"])


def version(stand: DiskStand, identity: str) -> Any:
    with stand.api.parts.database.read() as tx:
        return tx.template_versions.get(identity)


def contents(stand: DiskStand, job: dict[str, Any]) -> list[bytes]:
    """Of the volumes of a template, in order, as they lie on the host."""
    with stand.api.parts.database.read() as tx:
        volumes = [str(tx.disks.get(one).volume_id) for one in job["result"]["disks"]]
    return [next((stand.place / "volumes").glob(f"{one}*.raw")).read_bytes() for one in volumes]


def with_payload(stand: DiskStand, identity: str) -> None:
    """Give a template a payload with a canary in it."""
    api = stand.api
    by = principal(api.user(f"ann-{identity[-6:]}", Role.ADMIN), "test")
    kept = api.parts.payloads.add(by, f"p-{identity[-6:]}", "cidata", FILES)
    api.parts.payloads.attach(by, kept.id, Persistence.PERMANENT, template_version=identity, device=Device.CD)


def test_from_engine_to_engine(two: Two, tmp_path: Path) -> None:
    first = imported(two, two.first, two.package)
    known = version(two.first, first["result"]["template"])
    assert (known.state, known.sealed, known.vcpus, known.memory) == ("ready", True, 2, 512 * MIB)
    with_payload(two.first, known.id)
    target = tmp_path / "golden.ova"
    told: list[str] = []
    with two.client(two.first) as client:
        done = client.export_template("golden", str(target), progress=lambda what, *_: told.append(what))
    assert done["files"] == ["golden.ovf", "golden.mf", "golden-disk1.raw"]
    assert (done["bytes"], done["version"]) == (target.stat().st_size, known.number)
    assert {"downloads golden-disk1.raw", "reads the disks", "writes the package"} <= set(told)
    assert CANARY not in target.read_bytes()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["golden.ova"]
    with opened(target) as package:
        (payload,) = package.descriptor.payloads
        assert (payload.device, payload.persistence, payload.form) == ("cd", "permanent", "nocloud")
        assert payload.files == tuple(sorted((name, len(data)) for name, data in FILES.items()))
        assert (package.descriptor.drives, package.descriptor.sealed) == (("cd",), True)
    second = asyncio.run(_import(two.second, target))
    known = version(two.second, second["result"]["template"])
    assert (known.state, known.sealed, known.vcpus, known.memory) == ("ready", True, 2, 512 * MIB)
    # Sealed again, which changes nothing; and not what was in the package at first, which was not sealed.
    assert contents(two.first, first) == contents(two.second, second)
    assert contents(two.first, first) != [Path(small_original().path).read_bytes()]
    standings = {(one.state, one.kind, bool(one.sealed)) for one in two.second.volumes().values()}
    assert standings == {("legal", "shared", True)}


async def _import(stand: DiskStand, path: Path) -> dict[str, Any]:
    client = AsyncClient(stand.url, Secret(stand.token))
    try:
        job = await client.import_template(str(path), host="one", storage=STORAGE)
        return await client.wait(job["id"])
    finally:
        client.close()


def test_commands(two: Two, tmp_path: Path) -> None:
    config = tmp_path / "config"
    environment = {"XDG_CONFIG_HOME": str(config), "GUESTWRIGHT_SERVER": None}

    def run(*argv: str, fails: bool = False) -> Any:
        done = CliRunner().invoke(cli, argv, standalone_mode=False, env=environment)
        assert fails or done.exception is None, done.exception
        return done

    token = tmp_path / "token"
    token.write_text(two.first.token)
    run("login", two.first.url, "--token-file", str(token))
    there = ("--host", "one", "--storage", STORAGE, "--wait")
    told = run("template", "import", str(two.package), "--name", "plain", "--no-seal", *there, "--json")
    job = json.loads(told.stdout)["job"]
    assert job["status"] == "done"
    assert not version(two.first, job["result"]["template"]).sealed
    assert contents(two.first, job) == [Path(small_original().path).read_bytes()]
    out = tmp_path / "plain"
    told = run("template", "export", "plain", str(out), "--version", "1", "--json")
    assert json.loads(told.stdout)["export"]["files"] == ["plain.ovf", "plain.mf", "plain-disk1.raw"]
    assert (out / "plain-disk1.raw").read_bytes() == Path(small_original().path).read_bytes()
    again = run("template", "import", str(out), *there)  # a further version
    assert "done" in again.stdout
    assert isinstance(run("template", "export", "plain", str(out), fails=True).exception, LocalImageBad)
    names = {one.name for one in out.iterdir()}
    assert names == {"plain.ovf", "plain.mf", "plain-disk1.raw"}


def test_a_disk_that_was_changed_is_not_taken(two: Two, tmp_path: Path) -> None:
    data = bytearray(two.package.read_bytes())
    data[-2 * 512 * 3] ^= 1
    bad = tmp_path / "bad.ova"
    bad.write_bytes(data)
    before = len(two.second.volumes())
    with pytest.raises(PackageChanged), two.client(two.second) as client:
        client.import_template(str(bad), host="one", storage=STORAGE)
    assert len(two.second.volumes()) == before
    assert [one.name for one in tmp_path.iterdir()] == ["bad.ova"]


def test_a_disk_that_is_another_one_on_the_host_is_not_taken(two: Two, tmp_path: Path) -> None:
    with opened(two.package) as package, two.client(two.second) as client:
        taken = tmp_path / "root.raw"
        with taken.open("wb") as target:
            package.extract(package.descriptor.files[0], target, lambda _: None)
        sent = client.upload_disk(str(taken), name="root", host=two.second.host, storage=STORAGE)
        disk = client.wait(sent["id"])["result"]["disk"]
        call = templates_ovf.make(package.text.decode(), {"root": disk}, digests={"root": "0" * 64})
        job = client.do(call)
        with pytest.raises(RemoteJobFailed, match="digest"):
            client.wait(job["id"])
    with two.second.api.parts.database.read() as tx:
        assert tx.disks.find(disk) is None


OTHERS = {
    "vmdk": ("http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized", Format.VMDK),
    "vpc": ("http://go.microsoft.com/fwlink/?LinkId=137171", Format.VHD),
    "vdi": ("http://www.virtualbox.org/ovf/vdi", Format.VDI),
}


def foreign(place: Path, form: str, content: Path | bytes, capacity: int) -> Path:
    """A package as other products write it, in a directory; its disk is a file, or converted from one."""
    uri, known = OTHERS[form]
    (place / "in").mkdir()
    data = place / "in" / f"disk.{form}"
    if isinstance(content, bytes):
        data.write_bytes(content)
    else:
        options = ["-o", "subformat=streamOptimized"] if form == "vmdk" else []
        convert = ["qemu-img", "convert", "-f", "raw", "-O", form, *options, str(content), str(data)]
        subprocess.run(convert, check=True, timeout=60)
    disk = Disk(id="d", file="f", format=Format.QCOW2, capacity=capacity, target="vda")
    file = File(id="f", name=data.name, size=data.stat().st_size)
    text = write(Descriptor(name=f"from-{form}", vcpus=2, memory=512 * MIB, files=(file,), disks=(disk,)))
    text = text.replace(URIS[Format.QCOW2].encode(), uri.encode())
    assert read(text).disks[0].format is known
    (place / "in" / "other.ovf").write_bytes(text)
    digests = {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in (place / "in").iterdir()}
    (place / "in" / "other.mf").write_bytes(write_manifest(digests))
    return place / "in"


@pytest.mark.parametrize("form", OTHERS)
def test_disks_of_other_products_are_made_qcow2(two: Two, tmp_path: Path, form: str) -> None:
    original = Path(small_original().path)
    package = foreign(tmp_path, form, original, original.stat().st_size)
    job = imported(two, two.first, package, seal=False)
    assert (job["status"], version(two.first, job["result"]["template"]).vcpus) == ("done", 2)
    with two.first.api.parts.database.read() as tx:
        (volume,) = [tx.volumes.get(str(tx.disks.get(one).volume_id)) for one in job["result"]["disks"]]
    (stored,) = (two.first.place / "volumes").glob(f"{volume.id}*.qcow2")
    back = tmp_path / "back"
    convert = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(stored), str(back)]
    subprocess.run(convert, check=True, timeout=60)
    content = original.read_bytes()
    assert back.read_bytes()[: len(content)] == content
    assert not any(back.read_bytes()[len(content) :])  # a VHD is rounded up to whole cylinders
    assert volume.size == back.stat().st_size
    assert sorted(one.name for one in package.iterdir()) == [f"disk.{form}", "other.mf", "other.ovf"]


SPARSE = b"KDMV" + struct.pack("<IIQQQQIQQQ", 1, 3, 2048, 128, 1, 20, 512, 0, 21, 128)
TEXT = b'# Disk DescriptorFile\nCID=1\nparentCID=ffffffff\ncreateType="%s"\n%s\n'
ELSEWHERE = b'RW 2048 FLAT "/etc/shadow" 0'
HOSTILE = {
    "other-file": ("vmdk", TEXT % (b"monolithicFlat", ELSEWHERE)),
    "embedded": ("vmdk", SPARSE.ljust(512, b"\0") + TEXT % (b"streamOptimized", ELSEWHERE) + bytes(10240)),
    "raw": ("vmdk", bytes(69120)),
    "qcow2-in-it": ("vdi", b"QFI\xfb" + bytes(1020)),
    "differencing": ("vpc", (b"conectix" + bytes(52) + b"\0\0\0\4").ljust(512, b"\0")),
    "cut": ("vpc", b"conectix" + bytes(92)),
}
REFUSALS = {"disk-format-mismatch", "disk-image-unsupported", "remote-local-image", "volume-tool-failed"}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_disk_of_other_products_is_refused(two: Two, tmp_path: Path, name: str) -> None:
    form, content = HOSTILE[name]
    package = foreign(tmp_path, form, content, MIB)
    before = len(two.second.volumes())
    with two.client(two.second) as client, pytest.raises(GuestwrightError) as caught:
        client.import_template(str(package), host="one", storage=STORAGE)
    assert caught.value.code in REFUSALS
    assert len(two.second.volumes()) == before
    assert len(list(package.iterdir())) == 3


def test_what_is_not_supported_is_told_before_anything_is_sent(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deb.ovf").write_text(VIRTUALBOX)
    (tmp_path / "deb-disk001.vmdk").write_bytes(bytes(69120))
    before = len(two.second.volumes())
    with two.client(two.second) as client:
        with monkeypatch.context() as without, pytest.raises(UnsupportedPackage, match="apt install"):
            without.setenv("PATH", "/nowhere")
            client.import_template(str(tmp_path), host="one", storage=STORAGE)
        odd = VIRTUALBOX.replace("vmdk.html#streamOptimized", "unheard-of.html")
        (tmp_path / "deb.ovf").write_text(odd)
        with pytest.raises(UnsupportedPackage, match="convert its file"):
            client.import_template(str(tmp_path), host="one", storage=STORAGE)
        with pytest.raises(RemoteError) as caught:
            client.do(templates_ovf.make(VIRTUALBOX, {}))
        assert caught.value.code == "ovf-unsupported"
    assert len(two.second.volumes()) == before


def test_qcow2_travels_as_it_is(two: Two, tmp_path: Path) -> None:
    image = tmp_path / "data.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "8M"], check=True, timeout=60)
    size = image.stat().st_size
    disk = Disk(id="d", file="data", format=Format.QCOW2, capacity=8 * MIB, bus="scsi")
    file = File(id="data", name="data.qcow2", size=size)
    text = write(Descriptor(name="data", vcpus=1, memory=MIB, files=(file,), disks=(disk,)))
    (tmp_path / "data.ovf").write_bytes(text)  # without a manifest
    job = imported(two, two.first, tmp_path / "data.ovf")
    assert not version(two.first, job["result"]["template"]).sealed
    with two.client(two.first) as client:
        client.export_template("data", str(tmp_path / "out.ova"))
    with opened(tmp_path / "out.ova") as package, (tmp_path / "copy").open("wb") as target:
        (found,) = package.descriptor.disks
        assert (found.format, found.capacity, found.target) == (Format.QCOW2, 8 * MIB, "sda")
        package.extract(package.descriptor.files[0], target, lambda _: None)
    assert (tmp_path / "copy").read_bytes() == image.read_bytes()
