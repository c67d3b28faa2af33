"""`guestwright guest file write`: write a file of a guest."""

from __future__ import annotations

from typing import Any, BinaryIO, Final

import click

from guestwright.base.printable import printable
from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.guest_data import sendable
from guestwright.cli.output import human, print_json, say

_EPILOG: Final = f"""\b
Examples:
  guestwright guest file write web-1 /etc/motd motd.txt --mode 644
  generate | guestwright guest file write web-1 /srv/app/config.json

\b
It is written beside its name and renamed: the guest has the old or the new one, whole.
A file has at most 16 MiB.

{EXITS}"""


@click.command("write", epilog=_EPILOG, short_help="Write a file of a guest.")
@click.argument("name", metavar="VM")
@click.argument("path")
@click.argument("source", metavar="[FILE]", type=click.File("rb"), default="-")
@click.option("--mode", default="600", show_default=True, metavar="OCTAL", help="Its permissions.")
@engine_options
def file_write(name: str, path: str, source: BinaryIO, *, mode: str, **params: Any) -> None:
    """Write FILE, or standard input, as the file PATH (absolute) of the guest in the machine VM."""
    from guestwright.client.calls import guests
    from guestwright.client.kinds import VMS

    data = sendable(source)
    with connect(params) as client:
        client.do(guests.write_file(client.find(VMS, name)["id"], path, data, mode=mode))
    if params["as_json"]:
        print_json({"kind": "guestwright.guest.file", "schema": 1, "file": path, "size": len(data)})
        return
    say(f"{printable(path)} of {printable(name)}: {human(len(data))}")
