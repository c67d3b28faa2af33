"""Freezing real file systems: they thaw when told to, when time is up, and when the agent was killed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestwright.xenstore.client.client import Client
from tests.support.agent_process import World, agent, eventually, serving
from tests.support.program import running
from tests.support.tools import needs

pytestmark = [
    pytest.mark.system,
    needs("mke2fs", "unshare", "mount"),
    pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/loop-control"), reason="cannot mount"),
]

REQUEST, STATE = "data/guestwright/fsfreeze/request", "data/guestwright/fsfreeze/state"


@contextmanager
def guest(tmp_path: Path, timeout: int = 60) -> Iterator[tuple[World, Path]]:
    """An agent in a mount namespace with a file system of its own; where that is seen from outside."""
    image, mount = tmp_path / "image", tmp_path / "mount"
    mount.mkdir()
    subprocess.run(["truncate", "-s", "8M", image], check=True)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", image], check=True)
    script = 'mount -o loop "$0" "$1"; shift; exec "$@"'
    prefix = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, str(image), str(mount)]
    config = '[features]\nexec = true\n[exec]\ncommands = ["*"]\n'
    config += f'[fsfreeze]\npaths = ["{mount}"]\ntimeout = {timeout}\n'
    with (
        serving("ours", tmp_path) as (host, options),
        Client(host) as store,
        agent(options, tmp_path, config, prefix=prefix) as (process, log),
    ):
        one = World(store, process, log)
        one.wait("data/updated", lambda value: value is not None)
        handle = os.open(f"/proc/{process.pid}/root{mount}", os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield one, Path(f"/proc/{os.getpid()}/fd/{handle}")
        finally:
            os.close(handle)


def writes(path: Path, seconds: float) -> bool:
    """Whether something can be written within a time."""
    with running(["touch", path / f"x{time.monotonic_ns()}"]) as process:
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            process.kill()  # it dies when the file system thaws
            return False


def freeze(one: World, seconds: int) -> None:
    one.put(REQUEST, f"freeze {seconds}")
    assert (
        one.wait(STATE, lambda value: value is not None and value.startswith(("frozen", "failed")))
        == f"frozen 1 {seconds}"
    )


def test_frozen_until_told_to_thaw(tmp_path: Path) -> None:
    with guest(tmp_path) as (one, inside):
        assert writes(inside, 5)
        freeze(one, 30)
        blocked = subprocess.Popen(["touch", inside / "later"])
        try:
            time.sleep(0.5)
            assert blocked.poll() is None
            # The agent goes on, and runs nothing that might write.
            with pytest.raises(Exception, match="frozen"):
                one.guest.run(["/bin/true"])
            one.put(REQUEST, "thaw")
            one.wait(STATE, lambda value: value == "thawed")
            assert blocked.wait(60) == 0
        finally:
            one.put(REQUEST, "thaw")
            blocked.wait(40)
        assert one.guest.run(["/bin/true"]).status == 0


def test_it_thaws_by_itself(tmp_path: Path) -> None:
    with guest(tmp_path) as (one, inside):
        freeze(one, 1)
        one.wait(STATE, lambda value: value == "thawed: time is up")
        assert writes(inside, 5)
        freeze(one, 1)  # and may be frozen again
        one.wait(STATE, lambda value: value == "thawed: time is up")


def test_the_owner_sets_the_longest_time(tmp_path: Path) -> None:
    with guest(tmp_path, timeout=1) as (one, _):
        one.put(REQUEST, "freeze 900")
        one.wait(STATE, lambda value: value == "frozen 1 1")
        one.wait(STATE, lambda value: value == "thawed: time is up")


def test_it_thaws_when_the_agent_is_killed(tmp_path: Path) -> None:
    with guest(tmp_path) as (one, inside):
        freeze(one, 50)
        one.process.kill()
        one.process.wait()
        one.process.returncode = 0
        eventually(lambda: writes(inside, 5))


def test_nonsense_is_refused(tmp_path: Path) -> None:
    with guest(tmp_path) as (one, inside):
        one.put(REQUEST, "melt")
        one.wait(STATE, lambda value: value is not None and value.startswith("failed: expected"))
        assert writes(inside, 5)
