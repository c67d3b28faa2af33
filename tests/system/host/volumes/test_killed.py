"""A service that is killed at any step of a verb leaves nothing half-made that anybody could use.

After each kill the domain is looked at as it lies there; then the service starts again, and the job that it
has taken up must come to its end, or be undone, as if nothing had happened.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestwright.host.jobs.alone import Alone
from guestwright.host.volumes.clean import Finding, listing
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.metadata import Format, Kind, Metadata, Reason, State
from guestwright.host.volumes.upload import Begin, Writer, begin, finish
from tests.support.disks import complaint, digest, two_disks
from tests.support.tools import needs
from tests.support.volumes import judged_same, judged_sound, serve

pytestmark = [pytest.mark.system, needs("qemu-img", "qemu-nbd", "mke2fs", "e2fsck", "debugfs")]

MAKING = ["volume-begun", "volume-filled", "volume-legal", "volume-file-written", "volume-file-renamed"]
SEALING = [
    "volume-file-written",
    "volume-file-renamed",
    "volume-seal-one-illegal",
    "volume-seal-marked",
    "volume-seal-ran",
    "volume-seal-noted",
    "volume-seal-one-legal",
]
IN_THE_CHILD = ["volume-seal-computed", "volume-seal-committed"]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The two disks of a dirty Debian."""
    return two_disks(tmp_path_factory.mktemp("original"), "UUID=e1e1e1e1-0000-4000-8000-000000000001")


@pytest.fixture
def path(tmp_path: Path, original: tuple[Path, Path]) -> Path:
    """Of a domain with the two disks in it."""
    with Domain(str(tmp_path / "domain"), make=True) as domain:
        for name, image in zip(("root", "var"), original, strict=True):
            put(domain, name, image)
    return tmp_path / "domain"


def put(domain: Domain, name: str, image: Path) -> None:
    size = image.stat().st_size
    begin(domain, Begin(volume=name, format=Format.RAW, size=size, file_size=size), "t", now=1.0)
    with Writer(domain, name, "t") as writer:
        writer.write(0, image.read_bytes())
    finish(domain, name, "t", Alone("t"))


def volumes(path: Path) -> dict[str, Metadata]:
    """As they lie there; each metadata file must read at any moment."""
    with Domain(str(path)) as domain:
        found = {one.id: one for one in domain.volumes()}
    assert len(found) == sum(1 for one in path.iterdir() if one.suffix == ".volume")
    return found


def clean(path: Path, jobs: tuple[str, ...] = ()) -> Iterator[Finding]:
    with Domain(str(path)) as domain:
        for item in listing(domain, jobs):
            yield item.finding


@pytest.mark.parametrize(
    ("kind", "parameters", "steps"),
    [
        ("volume.create", {"format": "qcow2", "size": 1 << 20}, [*MAKING, "volume-create-filled"]),
        ("volume.copy", {"source": "root"}, [*MAKING, "volume-copied"]),
        ("volume.copy", {"source": "root", "format": "qcow2"}, ["volume-begun", "volume-copied"]),
    ],
    ids=["create", "copy", "convert"],
)
def test_what_is_made(path: Path, kind: str, parameters: dict[str, Any], steps: list[str]) -> None:
    wanted = {"domain": "d", "volume": "new", **parameters}
    for number, step in enumerate(steps):
        job = f"j{number}"
        assert serve(path, kind, wanted, failpoint=step, job=job) is None, step
        there = volumes(path).get("new")
        if there is not None and there.state is State.LEGAL:
            assert step == "volume-legal"
            judged_sound(path / f"new.{there.format}", there.format)
        done = serve(path, kind, wanted, job=job)
        assert (done["status"], done["attempt"]) == ("done", 2), (step, done)
        made = volumes(path)["new"]
        assert made.state is State.LEGAL
        judged_sound(path / f"new.{made.format}", made.format)
        if kind == "volume.copy":
            assert judged_same(path / "root.raw", "raw", path / f"new.{made.format}", made.format)
        assert list(clean(path)) == []
        assert serve(path, "volume.delete", {"domain": "d", "volume": "new"}, job=f"d{number}")["result"][
            "deleted"
        ]


def test_what_nobody_resumes_is_removed(path: Path) -> None:
    wanted = {"domain": "d", "volume": "new", "source": "root"}
    assert serve(path, "volume.copy", wanted, failpoint="volume-copied") is None
    shutil.rmtree(f"{path}.state")
    assert list(clean(path)) == [Finding.ABANDONED]
    assert serve(path, "", {})["recovered"]["removed"] == ["new"]
    assert "new" not in volumes(path)
    assert list(clean(path)) == []


