"""On a file system that shares blocks, a copy of a raw volume takes no room of its own."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.host.jobs.alone import Alone
from guestwright.host.volumes.content import Method
from guestwright.host.volumes.copy import Copy, copy
from guestwright.host.volumes.create import Create, create
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.metadata import Format
from tests.support.tools import needs
from tests.support.volumes import judged_same

pytestmark = [pytest.mark.system, needs("mkfs.xfs", "mount", "qemu-img")]

MIB = 1 << 20
DATA = 100 * MIB


@pytest.fixture
def xfs(tmp_path: Path) -> Iterator[Path]:
    """A file system that shares blocks, 320 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a filesystem")
    image, path = tmp_path / "xfs.img", tmp_path / "mounted"
    path.mkdir()
    subprocess.run(["truncate", "-s", "320M", image], check=True)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, path], check=True)
    yield path
    subprocess.run(["umount", path], check=True)


def free(path: Path) -> int:
    state = os.statvfs(path)
    return state.f_bavail * state.f_frsize


def test_blocks_are_shared(xfs: Path) -> None:
    with Domain(str(xfs / "domain"), make=True) as domain:
        made = create(domain, Create(volume="v", format=Format.RAW, size=1 << 30), Alone("1"), now=1.0)
        with open(domain.data_path(made), "r+b") as stream:
            stream.write(random.Random(1).randbytes(DATA))
            os.fsync(stream.fileno())
        before = free(xfs)
        twin, copied = copy(domain, domain, Copy(source="v", volume="twin"), Alone("2"), now=1.0)
        assert (copied.method, copied.moved) == (Method.CLONE, 0)
        assert before - free(xfs) < DATA // 10
        assert judged_same(Path(domain.data_path(made)), "raw", Path(domain.data_path(twin)), "raw")
        with open(domain.data_path(twin), "r+b") as stream:
            stream.write(b"mine")
        assert not judged_same(Path(domain.data_path(made)), "raw", Path(domain.data_path(twin)), "raw")
