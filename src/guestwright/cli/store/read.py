"""`guestwright store read`: values."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.output import print_json
from guestwright.cli.store.escape import escape
from guestwright.cli.store.options import connect, put, server_options, value_json
from guestwright.cli.store.partly import each

_EPILOG = """\b
Examples:
  guestwright store read /local/domain/5/name
  guestwright store read -p name vm
  guestwright store read -R /tool/binary > value"""


@click.command(epilog=_EPILOG, short_help="Values of nodes.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-p", "--prefix", is_flag=True, help="With the path before each value.")
@click.option("-R", "--raw", is_flag=True, help="The bytes as they are, without line ends.")
@server_options
def read(**params: Any) -> None:
    r"""Print the value of each PATH; as xenstore-read.

    Bytes that do not print are shown as \t, \n, \r, \\, \001 or \x1b unless --raw is given.
    """
    with connect(params) as store:
        found, error = each(store, params["paths"], lambda inside, path: inside.read(path))
    if params["as_json"] and error is None:
        rows = [{"path": path, **value_json(value)} for path, value in found]
        print_json({"kind": "guestwright.store.nodes", "schema": 1, "nodes": rows})
    elif not params["as_json"]:
        for path, value in found:
            head = f"{path}: ".encode("utf-8", "surrogateescape") if params["prefix"] else b""
            put(head + (value if params["raw"] else escape(value).encode() + b"\n"))
    if error is not None:
        raise error
