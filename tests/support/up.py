"""`guestwright up` as a user runs it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.support.program import COMMAND, environment, running

PATIENCE = 240.0


@dataclass
class Up:
    """One run."""

    process: subprocess.Popen[bytes]
    told: dict[str, Any]

    def client(self, token: str = "") -> httpx2.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx2.Client(base_url=self.told["url"], headers=headers, timeout=PATIENCE)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def arguments(place: Path, *more: str, hypervisor: str = "fake") -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of a run; without a hypervisor that of the run before."""
    args = ["up", "--json", "--directory", str(place / "engine")]
    args += ["--hypervisor", hypervisor] if hypervisor else []
    given = {"XDG_CONFIG_HOME": str(place / "config"), "XDG_RUNTIME_DIR": str(place / "run")}
    os.makedirs(place / "run", exist_ok=True)
    return [*args, "--listen", "127.0.0.1:0", *more], given


@contextmanager
def up(place: Path, *more: str, hypervisor: str = "fake") -> Iterator[Up]:
    """Run it until the end of the block, and see that it is gone then."""
    args, given = arguments(place, *more, hypervisor=hypervisor)
    with running([*COMMAND, *args], env=environment(given), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        text = b""
        until = time.monotonic() + PATIENCE
        while not text.endswith(b"}\n"):
            assert select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))[0]
            part = os.read(process.stdout.fileno(), 65536)
            assert part, (text, process.wait(PATIENCE))
            text += part
        yield Up(process, json.loads(text))
        if process.poll() is None:
            process.terminate()


def eventually(what: Callable[[], Any], pause: float = 0.05) -> Any:
    """What a function gives as soon as it is something."""
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < until
        time.sleep(pause)
    return found
