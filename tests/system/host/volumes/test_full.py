"""A full storage: the verb fails by name, nothing half-made is left, and deleting still works."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.disk.errors import HostNoSpace
from guestwright.host.jobs.alone import Alone
from guestwright.host.volumes import upload
from guestwright.host.volumes.clean import listing
from guestwright.host.volumes.copy import Copy, copy
from guestwright.host.volumes.create import Create, create
from guestwright.host.volumes.delete import delete
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.errors import StorageFull
from guestwright.host.volumes.metadata import Format, Reason, State
from guestwright.host.volumes.rules import Update
from guestwright.host.volumes.seal import Seal, seal
from guestwright.host.volumes.update import update
from tests.support.disks import complaint, digest
from tests.support.images import small_original
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("qemu-img", "mount", "e2fsck", "mke2fs")]

MIB = 1 << 20
STORAGE = 40 * MIB


@pytest.fixture
def domain(tmp_path: Path) -> Iterator[Domain]:
    """On a file system of 40 MiB, in memory."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a filesystem of limited size")
    path = tmp_path / "storage"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STORAGE},mode=0755", "tmpfs", path], check=True)
    with Domain(str(path), make=True) as one:
        yield one
    subprocess.run(["umount", path], check=True)


def put(domain: Domain, name: str, data: bytes) -> None:
    wanted = upload.Begin(volume=name, format=Format.RAW, size=len(data), file_size=len(data))
    upload.begin(domain, wanted, "t", now=1.0)
    with upload.Writer(domain, name, "t") as writer:
        writer.write(0, data)
    upload.finish(domain, name, "t", Alone("t"))


def fill(domain: Domain, free: int = 0) -> Path:
    ballast = Path(domain.path) / "ballast"
    state = os.statvfs(domain.path)
    with ballast.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(4096, state.f_bavail * state.f_frsize - free))
    return ballast


def names(domain: Domain) -> list[str]:
    return sorted(os.listdir(domain.path))


@pytest.mark.parametrize("image_format", Format)
def test_a_copy_that_does_not_fit(domain: Domain, image_format: Format) -> None:
    put(domain, "large", random.Random(1).randbytes(24 * MIB))
    before = names(domain)
    with pytest.raises(StorageFull):
        wanted = Copy(source="large", volume="twin", format=image_format)
        copy(domain, domain, wanted, Alone("1"), now=1.0, clone=False)
    assert names(domain) == before
    assert listing(domain) == []
    assert delete(domain, "large")


def test_on_a_storage_without_any_room(domain: Domain) -> None:
    put(domain, "v", bytes(MIB - 512) + b"x" * 512)
    there = domain.read("v")
    ballast = fill(domain)
    before = names(domain)
    for image_format in Format:
        with pytest.raises(StorageFull):
            create(domain, Create(volume="new", format=image_format, size=MIB), Alone("1"), now=1.0)
    with pytest.raises(StorageFull):
        update(domain, "v", there.generation, Update(legal=False))
    with pytest.raises(StorageFull):
        put(domain, "other", b"x" * MIB)
    assert names(domain) == before
    assert domain.read("v") == there
    assert delete(domain, "v"), "it needs no room"
    assert names(domain) == sorted({*before} - {"v.raw", "v.volume"})
    ballast.unlink()
    assert listing(domain) == []


def test_an_upload_goes_on_when_there_is_room_again(domain: Domain) -> None:
    data = random.Random(2).randbytes(8 * MIB)
    wanted = upload.Begin(volume="v", format=Format.RAW, size=len(data), file_size=len(data))
    upload.begin(domain, wanted, "t", now=1.0)
    with upload.Writer(domain, "v", "t") as writer:
        writer.write(0, data[: 2 * MIB])
    ballast = fill(domain, free=3 * MIB)
    with pytest.raises(StorageFull), upload.Writer(domain, "v", "t") as writer:
        writer.write(2 * MIB, data[2 * MIB :])
    assert upload.status(domain, "v") == [(2 * MIB, 8 * MIB)]
    ballast.unlink()
    with upload.Writer(domain, "v", "t") as writer:
        writer.write(2 * MIB, data[2 * MIB :])
    made = upload.finish(domain, "v", "t", Alone("f"))
    assert Path(domain.data_path(made)).read_bytes() == data


def test_a_seal_that_has_no_room_leaves_the_image_as_it_was(domain: Domain) -> None:
    put(domain, "root", Path(small_original().path).read_bytes())
    file = Path(domain.path) / "root.raw"
    before = digest(file)
    ballast = fill(domain, free=128 << 10)
    with pytest.raises(HostNoSpace):
        seal(domain, Seal(volumes=("root",)), Alone("1"))
    assert digest(file) == before
    there = domain.read("root")
    assert (there.state, there.reason, there.holder) == (State.ILLEGAL, Reason.UNSEALED, None)
    ballast.unlink()
    seal(domain, Seal(volumes=("root",)), Alone("2"))
    assert domain.read("root").state is State.LEGAL
    assert complaint(file) == ""
