"""`guestwright store ls`: a subtree as text."""

from __future__ import annotations

import os
from typing import Any

import click

from guestwright.cli.output import print_json
from guestwright.cli.store.listing import NO_TERMINAL, lines
from guestwright.cli.store.options import connect, put, server_options, value_json

_EPILOG = """\b
Examples:
  guestwright store ls /local/domain/5
  guestwright store ls -f -p /local/domain/5 | grep vif
  guestwright store ls --json / | jq -r '.nodes[].path'"""


@click.command(epilog=_EPILOG, short_help="Show nodes and their values as a tree.")
@click.argument("path", default="/")
@click.option("-f", "--full", is_flag=True, help="Whole paths, nothing cut.")
@click.option("-p", "--permissions", is_flag=True, help="Permissions too, the owner's entry first.")
@server_options
def ls(**params: Any) -> None:
    """Show all nodes below PATH; as xenstore-ls."""
    with connect(params) as store:
        nodes = store.tree(params["path"], perms=params["permissions"])
    if params["as_json"]:
        perms = params["permissions"]
        print_json(
            {
                "kind": "guestwright.store.nodes",
                "schema": 1,
                "nodes": [
                    {"path": one.path, **value_json(one.value), **({"perms": one.perms} if perms else {})}
                    for one in nodes
                ],
            }
        )
        return
    shown = lines(nodes, full=params["full"], perms=params["permissions"], width=_width(params["full"]))
    put("".join([line + "\n" for line in shown]).encode())


def _width(full: bool) -> int | None:
    try:
        return os.get_terminal_size(1).columns - 2
    except OSError:
        return None if full else NO_TERMINAL
