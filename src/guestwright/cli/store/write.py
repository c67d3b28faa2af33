"""`guestwright store write`: set values."""

from __future__ import annotations

from typing import Any

import click

from guestwright.base.errors import UsageError
from guestwright.cli.store.escape import unescape
from guestwright.cli.store.options import connect, print_done, server_options, together
from guestwright.xenstore.client.tree import Tree

_EPILOG = """\b
Examples:
  guestwright store write /local/domain/5/control/shutdown reboot
  guestwright store write /vm/name web1 /vm/note 'two\\nlines'
  guestwright store write -R /vm/path 'C:\\temp'"""


@click.command(epilog=_EPILOG, short_help="Set values, all or none.")
@click.argument("words", nargs=-1, required=True, metavar="PATH VALUE...")
@click.option("-R", "--raw", is_flag=True, help="Take backslashes in values as they are.")
@server_options
def write(**params: Any) -> None:
    r"""Set each PATH to the VALUE after it; nodes above that are missing are made; as xenstore-write.

    In a value \t, \n, \r, \\, \001 and \x1b stand for the bytes that they mean, unless --raw is given.
    """
    words = params["words"]
    if len(words) % 2:
        raise UsageError(problem=f"'{words[-1]}' has no value after it")
    values = [
        one.encode("utf-8", "surrogateescape") if params["raw"] else unescape(one) for one in words[1::2]
    ]
    pairs = list(zip(words[::2], values, strict=True))

    def work(inside: Tree) -> None:
        for path, value in pairs:
            inside.write(path, value)

    with connect(params) as store:
        together(store, work, several=len(pairs) > 1)
    print_done(params, words[::2])
