"""`guestwright payload destroy`: overwrite a medium and remove it."""

from __future__ import annotations

from typing import Any

import click

_EPILOG = """\b
Examples:
  guestwright payload destroy web1.iso
  guestwright payload destroy --leftovers /run/payloads

\b
Overwriting reaches the blocks that the file has now. It means nothing on btrfs,
ZFS, snapshots, thin pools and flash: keep payloads on tmpfs or encrypted storage.
A file that is not there is no error."""


@click.command(epilog=_EPILOG, short_help="Overwrite a medium and remove it.")
@click.argument("images", nargs=-1)
@click.option("--leftovers", metavar="DIR", help="Also what killed builds left in DIR.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def destroy(**params: Any) -> None:
    """Overwrite each of IMAGES with zeros and remove it; links are refused."""
    from guestwright.base.errors import UsageError
    from guestwright.base.printable import printable
    from guestwright.cli.output import print_json, say
    from guestwright.media.output import destroy as destroyed
    from guestwright.media.output import sweep

    if not params["images"] and params["leftovers"] is None:
        raise UsageError(problem="expected IMAGES or --leftovers DIR")
    gone = {path: destroyed(path) for path in params["images"]}
    swept = sweep(params["leftovers"]) if params["leftovers"] is not None else 0
    if params["as_json"]:
        rows = [{"path": printable(path), "destroyed": there} for path, there in gone.items()]
        body = {"images": rows, "leftovers": swept}
        print_json({"kind": "guestwright.payload.destroyed", "schema": 1, **body})
        return
    for path, there in gone.items():
        say(f"{printable(path)}: {'destroyed' if there else 'was not there'}")
    if params["leftovers"] is not None:
        say(f"{printable(params['leftovers'])}: {swept} leftovers destroyed")
