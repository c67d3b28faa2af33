"""What lies in the directory, and what callers name, leads nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.host.jobs.alone import Alone
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.model import Status
from guestwright.host.jobs.store import JobStore
from guestwright.host.volumes.clean import Finding, listing
from guestwright.host.volumes.copy import Copy, copy
from guestwright.host.volumes.create import Create, create
from guestwright.host.volumes.delete import delete
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.download import Download
from guestwright.host.volumes.errand import qemu_img
from guestwright.host.volumes.errors import DomainUnusable, ToolFailed, VolumeDamaged
from guestwright.host.volumes.kinds import kinds
from guestwright.host.volumes.metadata import Format, encode
from guestwright.host.volumes.recover import recover
from guestwright.host.volumes.seal import Seal, seal
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("qemu-img")]

SIZE = 1 << 20
CANARY = b"canary-31ff" * 1000


@pytest.fixture
def domain(tmp_path: Path) -> Iterator[Domain]:
    with Domain(str(tmp_path / "domain"), make=True) as one:
        create(one, Create(volume="v", format=Format.RAW, size=SIZE), Alone("1"), now=1.0)
        yield one


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(CANARY + bytes(SIZE - len(CANARY)))
    return path


VERBS: dict[str, Callable[[Domain], Any]] = {
    "copy": lambda domain: copy(domain, domain, Copy(source="v", volume="w"), Alone("2"), now=1.0),
    "convert": lambda domain: copy(
        domain, domain, Copy(source="v", volume="w", format=Format.QCOW2), Alone("2"), now=1.0
    ),
    "download": lambda domain: Download(domain, "v"),
    "seal": lambda domain: seal(domain, Seal(volumes=("v",)), Alone("2")),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("how", ["link", "pipe", "directory", "missing", "short"])
def test_a_content_that_is_no_file(domain: Domain, secret: Path, verb: str, how: str) -> None:
    content = Path(domain.path) / "v.raw"
    content.unlink()
    if how == "link":
        content.symlink_to(secret)
    elif how == "pipe":
        os.mkfifo(content)
    elif how == "directory":
        content.mkdir()
    elif how == "short":
        content.write_bytes(b"x")
    with pytest.raises(VolumeDamaged):
        VERBS[verb](domain)
    assert secret.read_bytes().startswith(CANARY)
    assert not (Path(domain.path) / "w.volume").exists()


@pytest.mark.parametrize("name", ["v.volume", ".lock", ".w.volume.new", "w.raw"])
def test_a_link_among_the_files(domain: Domain, secret: Path, name: str) -> None:
    path = Path(domain.path) / name
    path.unlink(missing_ok=True)
    path.symlink_to(secret)
    before = secret.read_bytes()
    verbs: list[Callable[[Domain], Any]] = [*VERBS.values(), lambda one: delete(one, "v"), recover]
    for verb in verbs:
        with suppress(GuestwrightError):
            verb(domain)
    assert secret.read_bytes() == before
    for one in Path(domain.path).glob("w.*"):
        assert one.is_symlink() or CANARY[:11] not in one.read_bytes()


def test_deleting_a_link_deletes_the_link(domain: Domain, secret: Path) -> None:
    content = Path(domain.path) / "v.raw"
    content.unlink()
    content.symlink_to(secret)
    assert delete(domain, "v")
    assert not os.path.lexists(content)
    assert secret.exists()


@pytest.mark.parametrize(
    "volume", ["../secret", "/etc/passwd", "", ".lock", "v\0", "v/../v", "guestwright-domain/"]
)
@pytest.mark.parametrize("kind", [one.name for one in kinds({}) if one.name != "volume.cleaning"])
def test_names_that_lead_elsewhere(domain: Domain, tmp_path: Path, kind: str, volume: str) -> None:
    parameters: dict[str, dict[str, Any]] = {
        "volume.create": {"volume": volume, "format": "raw", "size": SIZE},
        "volume.copy": {"volume": volume, "source": "v"},
        "volume.seal": {"volumes": [volume]},
        "volume.mark": {"volume": volume, "standing": "illegal"},
        "volume.upload-finish": {"volume": volume, "ticket": "t"},
    }
    before = sorted(os.listdir(tmp_path))
    with JobStore(str(tmp_path / "jobs.db")) as store:
        jobs = Jobs(store, kinds({"d": domain}), threads=1)
        jobs.start()
        job = jobs.submit(kind, {"domain": "d", **parameters.get(kind, {"volume": volume})})
        ended = jobs.wait(job.id, 60)
        assert jobs.stop(60)
    assert ended.status is Status.FAILED
    assert ended.error is not None
    assert ended.error["code"] == "volume-bad"
    assert sorted(one for one in os.listdir(tmp_path) if not one.startswith("jobs.db")) == before


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"domain": "d"},
        {"domain": "d", "volume": 5},
        {"domain": "d", "volume": "v", "path": "/etc/passwd"},
        {"domain": ["d"], "volume": "v"},
        {"domain": "d", "volume": "v", "generation": True},
        {"domain": "d", "volume": "v", "generation": "1"},
    ],
)
def test_parameters_of_the_wrong_shape(domain: Domain, tmp_path: Path, parameters: dict[str, Any]) -> None:
    with JobStore(str(tmp_path / "jobs.db")) as store:
        jobs = Jobs(store, kinds({"d": domain}), threads=1)
        jobs.start()
        ended = jobs.wait(jobs.submit("volume.delete", parameters).id, 60)
        assert jobs.stop(60)
    assert ended.error is not None
    assert ended.error["code"] == "job-bad"
    assert domain.read("v").generation == 1


def test_a_parent_that_is_its_own(domain: Domain) -> None:
    wanted = Copy(source="v", volume="q", format=Format.QCOW2)
    copy(domain, domain, wanted, Alone("2"), now=1.0)
    data = encode(domain.read("q")).replace(b'"parent": ""', b'"parent": "q"')
    (Path(domain.path) / "q.volume").write_bytes(data)
    with pytest.raises(GuestwrightError):
        copy(domain, domain, Copy(source="q", volume="w"), Alone("3"), now=1.0)


def test_qemu_img_reaches_nothing_but_what_it_is_given(secret: Path, tmp_path: Path) -> None:
    info = ["info", "-f", "raw", str(secret)]
    assert qemu_img(info, Alone("1"), read=(str(secret),))[0] == 0
    with pytest.raises(ToolFailed, match="Permission denied"):
        qemu_img(info, Alone("1"))
    target = tmp_path / "elsewhere"
    with pytest.raises(ToolFailed):
        qemu_img(["create", "-f", "raw", str(target), "1M"], Alone("1"), read=(str(secret),))
    assert not target.exists()


def test_everything_odd_is_listed_and_left_alone(domain: Domain, secret: Path) -> None:
    root = Path(domain.path)
    (root / "link").symlink_to(secret)
    (root / "orphan.qcow2").write_bytes(b"x")
    (root / "notes.txt").write_bytes(b"x")
    (root / ".v.volume.new").write_bytes(b"half")
    (root / "bad.volume").write_bytes(b"{")
    (root / "gone.deleted").write_bytes(b"")
    (root / "gone.raw").write_bytes(b"x")
    found = {item.name: item.finding for item in listing(domain)}
    assert found == {
        "link": Finding.FOREIGN,
        "orphan.qcow2": Finding.NO_METADATA,
        "notes.txt": Finding.FOREIGN,
        ".v.volume.new": Finding.LEFTOVER,
        "bad": Finding.UNREADABLE,
        "gone.deleted": Finding.DELETED,
    }
    settled = recover(domain)
    assert (settled.deleted, settled.leftovers) == (("gone",), (".v.volume.new",))
    assert len(settled.problems) == 1
    assert {item.name for item in listing(domain)} == {"link", "orphan.qcow2", "notes.txt", "bad"}
    assert [one.id for one in domain.volumes()] == ["v"]


def test_a_directory_that_is_not_ours_alone(tmp_path: Path, domain: Domain) -> None:
    os.chmod(domain.path, 0o777)
    with pytest.raises(DomainUnusable, match="others may write"):
        Domain(domain.path)
    with pytest.raises(DomainUnusable, match="guestwright-domain"):
        Domain(str(tmp_path))
    (tmp_path / "link").symlink_to(domain.path)
    with pytest.raises(DomainUnusable):
        Domain(str(tmp_path / "link"))
    with pytest.raises(DomainUnusable):
        Domain(str(tmp_path / "none"))
