"""A commit that is killed leaves the images as they were, or the next open completes all of them."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest

from guestwright.disk.image import open_image
from guestwright.disk.recovery import Recovered, recover
from guestwright.disk.redo import FAILPOINTS, CommitPart, commit
from guestwright.disk.redo_names import SUFFIX
from tests.support import commit_runs as runs
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("qemu-nbd", "qemu-img")]

BEFORE_MARK = FAILPOINTS[: FAILPOINTS.index("committed")]
SETS = {
    "raw": ["raw"],
    "qcow2": ["qcow2"],
    "two-raw": ["raw", "raw"],
    "raw-qcow2": ["raw", "qcow2"],
    "qcow2-raw": ["qcow2", "raw"],
}


class Machine:
    """A set of images, their old content and what a commit makes of it."""

    def __init__(self, work: Path, formats: list[str]) -> None:
        self.paths = [work / f"disk{number}.{name}" for number, name in enumerate(formats)]
        self.old = [
            runs.make_image(path, runs.format_of(path), number) for number, path in enumerate(self.paths)
        ]
        self.new = [runs.after(old, runs.extents(1, number)) for number, old in enumerate(self.old)]

    def contents(self, *, backwards: bool = False) -> list[bytes]:
        order = list(reversed(self.paths)) if backwards else self.paths
        found = [runs.content_of(path) for path in order]
        return list(reversed(found)) if backwards else found

    def check(self) -> None:
        """No log is left and QEMU finds nothing wrong."""
        assert not list(self.paths[0].parent.glob(f"*{SUFFIX}"))
        for path in self.paths:
            if runs.format_of(path) == "qcow2":
                subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", path], check=True)


@pytest.fixture(params=list(SETS.values()), ids=list(SETS))
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(tmp_path, request.param)


def test_commit_writes_everything_and_leaves_no_log(machine: Machine) -> None:
    process = runs.start(1, machine.paths)
    assert process.communicate()[0] == "open\ncommitted\n"
    assert machine.contents() == machine.new
    machine.check()


@pytest.mark.parametrize("backwards", [False, True], ids=["first-disk-first", "last-disk-first"])
@pytest.mark.parametrize("point", FAILPOINTS)
def test_killed_at_a_failpoint(machine: Machine, point: str, backwards: bool) -> None:
    process = runs.start(1, machine.paths, GUESTWRIGHT_FAILPOINT=f"{point}:kill")
    process.communicate()
    assert process.returncode == -9
    expected = machine.old if point in BEFORE_MARK else machine.new
    assert machine.contents(backwards=backwards) == expected
    machine.check()


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_a_random_moment(machine: Machine, seed: int) -> None:
    process = runs.start(1, machine.paths)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    time.sleep(random.Random(seed).uniform(0, 0.12))
    process.kill()
    process.communicate()
    found = machine.contents(backwards=bool(seed % 2))
    assert found in (machine.old, machine.new)
    machine.check()


@pytest.mark.parametrize("second", ["applied-one", "applied", "flushed", "log-removed"])
def test_recovery_that_is_killed_is_recovered(tmp_path: Path, second: str) -> None:
    machine = Machine(tmp_path, ["raw", "qcow2"])
    runs.start(1, machine.paths, GUESTWRIGHT_FAILPOINT="applied-one:kill").communicate()
    again = runs.start(1, machine.paths[1:], GUESTWRIGHT_FAILPOINT=f"{second}:kill")
    again.communicate()
    assert machine.contents() == machine.new
    machine.check()


def test_recover_says_what_it_did(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ["raw"])
    path = str(machine.paths[0])
    assert recover(path) is Recovered.NONE
    runs.start(1, machine.paths, GUESTWRIGHT_FAILPOINT="log-synced:kill").communicate()
    assert recover(path) is Recovered.DISCARDED
    assert recover(path) is Recovered.NONE
    runs.start(1, machine.paths, GUESTWRIGHT_FAILPOINT="applied:kill").communicate()
    assert recover(path) is Recovered.FINISHED
    assert recover(path) is Recovered.NONE


def test_pointer_whose_log_ended_is_forgotten(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ["raw", "raw"])
    runs.start(1, machine.paths, GUESTWRIGHT_FAILPOINT="log-removed:kill").communicate()
    assert len(list(tmp_path.glob(f"*{SUFFIX}"))) == 1
    assert machine.contents() == machine.new
    machine.check()


def test_commit_of_nothing_leaves_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ["raw", "raw"])
    images = [open_image(str(path), format="raw", writable=True) for path in machine.paths]
    same = [(4096, machine.old[0][4096:8192])]
    done = commit([CommitPart(image=images[0], writes=same), CommitPart(image=images[1], writes=[])])
    assert (done.size, done.extents) == (0, 0)
    for image in images:
        image.close()
    machine.check()


def test_log_is_private(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ["raw", "raw"])
    runs.start(1, machine.paths, GUESTWRIGHT_FAILPOINT="committed:kill").communicate()
    logs = list(tmp_path.glob(f"*{SUFFIX}"))
    assert [log.stat().st_mode & 0o777 for log in logs] == [0o600, 0o600]


@needs("losetup")
def test_block_device_keeps_its_log_in_the_state_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path, ["raw"])
    state = tmp_path / "state"
    monkeypatch.setenv("GUESTWRIGHT_STATE", str(state))
    command = ["losetup", "-f", "--show", str(machine.paths[0])]
    loop = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    try:
        link = tmp_path / "link.raw"
        link.symlink_to(loop)
        runs.start(1, [link], GUESTWRIGHT_FAILPOINT="applied-one:kill").communicate()
        assert len(list((state / "redo").iterdir())) == 1
        with open_image(loop, format="raw") as image:
            assert image.device.read(0, runs.SIZE) == machine.new[0]
        assert not list((state / "redo").iterdir())
    finally:
        subprocess.run(["losetup", "-d", loop], check=True)
