"""`guestwright host file read`: fetch a file of a guest."""

from __future__ import annotations

import sys
from typing import Any

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.output import human, print_json, say
from guestwright.cli.program import show

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
    from guestwright.host.client.errors import LocalFileFailed
    from guestwright.host.client.inside import SECONDS, read_file

    if params["as_json"] and file is None:
        raise click.BadParameter("--json needs a FILE: standard output is for the JSON then")
    with connect(params, SECONDS) as client:
        data = read_file(client, client.find(name)["domain"]["uuid"], path)
    if file is None:
        show(sys.stdout.buffer, data, raw=not sys.stdout.isatty())
        return
    try:
        with open(file, "wb") as local:
            local.write(data)
    except OSError as error:
        raise LocalFileFailed(path=file, problem=error.strerror or str(error)) from error
    if params["as_json"]:
        print_json({"kind": "guestwright.host.file", "schema": 1, "file": file, "size": len(data)})
        return
    say(f"{file}: {human(len(data))}")
