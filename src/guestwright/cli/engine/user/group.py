"""The `user` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.user"
_COMMANDS: Final = {
    "list": (f"{_HERE}.list_", "list_", "Users."),
    "add": (f"{_HERE}.add", "add", "Make a user."),
    "change": (f"{_HERE}.change", "change", "Change what a user may do."),
    "remove": (f"{_HERE}.remove", "remove", "Remove a user."),
    "password": (f"{_HERE}.password", "password", "Give a user another password."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Who may log in, and what they may do.")
def user() -> None:
    """Users of the engine. Roles: viewer, operator, admin."""
