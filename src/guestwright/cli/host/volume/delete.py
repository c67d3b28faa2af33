"""`guestwright host volume delete`: remove a volume."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.options import EXITS, service_options
from guestwright.cli.host.volume.parts import do, name_of, wait_option

_EPILOG = f"""\b
Examples:
  guestwright host volume delete main/web1
  guestwright host volume delete main/web1 --generation 4

\b
What is in use, held by a job, or the parent of another volume stays, with a reason.
One that is gone already is fine.

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="Remove a volume.")
@click.argument("name", callback=name_of, metavar="VOLUME")
@click.option("--generation", type=click.IntRange(min=0), help="Only if it is this one still.")
@wait_option
@service_options
def delete(name: tuple[str, str], *, generation: int | None, no_wait: bool, **params: Any) -> None:
    """Delete VOLUME (STORAGE/NAME) and what is on it."""
    parameters: dict[str, Any] = {"domain": name[0], "volume": name[1]}
    if generation is not None:
        parameters["generation"] = generation
    do(params, "volume.delete", parameters, f"{'/'.join(name)} is gone", wait=not no_wait)
