"""What judges trees: two readers that have nothing in common."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab import small
from tests.support import trees
from tests.support.tools import needs

pytestmark = [pytest.mark.machine, needs("guestfish", "mke2fs"), pytest.mark.timeout(900)]


@pytest.mark.skipif(os.geteuid() != 0, reason="the host's kernel mounts for root only")
def test_two_readers_see_the_same_tree(tmp_path: Path) -> None:
    root, image = str(tmp_path / "tree"), str(tmp_path / "x.img")
    small.image(image, root, "ext4", items=small.plant_tree(root))
    by_kernel = {path: node for path, node in trees.mounted(image).items() if node.kind != "socket"}
    assert trees.appliance([image], ["/dev/sda"]) == by_kernel
