"""The verbs on real images; qemu-img judges."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guestwright.base.progress import Step
from guestwright.disk.errors import ImageInUse
from guestwright.host.jobs.alone import Alone
from guestwright.host.jobs.errors import Cancelled, Fenced
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.kind import Work
from guestwright.host.jobs.model import Status
from guestwright.host.jobs.store import JobStore
from guestwright.host.volumes import content
from guestwright.host.volumes.copy import Copy, copy
from guestwright.host.volumes.create import Create, create
from guestwright.host.volumes.delete import delete
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.download import Download
from guestwright.host.volumes.errors import (
    BadVolume,
    GenerationMismatch,
    HasChildren,
    NoSuchVolume,
    VolumeExists,
    WrongState,
)
from guestwright.host.volumes.kinds import kinds
from guestwright.host.volumes.measure import measure
from guestwright.host.volumes.metadata import Format, Kind, Metadata, State
from guestwright.host.volumes.rules import Update
from guestwright.host.volumes.seal import Seal, seal
from guestwright.host.volumes.update import update
from tests.support.program import running
from tests.support.tools import needs
from tests.support.volumes import judged_same, judged_sound

pytestmark = [pytest.mark.system, needs("qemu-img", "qemu-io")]

SIZE = 64 << 20
MIB = 1 << 20
# Where data lies: at the start, in the middle (with odd edges), at the very end.
PIECES = [(0, 3 * MIB), (17 * MIB + 4096, MIB + 8192), (40 * MIB, 100), (SIZE - 4096, 4096)]


@pytest.fixture
def domain(tmp_path: Path) -> Iterator[Domain]:
    with Domain(str(tmp_path / "domain"), make=True) as one:
        yield one


@pytest.fixture
def disk(domain: Domain) -> Metadata:
    """A sparse raw volume called disk."""
    made = create(domain, Create(volume="disk", format=Format.RAW, size=SIZE), Alone("d"), now=1.0)
    noise = random.Random(5)
    with open(domain.data_path(made), "r+b") as stream:
        for offset, length in PIECES:
            stream.seek(offset)
            stream.write(noise.randbytes(length))
    return made


def path(domain: Domain, volume: str) -> Path:
    return Path(domain.data_path(domain.read(volume)))


def shared(domain: Domain, volume: str) -> Metadata:
    return update(domain, volume, domain.read(volume).generation, Update(shared=True))


@pytest.mark.parametrize("image_format", Format)
def test_created(domain: Domain, image_format: Format) -> None:
    wanted = Create(volume="v", format=image_format, size=1 << 40, description="large and empty")
    made = create(domain, wanted, Alone("c"), now=5.0)
    assert (made.state, made.kind, made.generation, made.created) == (State.LEGAL, Kind.LEAF, 1, 5.0)
    file = path(domain, "v")
    assert file.stat().st_blocks * 512 < MIB
    assert file.stat().st_mode & 0o777 == 0o600
    told = subprocess.run(
        ["qemu-img", "info", "--output=json", "-f", str(image_format), file], check=True, capture_output=True
    )
    assert json.loads(told.stdout)["virtual-size"] == 1 << 40
    judged_sound(file, image_format)
    assert create(domain, wanted, Alone("c"), now=6.0) == made, "the same job again"
    with pytest.raises(VolumeExists):
        create(domain, wanted, Alone("other"), now=6.0)


def test_created_on_a_parent_and_copied_flat(domain: Domain, disk: Metadata) -> None:
    copy(domain, domain, Copy(source="disk", volume="base", format=Format.QCOW2), Alone("1"), now=1.0)
    wanted = Create(volume="child", format=Format.QCOW2, parent="base")
    with pytest.raises(WrongState):
        create(domain, wanted, Alone("2"), now=1.0)
    shared(domain, "base")
    with pytest.raises(BadVolume):
        create(
            domain, Create(volume="small", format=Format.QCOW2, parent="base", size=512), Alone("3"), now=1.0
        )
    child = create(domain, wanted, Alone("4"), now=1.0)
    assert (child.size, child.parent) == (SIZE, "base")
    write = ["qemu-io", "-f", "qcow2", "-c", "write -q -P 7 20M 1M", str(path(domain, "child"))]
    subprocess.run(write, check=True, stdout=subprocess.DEVNULL)
    judged_sound(path(domain, "child"), "qcow2")
    flat, copied = copy(domain, domain, Copy(source="child", volume="flat"), Alone("5"), now=1.0)
    assert (flat.parent, copied.method) == ("", content.Method.CONVERT)
    assert judged_same(path(domain, "flat"), "qcow2", path(domain, "child"), "qcow2")
    assert not judged_same(path(domain, "flat"), "qcow2", path(domain, "base"), "qcow2")
    for refused in (lambda: delete(domain, "base"), lambda: update(domain, "base", 2, Update(legal=False))):
        with pytest.raises(HasChildren):
            refused()
    assert delete(domain, "child")
    assert delete(domain, "base")


def test_a_raw_copy_keeps_the_holes(domain: Domain, disk: Metadata, tmp_path: Path) -> None:
    steps: list[Step] = []
    made, copied = copy(
        domain,
        domain,
        Copy(source="disk", volume="twin", kind=Kind.SHARED),
        Alone("1", steps.append),
        now=2.0,
    )
    assert (made.kind, made.state) == (Kind.SHARED, State.LEGAL)
    assert judged_same(path(domain, "disk"), "raw", path(domain, "twin"), "raw")
    assert path(domain, "twin").stat().st_blocks <= path(domain, "disk").stat().st_blocks + 64
    if copied.method is content.Method.RANGES:
        assert copied.moved < SIZE // 8
        assert steps[-1].done <= steps[-1].total == SIZE
    with Domain(str(tmp_path / "other"), make=True) as other:
        copy(domain, other, Copy(source="twin", volume="twin"), Alone("2"), now=2.0, clone=False)
        assert judged_same(path(domain, "disk"), "raw", path(other, "twin"), "raw")


def test_across_file_systems_where_the_kernel_does_not_copy(
    domain: Domain, disk: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "_move", lambda *_: False)
    _, copied = copy(domain, domain, Copy(source="disk", volume="twin"), Alone("1"), now=1.0, clone=False)
    assert copied.moved < SIZE // 8
    assert judged_same(path(domain, "disk"), "raw", path(domain, "twin"), "raw")


@pytest.mark.parametrize(
    "way", [["qcow2", "raw"], ["qcow2", "qcow2"], ["qcow2", "qcow2", "raw"]], ids="-".join
)
def test_converted(domain: Domain, disk: Metadata, way: list[str]) -> None:
    source = "disk"
    for number, image_format in enumerate(way):
        wanted = Copy(source=source, volume=f"v{number}", format=Format(image_format))
        made, _ = copy(domain, domain, wanted, Alone(f"{number}"), now=1.0)
        source = made.id
        judged_sound(path(domain, source), image_format)
        assert judged_same(path(domain, "disk"), "raw", path(domain, source), image_format)
    assert path(domain, source).stat().st_blocks * 512 < SIZE // 4


class Impatient(Alone):
    """Is cancelled at its first look after the volume has begun."""

    def __init__(self, begun: Callable[[], bool]) -> None:
        super().__init__("impatient")
        self._begun = begun

    def check(self) -> None:
        if self._begun():
            raise Cancelled(job="impatient")


@pytest.mark.parametrize("image_format", Format)
def test_a_cancelled_copy_leaves_nothing(domain: Domain, disk: Metadata, image_format: Format) -> None:
    work = Impatient(lambda: any(one.startswith("copy.") for one in os.listdir(domain.path)))
    with pytest.raises(Cancelled):
        wanted = Copy(source="disk", volume="copy", format=image_format)
        copy(domain, domain, wanted, work, now=1.0, clone=False)
    assert not any(one.startswith("copy") for one in os.listdir(domain.path))
    assert domain.read("disk") == disk


def test_a_running_machine_keeps_its_volume(domain: Domain, disk: Metadata) -> None:
    argv = ["qemu-io", "-f", "raw", str(path(domain, "disk"))]
    with running(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as machine:
        assert machine.stdin is not None
        assert machine.stdout is not None
        machine.stdin.write(b"read 0 512\n")
        machine.stdin.flush()
        assert machine.stdout.readline()
        assert machine.stdout.readline()
        for refused in (
            lambda: copy(domain, domain, Copy(source="disk", volume="x"), Alone("1"), now=1.0),
            lambda: delete(domain, "disk"),
            lambda: Download(domain, "disk"),
            lambda: seal(domain, Seal(volumes=("disk",)), Alone("2")),
            lambda: shared(domain, "disk"),
        ):
            with pytest.raises(ImageInUse):
                refused()
        assert domain.read("disk") == disk
        machine.kill()
    assert delete(domain, "disk")
    assert not delete(domain, "disk")


def test_what_is_read_is_not_deleted(domain: Domain, disk: Metadata) -> None:
    with Download(domain, "disk"), pytest.raises(ImageInUse):
        delete(domain, "disk")
    with pytest.raises(GenerationMismatch):
        delete(domain, "disk", 17)
    assert delete(domain, "disk", 1)
    with pytest.raises(NoSuchVolume):
        domain.read("disk")


def test_one_of_two_updates_of_one_generation_wins(domain: Domain, disk: Metadata) -> None:
    done: list[bool] = []

    def change(number: int) -> None:
        try:
            update(domain, "disk", 1, Update(description=f"by {number}"))
        except GenerationMismatch:
            done.append(False)
        else:
            done.append(True)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == [False] * 7 + [True]
    assert domain.read("disk").generation == 2


def test_measured(domain: Domain, disk: Metadata) -> None:
    plain = measure(domain, "disk", None, Alone("1"))
    assert (plain.size, plain.file_size, plain.required) == (SIZE, SIZE, 0)
    assert plain.allocated < SIZE // 4
    assert plain.required < measure(domain, "disk", Format.QCOW2, Alone("2")).required < SIZE // 4


def test_a_fenced_copy_makes_nothing_legal(
    domain: Domain, disk: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on = threading.Event(), threading.Event()
    genuine = content.copy

    def hang(source: int, target: int, work: Work, *, clone: bool = True) -> content.Copied:
        inside.set()
        assert go_on.wait(60)
        return genuine(source, target, Alone("deaf"), clone=clone)

    monkeypatch.setattr(content, "copy", hang)
    with JobStore(str(tmp_path / "jobs.db")) as store:
        jobs = Jobs(store, kinds({"d": domain}), threads=1)
        jobs.start()
        job = jobs.submit("volume.copy", {"domain": "d", "source": "disk", "volume": "twin"})
        assert inside.wait(60)
        assert domain.read("twin").state is State.LOCKED
        assert jobs.fence(job.id).status is Status.FAILED
        go_on.set()
        assert jobs.stop(60)
        assert jobs.get(job.id).error == Fenced(what=f"job {job.id}").as_dict()
    assert not any(one.startswith("twin") for one in os.listdir(domain.path))


def test_a_directory_that_is_made_lets_the_hypervisors_user_through(tmp_path: Path) -> None:
    path = tmp_path / "made"
    before = os.umask(0o077)
    try:
        Domain(str(path), make=True).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o711
