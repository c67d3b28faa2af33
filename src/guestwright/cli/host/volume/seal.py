"""`guestwright host volume seal`: the volumes of a machine become a template."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.options import EXITS, service_options
from guestwright.cli.host.volume.parts import do, names_of, wait_option

_EPILOG = f"""\b
Examples:
  guestwright host volume seal main/debian-12
  guestwright host volume seal main/db-root main/db-data --operations defaults,-ssh-hostkeys
  guestwright host volume seal main/web1 --leaf --json

\b
All volumes of a machine are sealed together or not at all; meanwhile they are
illegal. A volume whose sealing did not come to its end stays so: seal it again.

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="Make the volumes of a machine a template.")
@click.argument("volumes", callback=names_of, nargs=-1, required=True)
@click.option("--operations", default="", metavar="LIST", help="As of `guestwright seal run`.")
@click.option("--root", default="", metavar="DEVICE", help="Which system, when there are several.")
@click.option("--leaf", is_flag=True, help="They stay leaves; without it they are shared afterwards.")
@wait_option
@service_options
def seal(
    volumes: tuple[tuple[str, str], ...],
    *,
    operations: str,
    root: str,
    leaf: bool,
    no_wait: bool,
    **params: Any,
) -> None:
    """Seal the VOLUMES (STORAGE/NAME, all in one storage domain) of one machine."""
    storages = {storage for storage, _ in volumes}
    if len(storages) > 1:
        raise click.BadParameter(f"volumes of one machine are in one storage domain, not in {len(storages)}")
    parameters: dict[str, Any] = {
        "domain": storages.pop(),
        "volumes": [name for _, name in volumes],
        "shared": not leaf,
    }
    given = {"operations": operations, "root": root}
    parameters |= {name: value for name, value in given.items() if value}
    names = ", ".join("/".join(one) for one in volumes)
    do(params, "volume.seal", parameters, f"sealed: {names}", wait=not no_wait)
