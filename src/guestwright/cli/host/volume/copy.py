"""`guestwright host volume copy`: a volume from another one."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.options import EXITS, service_options
from guestwright.cli.host.volume.parts import do, name_of, wait_option

_EPILOG = f"""\b
Examples:
  guestwright host volume copy main/debian-12 main/web1
  guestwright host volume copy main/debian-12 fast/web1 --format raw

\b
Blocks are shared where the file system can, holes stay holes. A copy in another
format, or of a volume that stands on a parent, is made whole.

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="Make a volume from another one.")
@click.argument("source", callback=name_of)
@click.argument("target", callback=name_of)
@click.option(
    "--format", "format_", type=click.Choice(["raw", "qcow2"]), help="Another one than the source's."
)
@click.option("--shared", is_flag=True, help="To be read by many and never changed; a leaf without it.")
@click.option("--description", default="", help="For people.")
@wait_option
@service_options
def copy(
    source: tuple[str, str],
    target: tuple[str, str],
    *,
    format_: str | None,
    shared: bool,
    description: str,
    no_wait: bool,
    **params: Any,
) -> None:
    """Copy the volume SOURCE to the new volume TARGET, each STORAGE/NAME."""
    parameters = {
        "source_domain": source[0],
        "source": source[1],
        "domain": target[0],
        "volume": target[1],
        "kind": "shared" if shared else "leaf",
        "description": description,
    }
    if format_:
        parameters["format"] = format_
    do(params, "volume.copy", parameters, f"{'/'.join(target)} is there", wait=not no_wait)
