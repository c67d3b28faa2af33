"""Sealing as a verb: overlays of a shared volume, refusals, and being cancelled at the last moment."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.errors import UsageError
from guestwright.base.record import replace
from guestwright.host.jobs.alone import Alone
from guestwright.host.jobs.errors import Cancelled
from guestwright.host.volumes.copy import Copy, copy
from guestwright.host.volumes.create import Create, create
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.errors import BadVolume, GenerationMismatch, HasChildren, WrongState
from guestwright.host.volumes.metadata import Format, Kind, Reason, State
from guestwright.host.volumes.rules import Update
from guestwright.host.volumes.seal import Seal, seal
from guestwright.host.volumes.update import update
from tests.support.disks import digest
from tests.support.images import small_original
from tests.support.tools import needs
from tests.support.volumes import judged_sound

pytestmark = [pytest.mark.system, needs("qemu-img", "qemu-nbd", "mke2fs", "e2fsck", "debugfs")]


@pytest.fixture
def domain(tmp_path: Path) -> Iterator[Domain]:
    """With a dirty Debian called root, qcow2, a leaf."""
    original = Path(small_original().path)
    with Domain(str(tmp_path / "domain"), make=True) as one:
        size = original.stat().st_size
        made = create(one, Create(volume="raw", format=Format.RAW, size=size), Alone("1"), now=1.0)
        Path(one.data_path(made)).write_bytes(original.read_bytes())
        copy(one, one, Copy(source="raw", volume="root", format=Format.QCOW2), Alone("2"), now=1.0)
        yield one


def file(domain: Domain, volume: str) -> Path:
    return Path(domain.data_path(domain.read(volume)))


def test_an_overlay_is_sealed_and_what_it_stands_on_is_left_alone(domain: Domain, tmp_path: Path) -> None:
    update(domain, "root", 1, Update(shared=True))
    create(domain, Create(volume="child", format=Format.QCOW2, parent="root"), Alone("3"), now=1.0)
    before = file(domain, "root").read_bytes()
    with pytest.raises(WrongState, match="cannot become shared"):
        seal(domain, Seal(volumes=("child",)), Alone("4"))
    done = seal(domain, Seal(volumes=("child",), shared=False), Alone("5"))
    assert done["totals"]["files_removed"] > 0
    child = domain.read("child")
    assert (child.kind, child.state, child.parent, child.sealed) == (Kind.LEAF, State.LEGAL, "root", "5")
    assert file(domain, "root").read_bytes() == before
    judged_sound(file(domain, "child"), "qcow2")
    flat = tmp_path / "flat.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", file(domain, "child"), flat], check=True)
    subprocess.run(["e2fsck", "-fn", flat], check=True, stdout=subprocess.DEVNULL)
    with pytest.raises(WrongState, match="only a leaf"):
        seal(domain, Seal(volumes=("root",)), Alone("6"))


class Undecided(Alone):
    """Is cancelled when everything is computed and only the commit is left."""

    def commit(self) -> None:
        raise Cancelled(job=self.job.id)


def test_cancelled_before_the_commit(domain: Domain) -> None:
    before = digest(file(domain, "root"))
    with pytest.raises(Cancelled):
        seal(domain, Seal(volumes=("root",)), Undecided("3"))
    there = domain.read("root")
    assert (there.state, there.reason, there.holder) == (State.ILLEGAL, Reason.UNSEALED, None)
    assert digest(file(domain, "root")) == before
    with pytest.raises(WrongState, match="seal it again"):
        update(domain, "root", there.generation, Update(legal=True))
    seal(domain, Seal(volumes=("root",)), Alone("4"))
    assert (domain.read("root").state, domain.read("root").kind) == (State.LEGAL, Kind.SHARED)


def test_only_some_operations(domain: Domain) -> None:
    done = seal(domain, Seal(volumes=("root",), operations="machine-id", generations=(1,)), Alone("3"))
    assert done["totals"]["operations_changed"] == 1


GOOD = Seal(volumes=("root",))
REFUSED: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "none": ({"volumes": ()}, BadVolume),
    "twice": ({"volumes": ("root", "root")}, BadVolume),
    "generation": ({"generations": (9,)}, GenerationMismatch),
    "generations": ({"generations": (1, 1)}, BadVolume),
    "unknown-operation": ({"operations": "cleanse"}, UsageError),
    "unknown-option": ({"options": {"depth": 3}}, UsageError),
    "script-by-option": ({"options": {"scripts": ["/bin/true"]}}, UsageError),
    "directives-by-option": ({"options": {"directives": [{}]}}, UsageError),
    "script": ({"operations": "defaults,script"}, BadVolume),
    "customize": ({"operations": "customize"}, BadVolume),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_anything_is_touched(domain: Domain, name: str) -> None:
    changes, error = REFUSED[name]
    before = domain.read("root")
    with pytest.raises(error):
        seal(domain, replace(GOOD, **changes), Alone("3"))
    assert domain.read("root") == before


def test_what_others_stand_on_is_not_sealed(domain: Domain) -> None:
    update(domain, "root", 1, Update(shared=True))
    create(domain, Create(volume="child", format=Format.QCOW2, parent="root"), Alone("3"), now=1.0)
    with pytest.raises((HasChildren, WrongState)):
        seal(domain, GOOD, Alone("4"))
    assert domain.read("root").state is State.LEGAL
