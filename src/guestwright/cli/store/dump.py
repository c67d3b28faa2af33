"""`guestwright store dump`: a subtree as a document."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.output import print_json
from guestwright.cli.store.options import connect, server_options, together
from guestwright.cli.store.saved import document

_EPILOG = """\b
Examples:
  guestwright store dump /local/domain/5 > domain5.json
  guestwright store dump --transaction /vm | jq -r '.nodes[].path'"""


@click.command(epilog=_EPILOG, short_help="Save a subtree with its permissions as JSON.")
@click.argument("path", default="/")
@click.option(
    "--transaction", is_flag=True, help="All at one moment; may fail when others change much meanwhile."
)
@server_options
def dump(**params: Any) -> None:
    """Print PATH and all below it, with permissions, in the form that `store restore` takes."""
    path = params["path"]
    with connect(params) as store:
        nodes = together(store, lambda inside: inside.tree(path, perms=True), several=params["transaction"])
    print_json(document(path, nodes))
