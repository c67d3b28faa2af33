"""A service that is killed in the middle of a sysprep leaves nothing once it has started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.host.errors import HostError
from guestwright.host.sysprep.sweep import sweep
from guestwright.xenstore.client.client import Client
from tests.support.program import running
from tests.support.xenstored import started

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[3]
HOME = "/local/domain/5"
CANARY = "canary-7b1f"
# The service: its drive is a name in a directory; it kills itself at one of its steps.
_SERVICE = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from guestwright.host.sysprep.conversation import Conversation, Wish
from guestwright.host.sysprep.medium import FileMedium
from guestwright.xenstore.client.client import Client
address, media, drive, step = sys.argv[2:6]
def now(name):
    if name == step:
        os.kill(os.getpid(), signal.SIGKILL)
class Drive:
    def insert(self, path):
        now("written")
        os.symlink(path, drive)
        now("inserted")
    def eject(self, path, *, force):
        now("ejecting")
        os.unlink(drive)
        now("ejected")
class Medium(FileMedium):
    def insert(self):
        now("begin")
        super().insert()
    def destroy(self):
        now("destroying")
        super().destroy()
        now("destroyed")
medium = Medium(media, "01hv", lambda: sys.stdin.buffer.read(), Drive())
wish = Wish(domain="vm", domid=5, label="L", filename="D://a", medium="x", speaks=True)
with Client(address) as store:
    Conversation(store, wish, medium, progress=lambda step: now(step.name)).run()
"""
STEPS = [
    "begin", "inserting-media", "written", "inserted", "media-inserted", "asked", "running", "finished",
    "ejecting", "ejected", "destroying", "destroyed",
]  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Iterator[Client]:
    with started("ours") as server, Client(server.socket) as client:
        client.write("/tests/address", server.socket)
        yield client


def guest(store: Client, died: threading.Event) -> None:
    """Does its part at once, as far as it is asked."""
    store.write(f"{HOME}/data/guestwright/sysprep/media-seen", "sr0 L")
    with store.watch(f"{HOME}/control/sysprep") as watch:
        while not died.is_set():
            if store.get(f"{HOME}/control/sysprep/action") == b"sysprep":
                store.write(f"{HOME}/control/sysprep/action", "running")
                store.wait_until(f"{HOME}/tests", lambda value: value is not None, 20)
                store.rm(f"{HOME}/control/sysprep/action")
                return
            watch.get(20)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at(step: str, store: Client, tmp_path: Path) -> None:
    media, drive = tmp_path / "media", tmp_path / "drive"
    store.write(HOME, "")
    store.write(f"{HOME}/data/guestwright/sysprep/media-seen", "sr0 L")
    died = threading.Event()
    with Client(store.read_text("/tests/address")) as other:
        agent = threading.Thread(target=guest, args=(other, died))
        agent.start()
        argv = [sys.executable, "-c", _SERVICE, str(ROOT / "src"), store.read_text("/tests/address")]
        with running([*argv, str(media), str(drive), step], stdin=subprocess.PIPE) as service:
            assert service.stdin is not None
            service.stdin.write(CANARY.encode())
            service.stdin.close()
            if step in STEPS[STEPS.index("finished") :]:
                store.write(f"{HOME}/tests", "go on")
            assert service.wait(60) == -signal.SIGKILL
        died.set()
        store.write(f"{HOME}/control/sysprep/wake", "")
        store.write(f"{HOME}/tests", "go on")
        agent.join(60)
    ejected: list[str] = []

    def eject(path: str) -> None:
        if os.path.lexists(drive) and os.readlink(drive) == path:
            drive.unlink()
        ejected.append(path)

    swept = sweep(store, [5, 4711], str(media), eject)
    assert swept.problems == ()
    assert swept.images == len(ejected) <= 1
    assert not os.path.lexists(drive)
    assert store.get(f"{HOME}/control/sysprep/action") is None
    assert not any(CANARY.encode() in one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert sweep(store, [5], str(media), eject).images == 0
    store.rm(HOME)


def test_one_thing_that_stays_does_not_keep_the_rest(store: Client, tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir(0o711)
    for name in ("a", "b"):
        (media / f"{name}.sysprep.iso").write_text(CANARY)

    def eject(path: str) -> None:
        if "a.sysprep" in path:
            raise HostError(problem="locked by the guest")

    swept = sweep(store, [], str(media), eject)
    assert swept.images == 2
    assert swept.problems == ("locked by the guest",)
    assert list(media.iterdir()) == []
