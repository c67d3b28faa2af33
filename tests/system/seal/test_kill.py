"""`kill -9` at 200 random moments of `seal run`: as before, or completed by the next command, never half."""

from __future__ import annotations

import random
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from guestwright.disk.redo import FAILPOINTS
from tests.support.disks import CLOCK, complaint, converted, digest
from tests.support.fork_server import Server
from tests.support.images import small_original
from tests.support.program import guestwright
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("e2fsck", "mke2fs", "debugfs", "qemu-img", "qemu-nbd")]

ROUNDS = 25
SUFFIXES = [".img", ".qcow2"]


def sealed_copy(server: Server, original: Path, work: Path) -> float:
    """Seal a copy in peace; the seconds that takes."""
    shutil.copyfile(original, work)
    ran = server.run("seal", "run", "--no-manifest", str(work), env=CLOCK)
    assert ran.status == 0, ran.err
    return ran.seconds


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("seed", range(4))
def test_kill_at_random_moments(server: Server, seed: int, suffix: str, arena: Path) -> None:
    original = converted(Path(small_original().path), arena / f"original{suffix}")
    work = arena / f"work{suffix}"
    length = sealed_copy(server, original, work)
    states = {digest(original): "as before", digest(work): "sealed"}
    assert len(states) == 2
    chosen = random.Random(seed)
    outcomes: Counter[str] = Counter()
    for number in range(ROUNDS):
        shutil.copyfile(original, work)
        # every other time near the end, where the image is written to
        moment = chosen.uniform(0.02 if number % 2 else 0.75, 1.02) * length
        killed = server.run(
            "seal", "run", "--quiet", "--no-manifest", str(work), env=CLOCK, kill_after=moment
        )
        assert killed.status in {0, -signal.SIGKILL}
        assert not killed.left
        # Any command on the image settles it; verify is the one that would notice a half.
        settled = server.run("seal", "verify", "--json", str(work), env=CLOCK)
        state = states[digest(work)]
        assert settled.status == (3 if state == "as before" else 0), settled.err
        assert complaint(work) == ""
        assert [path.name for path in arena.iterdir() if "redo" in path.name] == []
        outcomes[state] += 1
    assert outcomes["as before"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_killed_at_every_failpoint(server: Server, arena: Path, suffix: str) -> None:
    """The boundaries of a commit, killed exactly there through the environment."""
    original = converted(Path(small_original().path), arena / f"original{suffix}")
    sealed, work = arena / f"sealed{suffix}", arena / f"work{suffix}"
    sealed_copy(server, original, sealed)
    before, after = digest(original), digest(sealed)
    for number, name in enumerate(FAILPOINTS):
        shutil.copyfile(original, work)
        env = {**CLOCK, "GUESTWRIGHT_FAILPOINT": f"{name}:kill"}
        assert server.run("seal", "run", "--no-manifest", str(work), env=env).status == -signal.SIGKILL
        server.run("seal", "verify", str(work), env=CLOCK)
        assert digest(work) == (before if number < FAILPOINTS.index("committed") else after), name
        assert [path.name for path in arena.iterdir() if "redo" in path.name] == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_interrupted_from_the_keyboard(server: Server, arena: Path, suffix: str) -> None:
    """Ctrl-C at 20 moments: "nothing was changed" is true, or it came too late and the image is sealed."""
    original = converted(Path(small_original().path), arena / f"original{suffix}")
    work = arena / f"work{suffix}"
    length = sealed_copy(server, original, work)
    states = {digest(original): 130, digest(work): 0}
    outcomes: Counter[int] = Counter()
    for number in range(20):
        shutil.copyfile(original, work)
        moment = (number + 1) / 20 * length
        ran = server.run(
            "seal", "run", "--no-manifest", str(work), env=CLOCK, kill_after=moment, interrupt=True
        )
        assert not ran.left
        assert ran.status == states[digest(work)], ran
        if ran.status:
            assert ran.err.endswith("guestwright: interrupted; nothing was changed\n")
            assert "Traceback" not in ran.err
        assert [path.name for path in arena.iterdir() if "redo" in path.name] == []
        outcomes[ran.status] += 1
    assert outcomes[130] >= 5


def test_the_program_itself_dies_and_is_completed(tmp_path: Path) -> None:
    """Once with an interpreter of its own, from start to end."""
    image = converted(Path(small_original().path), tmp_path / "guest.img")
    env = {**CLOCK, "GUESTWRIGHT_FAILPOINT": "applied-one:kill"}
    assert guestwright("seal", "run", "--no-manifest", str(image), env=env).status == -signal.SIGKILL
    assert complaint(image) != ""
    assert guestwright("seal", "verify", str(image)).status == 0
    assert complaint(image) == ""
