"""Uploads arrive in any order, survive a kill, and are judged; downloads give the same bytes."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.disk.errors import ImageInUse
from guestwright.disk.failpoints import VARIABLE
from guestwright.host.jobs.alone import Alone
from guestwright.host.volumes import upload
from guestwright.host.volumes.clean import Finding, listing
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.download import Download
from guestwright.host.volumes.errors import (
    BadVolume,
    ContentDiffers,
    OutOfBounds,
    UploadIncomplete,
    VolumeHeld,
)
from guestwright.host.volumes.metadata import Format, State
from guestwright.host.volumes.recover import recover
from tests.support.program import environment, running
from tests.support.tools import needs
from tests.support.volumes import judged_same

pytestmark = [pytest.mark.system, needs("qemu-img")]

MIB = 1 << 20
SIZE = 8 * MIB


@pytest.fixture
def domain(tmp_path: Path) -> Iterator[Domain]:
    with Domain(str(tmp_path / "domain"), make=True) as one:
        yield one


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A raw disk, half of it zeros."""
    noise = random.Random(3)
    path = tmp_path / "source.raw"
    path.write_bytes(b"".join(noise.choice([bytes(MIB // 4), noise.randbytes(MIB // 4)]) for _ in range(32)))
    return path


def began(domain: Domain, data: bytes, *, image_format: Format = Format.RAW, sha256: str = "") -> None:
    wanted = upload.Begin(volume="v", format=image_format, size=SIZE, file_size=len(data), sha256=sha256)
    upload.begin(domain, wanted, "ticket", now=1.0)


def test_in_any_order_and_with_overlaps(domain: Domain, source: Path) -> None:
    data = source.read_bytes()
    began(domain, data, sha256=hashlib.sha256(data).hexdigest())
    order = list(range(0, SIZE, MIB))
    random.Random(1).shuffle(order)
    for offset in order:
        with upload.Writer(domain, "v", "ticket") as writer:
            piece = data[offset : offset + MIB + 5000]
            writer.write(offset, piece, sha256=hashlib.sha256(piece).hexdigest())
    assert upload.status(domain, "v") == []
    with pytest.raises(VolumeHeld):
        Download(domain, "v")
    made = upload.finish(domain, "v", "ticket", Alone("f"))
    assert (made.state, made.holder, made.upload) == (State.LEGAL, None, None)
    assert upload.finish(domain, "v", "ticket", Alone("f")) == made, "the same job again"
    assert judged_same(Path(domain.data_path(made)), "raw", source, "raw")
    with Download(domain, "v") as found:
        parts = [found.read(offset, 3 * MIB) for offset in range(0, SIZE, 3 * MIB)]
        assert b"".join(parts) == data
        assert found.sha256(Alone("c")) == hashlib.sha256(data).hexdigest()
        assert sum(end - start for start, end in found.extents(0, SIZE)) < SIZE
        for offset, length in ((-1, 1), (SIZE + 1, 1), (0, 1 << 40)):
            with pytest.raises(OutOfBounds):
                found.read(offset, length)


def test_zeros_replace_what_was_there(domain: Domain) -> None:
    began(domain, bytes(SIZE))
    with upload.Writer(domain, "v", "ticket") as writer:
        writer.write(0, b"x" * SIZE)
        writer.write(MIB, bytes(MIB))
        writer.zero(4 * MIB, MIB + 1)
    made = upload.finish(domain, "v", "ticket", Alone("f"))
    data = Path(domain.data_path(made)).read_bytes()
    expected = bytearray(b"x" * SIZE)
    expected[MIB : 2 * MIB] = bytes(MIB)
    expected[4 * MIB : 5 * MIB + 1] = bytes(MIB + 1)
    assert data == expected


def test_what_has_not_arrived_is_told_and_nothing_is_legal_before(domain: Domain) -> None:
    began(domain, bytes(SIZE))
    with upload.Writer(domain, "v", "ticket") as writer:
        writer.write(MIB, b"a" * MIB)
        writer.zero(3 * MIB, MIB)
        for offset, data in ((-1, b"a"), (SIZE, b"a"), (SIZE - 1, b"ab")):
            with pytest.raises(OutOfBounds):
                writer.write(offset, data)
        with pytest.raises(ContentDiffers):
            writer.write(0, b"abc", sha256="0" * 64)
    assert upload.status(domain, "v") == [(0, MIB), (2 * MIB, 3 * MIB), (4 * MIB, SIZE)]
    with pytest.raises(UploadIncomplete, match=f"{6 * MIB} bytes"):
        upload.finish(domain, "v", "ticket", Alone("f"))
    assert domain.read("v").state is State.LOCKED
    assert [one.finding for one in listing(domain)] == [Finding.UPLOAD]


def test_only_its_ticket_goes_on(domain: Domain) -> None:
    began(domain, bytes(SIZE))
    wanted = upload.Begin(volume="v", format=Format.RAW, size=SIZE, file_size=SIZE)
    assert upload.begin(domain, wanted, "ticket", now=9.0).created == 1.0
    with pytest.raises(VolumeHeld):
        upload.begin(domain, wanted, "another", now=9.0)
    with pytest.raises(BadVolume):
        upload.begin(
            domain, upload.Begin(volume="v", format=Format.RAW, size=MIB, file_size=MIB), "ticket", now=9.0
        )
    with pytest.raises(VolumeHeld) as refused:
        upload.Writer(domain, "v", "another")
    assert "ticket" not in str(refused.value).replace("another ticket", "")
    upload.abandon(domain, "v", "another")
    writer = upload.Writer(domain, "v", "ticket")
    writer.write(0, b"late")
    upload.abandon(domain, "v", "ticket")
    assert not any(name.startswith("v.") for name in os.listdir(domain.path))
    with pytest.raises(GuestwrightError), writer:
        pass
    assert not any(name.startswith("v.") for name in os.listdir(domain.path))


def test_who_still_writes_holds_the_verdict_up(domain: Domain) -> None:
    """What was judged cannot be changed any more by a connection that was left open."""
    began(domain, bytes(SIZE))
    with upload.Writer(domain, "v", "ticket") as writer:
        writer.zero(0, SIZE)
        writer.note()
        with pytest.raises(ImageInUse):
            upload.finish(domain, "v", "ticket", Alone("f"))
    assert upload.finish(domain, "v", "ticket", Alone("f")).state is State.LEGAL
    with pytest.raises(VolumeHeld):
        upload.Writer(domain, "v", "ticket")


def test_a_wrong_checksum_has_everything_sent_again(domain: Domain) -> None:
    data = b"right" + bytes(SIZE - 5)
    began(domain, data, sha256=hashlib.sha256(data).hexdigest())
    with upload.Writer(domain, "v", "ticket") as writer:
        writer.write(0, b"wrong" * (SIZE // 5))
        writer.zero(SIZE - 8, 8)
    with pytest.raises(ContentDiffers):
        upload.finish(domain, "v", "ticket", Alone("f"))
    assert upload.status(domain, "v") == [(0, SIZE)]
    with upload.Writer(domain, "v", "ticket") as writer:
        writer.write(0, data)
    assert upload.finish(domain, "v", "ticket", Alone("f")).state is State.LEGAL


_UPLOADER = """
import sys
from guestwright.host.volumes import upload
from guestwright.host.volumes.domain import Domain
from guestwright.host.jobs.alone import Alone
data = open(sys.argv[2], "rb").read()
domain = Domain(sys.argv[1])
for start, end in upload.status(domain, "v"):
    for offset in range(start, end, 1 << 20):
        with upload.Writer(domain, "v", "ticket") as writer:
            writer.write(offset, data[offset : min(end, offset + (1 << 20))])
upload.finish(domain, "v", "ticket", Alone("f"))
"""
STEPS = ["volume-upload-flushed", "volume-upload-noted", "volume-upload-judged", "volume-file-written", ""]


def test_killed_and_resumed(domain: Domain, source: Path) -> None:
    data = source.read_bytes()
    began(domain, data, sha256=hashlib.sha256(data).hexdigest())
    for step in STEPS:
        env = environment({VARIABLE: f"{step}:kill"} if step else None)
        with running([sys.executable, "-c", _UPLOADER, domain.path, str(source)], env=env) as process:
            status = process.wait(120)
        recovered = recover(domain)
        assert recovered.problems == ()
        assert status == (-9 if step else 0)
        assert recovered.uploads == (("v",) if step else ())
    assert domain.read("v").state is State.LEGAL
    assert judged_same(Path(domain.data_path(domain.read("v"))), "raw", source, "raw")
    assert listing(domain) == []


def qcow2(tmp_path: Path, source: Path, *options: str) -> bytes:
    path = tmp_path / "made.qcow2"
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", *options, source, path], check=True)
    return path.read_bytes()


def sent(domain: Domain, data: bytes) -> None:
    began(domain, data, image_format=Format.QCOW2)
    with upload.Writer(domain, "v", "ticket") as writer:
        writer.write(0, data)


def test_a_qcow2_image_is_judged(domain: Domain, source: Path, tmp_path: Path) -> None:
    sent(domain, qcow2(tmp_path, source, "-c"))
    made = upload.finish(domain, "v", "ticket", Alone("f"))
    assert judged_same(Path(domain.data_path(made)), "qcow2", source, "raw")


@pytest.mark.parametrize("what", ["backing", "data-file", "size", "raw", "corrupt", "cut"])
def test_a_hostile_image_does_not_become_legal(
    domain: Domain, source: Path, tmp_path: Path, what: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"canary" * 10_000)
    image = tmp_path / "hostile.qcow2"
    if what == "backing":
        make = ["create", "-f", "qcow2", "-u", "-b", str(secret), "-F", "raw", str(image), str(SIZE)]
    elif what == "data-file":
        make = ["create", "-f", "qcow2", "-o", f"data_file={secret}", str(image), str(SIZE)]
    elif what == "size":
        make = ["create", "-f", "qcow2", str(image), str(SIZE * 2)]
    else:
        make = ["convert", "-O", "raw" if what == "raw" else "qcow2", str(source), str(image)]
    subprocess.run(["qemu-img", *make], check=True, stdout=subprocess.DEVNULL)
    data = bytearray(image.read_bytes())
    if what == "corrupt":
        data[0x30000:0x30008] = (0xDEAD00000).to_bytes(8, "big")
        data[40:48] = (0x30000).to_bytes(8, "big")  # where the first mapping table lies
    if what == "cut":
        data = data[:70_000]
    sent(domain, bytes(data))
    with pytest.raises(GuestwrightError):
        upload.finish(domain, "v", "ticket", Alone("f"))
    assert domain.read("v").state is State.LOCKED
    upload.abandon(domain, "v", "ticket")
    assert not any(name.startswith("v.") for name in os.listdir(domain.path))
