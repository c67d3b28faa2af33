"""Hostile images: reproducible, different from the good one, and lies that e2fsck or sfdisk notices."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab import checksums, ext, small
from lab.hostile import HOSTILE, hostile
from lab.liars import LIARS
from lab.regions import Part, Region, regions
from tests.support.mutate import _repair, mutation
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "debugfs", "e2fsck", "dumpe2fs", "sfdisk")]

# lies that a check of the filesystem alone cannot see: values that are legal, only unkind
_LEGAL = {
    "os-release-huge",
    "flag-immutable",
    "flag-ea-inode",
    "flag-verity",
    "super-error-state",
    "super-desc-size-1",  # e2fsck complains of descriptors, then takes the back-up superblock and is content
    "super-meta-bg-huge",
    "orphan-out-of-range",
    "journal-first-huge",
    "journal-start-huge",
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    top = tmp_path_factory.mktemp("good")
    root = str(top / "tree")
    items = small.plant_tree(root)
    images = {}
    for variant in (
        "ext4",
        "ext4-1k",
        "ext4-bigalloc",
        "ext4-csum-seed",
        "ext4-no-csum",
        "ext2-1k",
        "ext4-htree",
    ):
        images[variant] = str(top / f"{variant}.img")
        small.image(images[variant], root, variant, items=items)
    return images


@pytest.mark.parametrize("variant", ["ext4", "ext4-1k", "ext4-bigalloc", "ext4-csum-seed"])
def test_our_checksums_are_those_of_mke2fs(good: dict[str, str], variant: str) -> None:
    places = regions(good[variant])
    sample: dict[Part, list[Region]] = {}
    for place in places:
        in_use = place.part not in {Part.BLOCK_BITMAP, Part.INODE_BITMAP} or place.number == 0
        if in_use and len(sample.setdefault(place.part, [])) < 12:
            sample[place.part].append(place)
    data = Path(good[variant]).read_bytes()
    where = checksums.layout(data)
    assert where.checksums
    again = bytearray(data)
    for place in (place for some in sample.values() for place in some):
        _repair(again, place, where)
    assert again == data


@pytest.mark.parametrize("variant", ["ext4", "ext2-1k", "ext4-htree"])
def test_every_kind_of_metadata_is_found(good: dict[str, str], variant: str) -> None:
    parts = {place.part for place in regions(good[variant])}
    assert parts == set(Part) - ({Part.JOURNAL} if variant == "ext2-1k" else set())


def test_a_seed_makes_the_same_mutation_again(good: dict[str, str]) -> None:
    data, places = Path(good["ext4"]).read_bytes(), regions(good["ext4"])
    assert mutation(data, places, 7) == mutation(data, places, 7)
    assert mutation(data, places, 7) != mutation(data, places, 8)


@pytest.mark.parametrize("variant", ["ext4", "ext4-no-csum"])
def test_most_mutations_are_damage(good: dict[str, str], tmp_path: Path, variant: str) -> None:
    data, places = Path(good[variant]).read_bytes(), regions(good[variant])
    image = tmp_path / "x.img"
    damaged = 0
    for seed in range(20):
        image.write_bytes(mutation(data, places, seed).data)
        damaged += ext.check(str(image)) != ""
    assert damaged >= 14


@pytest.mark.parametrize("name", HOSTILE)
def test_a_lie_is_a_lie_with_right_checksums(good: dict[str, str], tmp_path: Path, name: str) -> None:
    image = hostile(name, good["ext4"], str(tmp_path / "x.img"))
    assert Path(image).read_bytes() != Path(good["ext4"]).read_bytes()
    said = ext.check(image)
    assert (said == "") == (name in _LEGAL)
    if not name.startswith("super-"):
        assert "checksum" not in said.replace("journal_checksum", "")


@pytest.mark.parametrize("name", LIARS)
def test_a_partition_table_is_made(good: dict[str, str], tmp_path: Path, name: str) -> None:
    disk = tmp_path / "x.img"
    disk.write_bytes(LIARS[name](Path(good["ext4"]).read_bytes()))
    if name.endswith("-true"):
        done = subprocess.run(["sfdisk", "--verify", disk], capture_output=True, check=True)
        assert b"Linux" in subprocess.run(["sfdisk", "-l", disk], capture_output=True, check=True).stdout, (
            done
        )
        assert ext.check(str(disk), offset=1 << 20) == ""
