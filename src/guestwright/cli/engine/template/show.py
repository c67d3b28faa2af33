"""`guestwright template show`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import of, print_versions

_EPILOG: Final = f"""\b
Examples:
  guestwright template show debian-12
  guestwright template show debian-12 --json

{EXITS}"""
_COLUMNS: Final = (
    ("VERSION", of("number")),
    ("STATE", of("state")),
    ("SEALED", of("sealed")),
    ("CPUS", of("vcpus")),
    ("MEMORY", of("memory")),
    ("SOURCE", of("source")),
    ("PAYLOAD", of("payload_id")),
    ("ID", of("id")),
)


@click.command("show", epilog=_EPILOG, short_help="One template and its versions.")
@click.argument("name", metavar="T")
@engine_options
def show(name: str, **params: Any) -> None:
    """Show the template T and its versions."""
    from guestwright.client.calls import templates
    from guestwright.client.kinds import TEMPLATES

    with connect(params) as client:
        found = client.find(TEMPLATES, name)
        versions = list(client.all(templates.versions(found["id"])))
    print_versions(params, "template", found, versions, _COLUMNS)
