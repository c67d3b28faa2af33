"""`guestwright host file read`: fetch a file of a guest."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.guest_data import fetched, need_file
from guestwright.cli.host.options import EXITS, connect, service_options

_EPILOG = f"""\b
Examples:
  guestwright host file read web1 /etc/hostname
  guestwright host file read web1 /var/log/installer.log installer.log --json

\b
A file has at most 16 MiB. On a terminal, control characters are shown, not obeyed.

{EXITS}"""


@click.command("read", epilog=_EPILOG, short_help="Fetch a file of a guest.")
@click.argument("name")
@click.argument("path")
@click.argument("file", type=click.Path(dir_okay=False, writable=True), required=False)
@service_options
def file_read(name: str, path: str, file: str | None, **params: Any) -> None:
    """Fetch the file PATH (absolute) of the guest in the domain NAME, into FILE or to standard output.

    With --json, FILE is needed.
    """
    from guestwright.host.client.inside import SECONDS, read_file

    need_file(file, as_json=params["as_json"])
    with connect(params, SECONDS) as client:
        data = read_file(client, client.find(name)["domain"]["uuid"], path)
    fetched(data, file, "guestwright.host.file", as_json=params["as_json"])
