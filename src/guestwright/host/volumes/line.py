"""How an errand talks to the service: lines of JSON on the standard streams."""

from __future__ import annotations

import json
import sys
from typing import Any

from guestwright.base.progress import Step


def say(message: dict[str, Any]) -> None:
    """Tell the service something."""
    sys.stdout.buffer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
    sys.stdout.buffer.flush()


def step(one: Step, /) -> None:
    """Tell where the errand is (`base.progress`)."""
    say({"step": [one.name, one.done, one.total, one.text]})


def ask(what: str) -> None:
    """Wait for the word to go on; without it this process is killed, or its input ends."""
    say({"ask": what})
    if sys.stdin.buffer.readline(16) != b"go\n":
        raise SystemExit(1)
