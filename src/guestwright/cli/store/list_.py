"""`guestwright store list`: names of children."""

from __future__ import annotations

from typing import Any

import click

from guestwright.base.printable import printable
from guestwright.cli.output import print_json
from guestwright.cli.store.options import connect, put, server_options
from guestwright.cli.store.partly import each
from guestwright.xenstore.client.operations import child_path

_EPILOG = """\b
Examples:
  guestwright store list /local/domain
  guestwright store list -p /local/domain/5/device"""


@click.command("list", epilog=_EPILOG, short_help="Names of the nodes directly below.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-p", "--prefix", is_flag=True, help="Whole paths.")
@server_options
def list_(**params: Any) -> None:
    """Print the names of the nodes directly below each PATH; as xenstore-list."""
    with connect(params) as store:
        found, error = each(store, params["paths"], lambda inside, path: inside.children(path))
    if params["as_json"] and error is None:
        rows = [{"path": path, "names": names} for path, names in found]
        print_json({"kind": "guestwright.store.names", "schema": 1, "directories": rows})
    elif not params["as_json"]:
        shown = [
            child_path(path, name) if params["prefix"] else name for path, names in found for name in names
        ]
        put("".join([printable(one) + "\n" for one in shown]).encode())
    if error is not None:
        raise error
