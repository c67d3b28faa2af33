"""`guestwright payload show`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import of, print_versions

_EPILOG: Final = f"""\b
Examples:
  guestwright payload show web
  guestwright payload show web --json

{EXITS}"""
_COLUMNS: Final = (
    ("VERSION", of("number")),
    ("CREATED", of("created")),
    ("AUTHOR", of("author")),
    ("FORM", of("form")),
    ("FILES", of("files")),
)


@click.command("show", epilog=_EPILOG, short_help="A payload that the engine keeps.")
@click.argument("name")
@engine_options
def show(name: str, **params: Any) -> None:
    """Show the payload NAME and its versions, without contents."""
    from guestwright.client.calls import payloads
    from guestwright.client.kinds import PAYLOADS

    with connect(params) as client:
        found = client.find(PAYLOADS, name)
        versions = list(client.all(payloads.versions(found["id"])))
    print_versions(params, "payload", found, versions, _COLUMNS)
