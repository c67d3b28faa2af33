"""`guestwright store restore`: write a dump back."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.store.errors import BadDump
from guestwright.cli.store.options import connect, print_done, server_options, together
from guestwright.cli.store.saved import SIZE_MAX, parse
from guestwright.xenstore.client.tree import Tree

_EPILOG = """\b
Examples:
  guestwright store restore domain5.json
  guestwright store dump /vm | guestwright store restore --root /copy --replace -"""


@click.command(epilog=_EPILOG, short_help="Write a saved subtree back.")
@click.argument("file", type=click.File("rb"))
@click.option("--root", metavar="PATH", help="Where to put it.  [default: where it came from]")
@click.option("--replace", is_flag=True, help="Remove first what is there and not in the dump.")
@click.option("--no-permissions", is_flag=True, help="Values only; new nodes inherit permissions.")
@server_options
def restore(**params: Any) -> None:
    """Write the nodes of a dump, all or nothing. FILE may be - for standard input."""
    file = params["file"]
    data = file.read(SIZE_MAX + 1)
    if len(data) > SIZE_MAX:
        raise BadDump(file=file.name, detail=f"it has more than {SIZE_MAX} bytes")
    root, nodes = parse(data.decode("utf-8", "replace"), file.name)
    root = (params["root"] or root).rstrip("/")

    def work(inside: Tree) -> None:
        if params["replace"]:
            _clear(inside, root)
        for one in nodes:
            path = root + one.path or "/"
            inside.write(path, one.value)
            if one.perms and not params["no_permissions"]:
                inside.set_perms(path, one.perms)

    with connect(params) as store:
        together(store, work)
    print_done(params, [root + one.path or "/" for one in nodes])


def _clear(inside: Tree, root: str) -> None:
    if not inside.exists(root or "/"):
        return
    for name in inside.children(root or "/"):
        inside.rm(f"{root}/{name}")
