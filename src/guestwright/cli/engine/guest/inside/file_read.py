"""`guestwright guest file read`: fetch a file of a guest."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.guest_data import fetched, need_file

_EPILOG: Final = f"""\b
Examples:
  guestwright guest file read web-1 /etc/hostname
  guestwright guest file read web-1 /var/log/installer.log installer.log --json

\b
A file has at most 16 MiB. On a terminal, control characters are shown, not obeyed.

{EXITS}"""


@click.command("read", epilog=_EPILOG, short_help="Fetch a file of a guest.")
@click.argument("name", metavar="VM")
@click.argument("path")
@click.argument("file", type=click.Path(dir_okay=False, writable=True), required=False)
@engine_options
def file_read(name: str, path: str, file: str | None, **params: Any) -> None:
    """Fetch the file PATH (absolute) of the guest in the machine VM, into FILE or to standard output.

    With --json, FILE is needed.
    """
    from guestwright.client.calls import guests
    from guestwright.client.kinds import VMS

    need_file(file, as_json=params["as_json"])
    with connect(params) as client:
        data = client.do(guests.read_file(client.find(VMS, name)["id"], path))
    fetched(data, file, "guestwright.guest.file", as_json=params["as_json"])
