"""`guestwright host file write`: write a file of a guest."""

from __future__ import annotations

from typing import Any, BinaryIO

import click

from guestwright.base.printable import printable
from guestwright.cli.guest_data import sendable
from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.output import human, print_json, say

_EPILOG = f"""\b
Examples:
  guestwright host file write web1 /etc/motd motd.txt --mode 644
  generate | guestwright host file write web1 /srv/app/config.json
  guestwright host file write web1 /etc/motd motd.txt --json

\b
It is written beside its name and renamed: the guest has the old or the new one, whole.
A file has at most 16 MiB.

{EXITS}"""


@click.command("write", epilog=_EPILOG, short_help="Write a file of a guest.")
@click.argument("name")
@click.argument("path")
@click.argument("source", metavar="[FILE]", type=click.File("rb"), default="-")
@click.option("--mode", default="600", show_default=True, metavar="OCTAL", help="Its permissions.")
@service_options
def file_write(name: str, path: str, source: BinaryIO, *, mode: str, **params: Any) -> None:
    """Write FILE, or standard input, as the file PATH (absolute) of the guest in the domain NAME."""
    from guestwright.host.client.inside import SECONDS, write_file

    data = sendable(source)
    with connect(params, SECONDS) as client:
        write_file(client, client.find(name)["domain"]["uuid"], path, data, mode)
    if params["as_json"]:
        print_json({"kind": "guestwright.host.file", "schema": 1, "file": path, "size": len(data)})
        return
    say(f"{printable(path)} of {printable(name)}: {human(len(data))}")
