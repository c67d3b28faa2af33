"""`guestwright store rm`: remove nodes."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.store.options import connect, print_done, server_options, together
from guestwright.xenstore.client.tree import Tree

_EPILOG = """\b
Examples:
  guestwright store rm /local/domain/5/data/answer
  guestwright store rm -t /local/domain/5/device/vif/0"""


@click.command(epilog=_EPILOG, short_help="Remove nodes and all below them.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-t", "--tidy", is_flag=True, help="Directories above too that become empty and have no value.")
@server_options
def rm(**params: Any) -> None:
    """Remove each PATH and all below it; as xenstore-rm. A node that is missing is no error."""
    paths = params["paths"]

    def work(inside: Tree) -> None:
        for path in paths:
            inside.rm(path)
            if params["tidy"]:
                _tidy(inside, path)

    with connect(params) as store:
        together(store, work, several=len(paths) > 1 or params["tidy"])
    print_done(params, paths)


def _tidy(inside: Tree, path: str) -> None:
    while (end := path.rfind("/")) > 0:
        path = path[:end]
        if inside.read(path) or inside.children(path):
            return
        inside.rm(path)
