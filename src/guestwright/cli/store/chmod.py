"""`guestwright store chmod`: permissions."""

from __future__ import annotations

import re
from typing import Any

import click

from guestwright.base.errors import UsageError
from guestwright.cli.store.options import connect, print_done, server_options, together
from guestwright.xenstore.client.tree import Tree

_PERMISSION = re.compile(r"[nrwb][0-9]{1,5}")
_EPILOG = """\b
Examples:
  guestwright store chmod /local/domain/5/data n5 r0
  guestwright store chmod -r /local/domain/5/device n0 r5

\b
A permission is a letter and a domain: n none, r read, w write, b both. The first
one names the owner, who may do everything, and what all may do who are not listed."""


@click.command(epilog=_EPILOG, short_help="Set who may read and write a node.")
@click.argument("path")
@click.argument("permissions", nargs=-1, required=True, metavar="PERMISSION...")
@click.option("-r", "--recursive", is_flag=True, help="All nodes below too.")
@click.option("-u", "--upto", is_flag=True, help="All nodes above too, but not the root.")
@server_options
def chmod(**params: Any) -> None:
    """Replace the permissions of PATH; as xenstore-chmod."""
    path, permissions = params["path"], params["permissions"]
    for one in permissions:
        if _PERMISSION.fullmatch(one) is None:
            raise UsageError(problem=f"'{one}' is no permission: a letter of n, r, w, b and a domain")

    def work(inside: Tree) -> list[str]:
        paths = [one.path for one in inside.tree(path)] if params["recursive"] else [path]
        if params["upto"]:
            paths += _above(path)
        for each in paths:
            inside.set_perms(each, permissions)
        return paths

    with connect(params) as store:
        changed = together(store, work, several=params["recursive"] or params["upto"])
    print_done(params, changed)


def _above(path: str) -> list[str]:
    found = []
    while (end := path.rfind("/")) > 0:
        path = path[:end]
        found.append(path)
    return found
