"""A script's shell may have to wait for the mount it works in; nothing else of ours waits with it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from guestwright.guestfs.drivers.appliance import script
from tests.support.tools import needs

pytestmark = [
    pytest.mark.system,
    needs("mount", "umount"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a bare mount of FUSE is root's"),
]


@pytest.fixture
def unserved(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A FUSE mount whose first request nobody answers; and the descriptor that ends it when it is closed."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
    subprocess.run(
        ["mount", "-i", "-t", "fuse", "-o", options, "lab", tmp_path], check=True, pass_fds=[device]
    )
    try:
        yield tmp_path, device
    finally:
        with suppress(OSError):
            os.close(device)
        subprocess.run(["umount", "-l", tmp_path], check=False, capture_output=True)


def test_the_thread_that_is_to_serve_the_mount_is_not_held_up(
    unserved: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    top, device = unserved
    monkeypatch.setattr(script, "_unmount", lambda _tool, _top: None)
    outcome = [""]
    runner = threading.Thread(target=script._run, args=("", str(top), "true", outcome))
    runner.start()
    turns = 0
    while turns < 20 and runner.is_alive():
        time.sleep(0.02)
        turns += 1
    assert runner.is_alive(), "the shell waits for the mount"
    os.close(device)  # as when the server dies: every request fails
    runner.join(60)
    assert not runner.is_alive()
    assert outcome == ["ended with status 1"]
