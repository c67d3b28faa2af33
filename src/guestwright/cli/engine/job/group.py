"""The `job` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.job"
_COMMANDS: Final = {
    "list": (f"{_HERE}.list_", "list_", "Jobs, oldest first."),
    "show": (f"{_HERE}.show", "show", "One job."),
    "wait": (f"{_HERE}.wait", "wait", "Wait for a job's end."),
    "cancel": (f"{_HERE}.cancel", "cancel", "Have a job given up."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Jobs of the engine.")
def job() -> None:
    """What the engine does that takes long; a job that fails is undone."""
