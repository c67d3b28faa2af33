"""The `agent` group."""

from __future__ import annotations

import click

from guestwright.cli.lazy import LazyGroup

_COMMANDS = {
    "build": (
        "guestwright.cli.agent.build",
        "build",
        "Write the agent as one file, or as a Debian package.",
    ),
}

_EPILOG = """\b
The agent gets into an image by `guestwright seal run --agent`, into a running
guest by its Debian package, or by copying the one file that it is."""


@click.group(cls=LazyGroup, table=_COMMANDS, epilog=_EPILOG, short_help="The agent that runs in guests.")
def agent() -> None:
    """The agent that tells the host what runs in a guest, and does what the host may ask."""
