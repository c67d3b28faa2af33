"""Archives and manifests: there and back, and what strangers put in."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.ovf.archive import opened, pack, sha256_of
from guestwright.ovf.errors import BadPackage, PackageChanged
from guestwright.ovf.manifest import Digest, read_manifest, write_manifest
from guestwright.ovf.model import File
from guestwright.ovf.names import plain_name, word
from guestwright.ovf.writer import write
from tests.support.ovf_samples import OURS

DISK = b"x" * 1000 + bytes(3 << 20) + b"y"
FILE = File(id="f1", name="web-disk1.qcow2", size=len(DISK))
DESCRIPTOR = write(OURS).replace(b'"196616"', str(len(DISK)).encode().join((b'"', b'"')))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


MANIFEST = write_manifest({"web.ovf": sha256(DESCRIPTOR), FILE.name: sha256(DISK)})


def packed(path: Path, **files: bytes) -> Path:
    with path.open("wb") as target:
        pack(target, {name.replace("__", "-").replace("_", "."): data for name, data in files.items()})
    return path


def whole(tmp_path: Path, manifest: bytes = MANIFEST, disk: bytes = DISK) -> Path:
    return packed(tmp_path / "web.ova", web_ovf=DESCRIPTOR, web_mf=manifest, web__disk1_qcow2=disk)


@pytest.mark.parametrize("form", ["archive", "directory", "descriptor"])
def test_there_and_back(tmp_path: Path, form: str) -> None:
    path = whole(tmp_path)
    if form != "archive":
        with tarfile.open(path) as archive:
            archive.extractall(tmp_path / "d")
        path = tmp_path / "d" / ("web.ovf" if form == "descriptor" else "")
    moved: list[int] = []
    with opened(path) as package, (tmp_path / "out").open("w+b") as out:
        assert package.extract(FILE, out, moved.append) == sha256(DISK)
    assert ((tmp_path / "out").read_bytes(), sum(moved)) == (DISK, len(DISK))
    assert (tmp_path / "out").stat().st_blocks * 512 < len(DISK)  # zeros are holes
    assert sha256_of(tmp_path / "out") == sha256(DISK)


def test_it_is_ustar_with_the_descriptor_first(tmp_path: Path) -> None:
    data = whole(tmp_path).read_bytes()
    assert data[257:265] == b"ustar\x0000"
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == ["web.ovf", "web.mf", FILE.name]
    (tmp_path / "other").mkdir()
    assert whole(tmp_path / "other").read_bytes() == data


@pytest.mark.parametrize(
    ("manifest", "disk", "error"),
    [
        (MANIFEST, DISK[:-1] + b"z", PackageChanged),
        (MANIFEST, DISK[:-1], BadPackage),  # shorter than the descriptor says
        (MANIFEST.replace(sha256(DESCRIPTOR).encode(), sha256(b"").encode()), DISK, PackageChanged),
        (write_manifest({FILE.name: sha256(DISK)}), DISK, PackageChanged),  # nothing of the descriptor
        (b"what?\n", DISK, BadPackage),
        (MANIFEST + MANIFEST, DISK, BadPackage),
        (b"SHA256(../x)= " + b"0" * 64, DISK, BadPackage),
        (b"SHA256(x)= " + b"0" * 40, DISK, BadPackage),
    ],
)
def test_what_the_manifest_does_not_tell_of_is_refused(
    tmp_path: Path, manifest: bytes, disk: bytes, error: type[GuestwrightError]
) -> None:
    path = whole(tmp_path, manifest, disk)
    with pytest.raises(error), opened(path) as package, (tmp_path / "out").open("w+b") as out:
        package.extract(FILE, out, lambda _: None)


def test_sha_1_of_older_products_is_read(tmp_path: Path) -> None:
    lines = [f"SHA1({name})= {hashlib.sha1(data).hexdigest()}" for name, data in
             (("web.ovf", DESCRIPTOR), (FILE.name, DISK))]  # fmt: skip
    path = whole(tmp_path, "\n".join(lines).encode())
    with opened(path) as package, (tmp_path / "out").open("w+b") as out:
        assert package.extract(FILE, out, lambda _: None) == sha256(DISK)
    assert read_manifest(b"SHA1 (a.ovf) = " + b"A" * 40) == {
        "a.ovf": Digest(algorithm="sha1", digits="a" * 40)
    }


def hostile(**values: object) -> bytes:
    member = tarfile.TarInfo("x.img")
    for name, value in values.items():
        setattr(member, name, value)
    return member.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


@pytest.mark.parametrize(
    "data",
    [
        hostile(name="../evil"),
        hostile(name="/etc/cron.d/evil"),
        hostile(name="dir/evil"),
        hostile(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        hostile(type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        hostile(type=tarfile.CHRTYPE),
        hostile(type=tarfile.DIRTYPE),
        hostile(size=1 << 62),
        hostile(type=tarfile.XHDTYPE, size=1 << 40),
        hostile(type=tarfile.GNUTYPE_LONGNAME, size=1 << 40),
        hostile() * 2,
        b"no archive" * 100,
        b"",
        hostile(name="a" * 3000),
        b"\x1f\x8b\x08" + bytes(600),
    ],
)
def test_archives_of_strangers(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.ova"
    path.write_bytes(data)
    with pytest.raises(BadPackage), opened(path):
        pass


def test_one_descriptor_is_wanted(tmp_path: Path) -> None:
    with (
        pytest.raises(BadPackage, match="2 descriptors"),
        opened(packed(tmp_path / "x.ova", a_ovf=DESCRIPTOR, b_ovf=DESCRIPTOR)),
    ):
        pass
    with pytest.raises(BadPackage, match="0 descriptors"), opened(tmp_path):
        pass


def test_a_large_disk_has_a_header_that_every_tar_reads(tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.truncate(9 << 30)

    class Header(io.RawIOBase):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            member = tarfile.TarInfo.frombuf(data, "utf-8", "strict")
            assert (member.name, member.size) == ("big.img", 9 << 30)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        pack(Header(), {"big.img": path})  # type: ignore[arg-type]


def test_names() -> None:
    assert word("Web & Co. (ü)") == "Web-Co.-ü".replace("ü", "").rstrip("-.")
    assert word("///") == "template"
    assert plain_name("a b+c=1.img") == "a b+c=1.img"
