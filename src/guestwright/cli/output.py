"""The one place that prints: tables and progress for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from guestwright.base.errors import GuestwrightError
from guestwright.base.progress import Step

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_BAR_WIDTH: Final = 28
_PHASES: Final = {"open": 0.0, "operation": 0.1, "check": 0.8, "copy": 0.05, "commit": 0.9}


def human(size: float) -> str:
    """A size in bytes for people: "512 B", "1.4 MiB"."""
    value = float(size)
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def print_json(body: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(body, indent=2) + "\n")


def say(line: str = "") -> None:
    """One line for a person on standard output."""
    click.echo(line)


def warn(line: str) -> None:
    """One line on standard error."""
    click.echo(line, err=True)


def error_json(error: GuestwrightError) -> str:
    """The wire form of an error."""
    return json.dumps({"error": error.as_dict()}, indent=2)


def wants_json(argv: Sequence[str]) -> bool:
    """Whether --json was asked for, also when the arguments could not be parsed."""
    before, _, _ = "\0".join(argv).partition("\0--\0")
    return "--json" in before.split("\0")


class Bar:
    """A progress bar on a terminal's standard error; nothing anywhere else."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._on = not quiet and sys.stderr.isatty()
        self._shown = False

    def __call__(self, step: Step, /) -> None:
        """Draw `step`."""
        if not self._on:
            return
        start = _PHASES.get(step.name, 0.0)
        span = 0.7 if step.name == "operation" else 0.1
        part = start + span * (step.done / step.total if step.total else 0.0)
        filled = int(part * _BAR_WIDTH)
        bar = "█" * filled + "·" * (_BAR_WIDTH - filled)
        sys.stderr.write(f"\r\x1b[K{bar} {step.name}: {step.text[:60]}")
        sys.stderr.flush()
        self._shown = True

    def close(self) -> None:
        """Wipe the bar."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
