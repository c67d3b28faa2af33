"""The `template` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.template"
_COMMANDS: Final = {
    "list": (f"{_HERE}.list_", "list_", "Templates."),
    "show": (f"{_HERE}.show", "show", "One template and its versions."),
    "create": (f"{_HERE}.create", "create", "Make a template from a machine."),
    "export": (f"{_HERE}.export", "export", "Write a template as an OVF package."),
    "import": (f"{_HERE}.import_", "import_", "Make a template of an OVF package."),
    "set-payload": (f"{_HERE}.set_payload", "set_payload", "What machines of a template get."),
    "remove": (f"{_HERE}.remove", "remove", "Remove a template, or one version of it."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Templates that machines are made from.")
def template() -> None:
    """Templates, from which machines are made."""