@pytest.mark.parametrize("step", ["volume-delete-marked", "volume-delete-emptied"])
def test_what_is_deleted(path: Path, step: str) -> None:
    wanted = {"domain": "d", "volume": "var"}
    assert serve(path, "volume.delete", wanted, failpoint=step) is None
    assert "var" not in volumes(path), "there is no such volume from here on"
    done = serve(path, "volume.delete", wanted)
    assert done["status"] == "done"
    assert done["recovered"]["deleted"] == ["var"]
    assert not [one for one in path.iterdir() if one.name.startswith("var")]


def secrets(image: Path) -> bool:
    """Whether e2fsprogs find a host key of the machine in the image of its root."""
    looked = subprocess.run(
        ["debugfs", "-R", "stat /etc/ssh/ssh_host_ed25519_key", image], capture_output=True, check=True
    )
    return b"Inode:" in looked.stdout


def sealed(path: Path) -> None:
    """Both are legal, shared and sealed; e2fsck and debugfs have the last word."""
    found = volumes(path)
    assert {one.state for one in found.values()} == {State.LEGAL}
    assert {one.kind for one in found.values()} == {Kind.SHARED}
    assert not secrets(path / "root.raw")
    assert complaint(path / "root.raw") == complaint(path / "var.raw") == ""
    assert list(clean(path)) == []


@pytest.mark.parametrize("step", SEALING)
def test_what_is_sealed(path: Path, original: tuple[Path, Path], step: str) -> None:
    assert secrets(path / "root.raw")
    wanted = {"domain": "d", "volumes": ["root", "var"], "generations": [1, 1]}
    assert serve(path, "volume.seal", wanted, failpoint=step) is None
    for name, image in zip(("root", "var"), original, strict=True):
        one = volumes(path)[name]
        if one.state is State.LEGAL and one.kind is Kind.LEAF:
            assert digest(path / f"{name}.raw") == digest(image), "legal, a leaf, and touched"
        elif one.state is State.LEGAL:
            assert not secrets(path / "root.raw"), "legal, shared, and not sealed"
        else:
            assert (one.state, one.reason) == (State.ILLEGAL, Reason.SEALING)
    done = serve(path, "volume.seal", wanted)
    assert (done["status"], done["attempt"]) == ("done", 2), done
    told = json.loads((path / "root.manifest").read_text())
    assert (told["kind"], told["job"]) == ("guestwright.seal.manifest", "j")
    assert told["totals"] == done["result"]["totals"]
    assert told["totals"]["files_removed"] > 0
    sealed(path)


@pytest.mark.parametrize("step", IN_THE_CHILD)
def test_when_only_the_sealing_process_is_killed(path: Path, original: tuple[Path, Path], step: str) -> None:
    """The job has failed by name, nothing is legal; the volumes can be sealed again."""
    wanted = {"domain": "d", "volumes": ["root", "var"]}
    failed = serve(path, "volume.seal", wanted, failpoint=step)
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "volume-tool-failed"
    for one in volumes(path).values():
        assert (one.state, one.kind, one.reason) == (State.ILLEGAL, Kind.LEAF, Reason.UNSEALED)
    assert list(clean(path)) == [Finding.ILLEGAL, Finding.ILLEGAL]
    listed = serve(path, "volume.cleaning", {"domain": "d"}, job="c")["result"]
    assert [(one["name"], one["finding"]) for one in listed["items"]] == [
        ("root", "illegal"),
        ("var", "illegal"),
    ]
    assert (digest(path / "root.raw") == digest(original[0])) == (step == "volume-seal-computed")
    assert serve(path, "volume.seal", wanted, job="again")["status"] == "done"
    sealed(path)


def test_a_seal_that_nobody_resumes_stays_illegal(path: Path) -> None:
    wanted = {"domain": "d", "volumes": ["root", "var"]}
    assert serve(path, "volume.seal", wanted, failpoint="volume-seal-marked") is None
    shutil.rmtree(f"{path}.state")
    assert serve(path, "", {})["recovered"]["illegal"] == ["root", "var"]
    for one in volumes(path).values():
        assert (one.state, one.holder, one.reason) == (State.ILLEGAL, None, Reason.UNSEALED)


def test_images_that_cannot_be_sealed_stay_illegal(path: Path) -> None:
    failed = serve(path, "volume.seal", {"domain": "d", "volumes": ["var"]})
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "no-operating-system"
    assert [one.reason for one in volumes(path).values()] == [Reason.NONE, Reason.UNSEALED]


def test_every_step_of_the_source_is_tried() -> None:
    root = Path(__file__).parents[4]
    sources = "".join(one.read_text() for one in (root / "src/guestwright/host/volumes").glob("*.py"))
    tests = "".join(one.read_text() for one in Path(__file__).parent.glob("test_*.py"))
    steps = [one.split('"')[1] for one in sources.split("reached(")[1:]]
    assert [one for one in steps if f'"{one}"' not in tests] == []
