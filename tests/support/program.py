"""Runs the `guestwright` program as a user would: a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

COMMAND = [sys.executable, "-m", "guestwright.cli"]


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a run: this checkout's sources, byte code used as by an installed program."""
    source = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(__file__))), "src")
    mine = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**mine, "PYTHONPATH": source, "NO_COLOR": "1", **(more or {})}


def guestwright(*args: str, env: Mapping[str, str] | None = None, timeout: float = 120) -> Done:
    """Run `guestwright` with arguments and wait for its end; raises `TimeoutExpired` when it hangs."""
    done = subprocess.run(
        [*COMMAND, *args],
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    out, err = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    return Done(done.returncode, out, err)


@contextmanager
def running(argv: Sequence[str | os.PathLike[str]], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """Run a program while the block lasts, and wait for its end; killed when the block fails.

    Args:
        argv: the program and its arguments.
        options: as for `subprocess.Popen`.
    """
    with subprocess.Popen(argv, **options) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def start(args: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start `guestwright` and leave it running, in a session of its own."""
    return subprocess.Popen(
        [*COMMAND, *args],
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
