"""`guestwright host volume download`: a volume's file."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.options import EXITS, address_of, service_options
from guestwright.cli.host.volume.parts import name_of
from guestwright.cli.output import human, print_json, say

_EPILOG = f"""\b
Examples:
  guestwright host volume download main/debian-12 debian.qcow2
  guestwright host volume download main/data disk.img --json

\b
FILE appears when all of it is there; until then it is FILE.part. Lost connections
are made anew by themselves.

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="Fetch a volume's file.")
@click.argument("name", callback=name_of, metavar="VOLUME")
@click.argument("file", type=click.Path(dir_okay=False, writable=True))
@service_options
def download(name: tuple[str, str], file: str, **params: Any) -> None:
    """Download VOLUME (STORAGE/NAME) to FILE, in the volume's own format."""
    from guestwright.host.client.errors import LocalFileFailed
    from guestwright.host.client.transfers import download as fetch

    try:
        size = fetch(address_of(params), *name, file)
    except OSError as error:
        raise LocalFileFailed(path=file, problem=error.strerror or str(error)) from error
    if params["as_json"]:
        body = {"volume": "/".join(name), "file": file, "size": size}
        print_json({"kind": "guestwright.host.download", "schema": 1, **body})
        return
    say(f"{file}: {human(size)}")
