"""The program without its start-up, and images made of one dirty guest tree."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.fork_server import Server
from tests.support.hostile_runs import Canary, quick_directory
from tests.support.images import small_copy, small_original

MakeImage = Callable[..., Path]
Hostiles = Callable[[str], Path]


@pytest.fixture
def make_image(tmp_path: Path) -> MakeImage:
    def make(variant: str = "ext4", name: str = "guest.img") -> Path:
        return Path(small_copy(tmp_path, variant=variant, name=name).path)

    return make


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as one:
        yield one


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A directory that costs no disk."""
    with quick_directory() as path:
        yield path


@pytest.fixture
def arena(memory: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """An empty directory in memory, of one test's own."""
    path = memory / f"test-{abs(hash(request.node.nodeid))}"
    path.mkdir()
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def canary(memory: Path) -> Canary:
    return Canary(memory)


@pytest.fixture(scope="session")
def hostiles(memory: Path, canary: Canary) -> Hostiles:
    """Good images whose symlinks name the canary, by variant; to be damaged in copies."""
    made: dict[str, Path] = {}

    def get(variant: str) -> Path:
        if variant not in made:
            path = memory / f"{variant}.img"
            shutil.copyfile(small_original(variant).path, path)
            canary.plant(str(path))
            made[variant] = path
        return made[variant]

    return get
