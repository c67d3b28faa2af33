"""`guestwright store mkdir`: make nodes."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.store.options import connect, print_done, server_options, together
from guestwright.xenstore.client.tree import Tree

_EPILOG = """\b
Examples:
  guestwright store mkdir /local/domain/5/data
  guestwright store mkdir /tool/a /tool/b"""


@click.command(epilog=_EPILOG, short_help="Make nodes with empty values.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@server_options
def mkdir(**params: Any) -> None:
    """Make each PATH, and what is missing above it. Nodes that are there keep their values."""
    paths = params["paths"]

    def work(inside: Tree) -> None:
        for path in paths:
            inside.mkdir(path)

    with connect(params) as store:
        together(store, work, several=len(paths) > 1)
    print_done(params, paths)
