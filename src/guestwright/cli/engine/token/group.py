"""The `token` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.token"
_COMMANDS: Final = {
    "list": (f"{_HERE}.list_", "list_", "Your tokens."),
    "make": (f"{_HERE}.make", "make", "Make a token; its text is shown once."),
    "revoke": (f"{_HERE}.revoke", "revoke", "End a token."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Tokens for programs.")
def token() -> None:
    """Tokens, by which programs are known to the engine."""
