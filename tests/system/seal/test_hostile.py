"""Over 2,000 hostile disks meet the program: it seals them, or refuses in words and changes nothing."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

from lab.hostile import HOSTILE, hostile
from lab.liars import LIARS
from lab.regions import Region, regions
from tests.support.fork_server import Server
from tests.support.hostile_runs import Canary, offences
from tests.support.images import small_original
from tests.support.mutate import mutation
from tests.support.tools import needs
from tests.system.conftest import Hostiles

pytestmark = [pytest.mark.system, needs("mke2fs", "debugfs", "e2fsck", "dumpe2fs")]

_SEEDS = int(os.environ.get("LAB_SEEDS", "165"))
_BATCH = 33
_PARTITION = 1 << 20
_IMPOSSIBLE = {
    "ext2-1k": {name for name in HOSTILE if name.startswith("journal-")},
    "ext4-inline": {"dotdot-elsewhere"},
}


def test_the_canary_notices(tmp_path: Path) -> None:
    canary = Canary(tmp_path)
    assert canary.offences("all is well") == []
    said = canary.path.read_text()
    assert canary.offences() == ["a file of the host was touched"]
    assert "a file of the host shows" in canary.offences(said)


@functools.cache
def _places(image: str) -> list[Region]:
    return regions(image)


@pytest.mark.parametrize("variant", ["ext4", "ext4-no-csum", "ext2-1k", "ext4-inline"])
def test_lying_filesystems(
    server: Server, arena: Path, canary: Canary, hostiles: Hostiles, variant: str
) -> None:
    image = arena / "x.img"
    found = {}
    for name in HOSTILE.keys() - _IMPOSSIBLE.get(variant, set()):
        hostile(name, str(hostiles(variant)), str(image))
        found[name] = offences(server, image, canary=canary)
    assert not {name: what for name, what in found.items() if what}


@pytest.mark.parametrize("name", LIARS)
def test_a_lying_partition_table(server: Server, arena: Path, canary: Canary, name: str) -> None:
    image = arena / "x.img"
    image.write_bytes(LIARS[name](Path(small_original("ext4").path).read_bytes()))
    assert offences(server, image, offset=_PARTITION, canary=canary) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, _SEEDS, _BATCH))
@pytest.mark.parametrize(
    "variant",
    [
        "ext4",
        "ext4-1k",
        "ext4-no-csum",
        "ext4-no-extent",
        "ext4-inline",
        "ext4-ea-inode",
        "ext4-htree",
        "ext4-journal",
        "ext3-1k",
        "ext2-1k",
    ],
)
def test_random_damage(
    server: Server, arena: Path, canary: Canary, hostiles: Hostiles, variant: str, first: int
) -> None:
    good = hostiles(variant)
    data, places = good.read_bytes(), _places(str(good))
    image = arena / "x.img"
    found = {}
    for seed in range(first, min(first + _BATCH, _SEEDS)):
        change = mutation(data, places, seed)
        image.write_bytes(change.data)
        if what := offences(server, image, before=change.data, canary=canary):
            found[change.label] = what
    assert not found
