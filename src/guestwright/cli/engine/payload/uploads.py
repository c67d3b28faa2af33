"""`guestwright payload uploads`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import of, print_done, print_items

_EPILOG: Final = f"""\b
Examples:
  guestwright payload uploads
  guestwright payload uploads --give-up 0190b2c4-…

{EXITS}"""
_COLUMNS: Final = (
    ("NAME", of("name")),
    ("VERSION OF", of("payload")),
    ("SIZE", of("size")),
    ("AUTHOR", of("author")),
    ("CHANGED", of("changed")),
    ("ID", of("id")),
)


@click.command("uploads", epilog=_EPILOG, short_help="Uploads of payloads that are under way.")
@click.option("--give-up", metavar="UPLOAD", help="Remove one, with all that has arrived of it.")
@engine_options
def uploads(give_up: str | None, **params: Any) -> None:
    """List uploads that have not become payloads yet, of everybody; or give one up."""
    from guestwright.client.calls import payloads

    with connect(params) as client:
        if give_up is None:
            print_items(params, "uploads", list(client.all(payloads.uploads())), _COLUMNS)
            return
        client.do(payloads.abandon(give_up))
    print_done(params, "upload", {"id": give_up}, f"{give_up} is given up")
