"""Machines of two disks are sealed together: every log on /var goes, and both disks change or none."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from guestwright.disk.redo import FAILPOINTS
from lab import ext
from tests.support.disks import CLOCK, VAR_UUID, complaint, converted, digest, two_disks
from tests.support.fork_server import Server
from tests.support.program import guestwright
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("e2fsck", "mke2fs", "debugfs", "qemu-img", "qemu-nbd")]

ROUNDS = 10
Disks = tuple[Path, Path]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Disks]:
    made: dict[str, Disks] = {}

    def get(spec: str) -> Disks:
        if spec not in made:
            made[spec] = two_disks(tmp_path_factory.mktemp("disks"), spec)
        return made[spec]

    return get


def digests(disks: Disks) -> tuple[str, ...]:
    return tuple(digest(one) for one in disks)


def names(disks: Disks) -> list[str]:
    return [str(one) for one in disks]


@pytest.mark.parametrize("spec", [f"UUID={VAR_UUID}", "/dev/vdb", "/dev/sdb"])
def test_sealed_together(originals: Callable[[str], Disks], tmp_path: Path, spec: str) -> None:
    root, var = (converted(one, tmp_path / one.name) for one in originals(spec))
    assert "auth.log" in ext.debugfs(str(var), ["ls /log"])
    ran = guestwright("seal", "run", "--json", "--no-manifest", str(root), str(var))
    assert ran.status == 0, ran.out + ran.err
    assert [one["path"] for one in ran.json["images"]] == [str(root), str(var)]
    assert "auth.log" not in ext.debugfs(str(var), ["ls /log"])
    assert [complaint(root), complaint(var)] == ["", ""]
    verified = guestwright("seal", "verify", "--json", str(root), str(var))
    assert verified.status == 0
    assert verified.json["leftovers"] == []


def test_a_missing_var_is_refused_and_can_be_accepted(
    originals: Callable[[str], Disks], tmp_path: Path
) -> None:
    original = originals(f"UUID={VAR_UUID}")[0]
    root = converted(original, tmp_path / "root.img")
    refused = guestwright("seal", "run", "--no-manifest", str(root))
    assert refused.status == 4
    assert "/var" in refused.err
    assert "--allow-missing-mounts" in refused.err
    assert digest(root) == digest(original)
    assert guestwright("seal", "run", "--no-manifest", "--allow-missing-mounts", str(root)).status == 0


def test_a_data_disk_alone_is_refused(originals: Callable[[str], Disks]) -> None:
    refused = guestwright("seal", "plan", str(originals(f"UUID={VAR_UUID}")[1]))
    assert refused.status == 4
    assert "all disks of the machine together" in refused.err


@pytest.mark.parametrize(
    ("first", "second", "point"),
    [("qcow2", "img", point) for point in FAILPOINTS]
    + [("img", "qcow2", point) for point in ("committed", "applied-one", "log-removed")],
)
def test_killed_at_a_failpoint(
    server: Server, originals: Callable[[str], Disks], arena: Path, first: str, second: str, point: str
) -> None:
    """Afterwards only the second disk is opened: that finishes both, or changes none."""
    good = originals("/dev/vdb")
    disks = converted(good[0], arena / f"root.{first}"), converted(good[1], arena / f"var.{second}")
    before = digests(disks)
    command = ["seal", "run", "--no-manifest", *names(disks)]
    killed = server.run(*command, env={**CLOCK, "GUESTWRIGHT_FAILPOINT": f"{point}:kill"})
    assert killed.status == -signal.SIGKILL, killed.err
    assert server.run("seal", "verify", str(disks[1]), env=CLOCK).status == 4  # no system on it
    after = digests(disks)
    if FAILPOINTS.index(point) < FAILPOINTS.index("committed"):
        assert after == before
        assert server.run(*command, env=CLOCK).status == 0
    else:
        assert all(now != old for now, old in zip(after, before, strict=True))
    assert server.run("seal", "verify", *names(disks), env=CLOCK).status == 0
    assert not list(arena.glob("*redo*"))
    assert [complaint(one) for one in disks] == ["", ""]


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_moments(
    server: Server, originals: Callable[[str], Disks], arena: Path, seed: int
) -> None:
    good = originals(f"UUID={VAR_UUID}")
    disks = arena / "root.img", arena / "var.img"
    command = ["seal", "run", "--quiet", "--no-manifest", *names(disks)]
    for source, target in zip(good, disks, strict=True):
        shutil.copyfile(source, target)
    whole = server.run(*command, env=CLOCK)
    assert whole.status == 0, whole.err
    states = {digests(good): 3, digests(disks): 0}
    chosen = random.Random(seed)
    for _ in range(ROUNDS):
        for source, target in zip(good, disks, strict=True):
            shutil.copyfile(source, target)
        ran = server.run(*command, env=CLOCK, kill_after=chosen.uniform(0.5, 1.02) * whole.seconds)
        assert not ran.left
        settled = server.run("seal", "verify", *names(disks), env=CLOCK)
        assert settled.status == states[digests(disks)]
        assert not list(arena.glob("*redo*"))
