"""The lab's small images are what they say, by e2fsprogs' own word."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import ext, small
from lab.artefacts import Item
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "debugfs", "e2fsck", "dumpe2fs")]

Tree = tuple[str, list[Item]]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = str(tmp_path_factory.mktemp("tree"))
    return root, small.plant_tree(root)


_CLEAN = [name for name, how in small.VARIANTS.items() if not how.dirty_journal]
_DIRTY = [name for name, how in small.VARIANTS.items() if how.dirty_journal]


@pytest.mark.parametrize("variant", _CLEAN)
def test_a_variant_is_clean_and_has_its_features(planted: Tree, tmp_path: Path, variant: str) -> None:
    image = str(tmp_path / "x.img")
    small.image(image, planted[0], variant, items=planted[1])
    assert ext.check(image) == ""
    features = ext.header(image)["Filesystem features"].split()
    for feature in filter(None, small.VARIANTS[variant].features.split(",")):
        assert (feature.lstrip("^") in features) is not feature.startswith("^")


@pytest.mark.parametrize("variant", _DIRTY)
def test_a_dirty_journal_holds_what_replay_brings_home(planted: Tree, tmp_path: Path, variant: str) -> None:
    image = str(tmp_path / "x.img")
    small.image(image, planted[0], variant, items=planted[1])
    assert "needs_recovery" in ext.header(image)["Filesystem features"].split()
    assert small.REPLAYED.decode() not in ext.debugfs(image, ["cat /etc/journalled"])
    ext.run(["e2fsck", "-y", "-E", "journal_only", image], ok=(0, 1))
    assert small.REPLAYED.decode() in ext.debugfs(image, ["cat /etc/journalled"])
    assert ext.check(image) == ""


def test_xattrs_arrive(planted: Tree, tmp_path: Path) -> None:
    image = str(tmp_path / "x.img")
    small.image(image, planted[0], "ext4", items=planted[1])
    shown = ext.debugfs(image, ["ea_list /srv/labelled", "ea_list /var/log/acl.log"])
    assert 'security.selinux (27) = "system_u:object_r:var_t:s0\\000"' in shown
    assert "user.overflow (700)" in shown


def test_debugfs_complaints_are_errors(planted: Tree, tmp_path: Path) -> None:
    image = str(tmp_path / "x.img")
    small.image(image, planted[0], "ext2", items=planted[1])
    with pytest.raises(ext.ToolFailed, match="not found"):
        ext.debugfs(image, ["stat /no/such"])
