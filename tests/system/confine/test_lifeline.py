"""A tool whose parent is killed ends, whatever moment it was in; one that ends leaves no guardian."""

from __future__ import annotations

import os
import signal
import time

import pytest

from guestwright.confine.lifeline import Lifeline
from guestwright.confine.process import find_tool, spawn

pytestmark = [pytest.mark.system]

_DEAF = "trap '' TERM; while :; do sleep 1; done"


def guarded(script: str) -> tuple[int, int]:
    """A process that runs a guarded shell; its process id and the shell's."""
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        lifeline = Lifeline()
        shell = find_tool("sh", "dash")
        child = spawn(
            [find_tool("setpriv", "util-linux"), "--pdeathsig", "clear", "--", shell, "-c", script],
            setup=lifeline.guard,
            require=False,
        )
        lifeline.started()
        os.write(writer, str(child.pid).encode())
        os.close(writer)
        child.wait()
        lifeline.close()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        return parent, int(told.read())


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize(("script", "seconds"), [("sleep 60", 2), (_DEAF, 8)], ids=["willing", "deaf"])
def test_tool_ends_when_its_parent_is_killed(script: str, seconds: float) -> None:
    parent, tool = guarded(script)
    assert alive(tool)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert gone(tool, seconds)


def test_tool_that_ends_by_itself_ends_its_guardian() -> None:
    parent, tool = guarded("exit 0")
    assert os.waitpid(parent, 0)[1] == 0
    assert gone(tool, 1)
    time.sleep(0.2)
    for entry in os.listdir("/proc"):
        if entry.isdecimal() and alive(int(entry)):
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stream:
                    session = int(stream.read().rpartition(")")[2].split()[3])
            except (FileNotFoundError, ProcessLookupError):
                continue
            assert session != tool, f"process {entry} of the tool's session is left"
