"""`guestwright host medium insert`: an image from storage into a CD or floppy drive."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.host.volume.parts import name_of
from guestwright.cli.output import print_json, say

_EPILOG = f"""\b
Examples:
  guestwright host medium insert web1 sda iso/debian-12
  guestwright host medium insert web1 sda iso/drivers --change --json

\b
The image is a raw volume of the host's storage domains (`host volume upload`).

{EXITS}"""


@click.command("insert", epilog=_EPILOG, short_help="Put an image into a CD or floppy drive.")
@click.argument("name")
@click.argument("drive")
@click.argument("image", callback=name_of, metavar="VOLUME")
@click.option("--change", is_flag=True, help="In place of what may be in it.")
@click.option("--force", is_flag=True, help="Even though the guest keeps the drive locked.")
@service_options
def medium_insert(
    name: str, drive: str, image: tuple[str, str], *, change: bool, force: bool, **params: Any
) -> None:
    """Put the image VOLUME (STORAGE/NAME) into the DRIVE (such as sda) of the domain NAME."""
    with connect(params) as client:
        uuid = client.find(name)["domain"]["uuid"]
        storage, volume = image
        body = {"storage": storage, "volume": volume, "change": change, "force": force}
        found = client.ask("PUT", client.drive(uuid, drive), body)
    if params["as_json"]:
        print_json({"kind": "guestwright.host.drive", "schema": 1, "drive": found})
        return
    say(f"{'/'.join(image)} is in {found['target']} of {name}")
