"""`guestwright template remove`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, confirmed, connect, engine_options, wait_options
from guestwright.cli.engine.waiting import begun

_EPILOG: Final = f"""\b
Examples:
  guestwright template remove debian-11
  guestwright template remove debian-11 --yes --wait
  guestwright template remove debian-12 --version 3

{EXITS}"""


@click.command("remove", epilog=_EPILOG, short_help="Remove a template, or one version of it.")
@click.argument("name", metavar="T")
@click.option("--version", "number", type=click.IntRange(1), metavar="N", help="Which, if there are several.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@wait_options
@engine_options
def remove(name: str, *, number: int | None, yes: bool, **params: Any) -> int:
    """Remove a version of the template T that no machine stands on; the template goes with its last one."""
    from guestwright.client.calls import templates
    from guestwright.client.kinds import TEMPLATES

    with connect(params) as client:
        found = client.find(TEMPLATES, name)
        which = f"version {number} of the template" if number else "the template"
        confirmed(f"Remove {which} {name} ({found['id']})?", yes=yes)
        return begun(params, client, client.do(templates.remove(found["id"], number)))
