"""The `seal` group."""

from __future__ import annotations

import click

from guestwright.cli.lazy import LazyGroup

_COMMANDS = {
    "plan": ("guestwright.cli.commands.seal_plan", "plan", "Show what sealing would change; touch nothing."),
    "run": ("guestwright.cli.commands.seal_run", "run", "Seal, in place or into a copy, all or nothing."),
    "verify": ("guestwright.cli.commands.seal_verify", "verify", "List what sealing should have taken away."),
    "operations": ("guestwright.cli.commands.seal_operations", "operations", "List the operations."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Turn a machine's disks into a template.")
def seal() -> None:
    """Turn a machine's disks into a template by erasing what identifies that machine."""
