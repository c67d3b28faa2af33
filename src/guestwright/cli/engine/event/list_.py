"""`guestwright event list`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import Json, of, print_items
from guestwright.cli.output import warn

_EPILOG: Final = f"""\b
Examples:
  guestwright event list
  guestwright event list --kind vm-changed --limit 20
  guestwright event list --after 5f0c2a9d1b3e4f60.1024 --json

{EXITS}"""


_COLUMNS: Final = (
    ("AT", of("at")),
    ("KIND", of("kind")),
    ("SUBJECT", of("subject")),
    ("TOKEN", of("token")),
    ("MORE", of("body")),
)


@click.command("list", epilog=_EPILOG, short_help="Events that are kept.")
@click.option(
    "--after", metavar="TOKEN", default="", help="Begin after this one.  [default: the oldest kept]"
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    metavar="N",
    help="Show at most so many.",
)
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only of this kind; repeat.")
@engine_options
def list_(*, after: str, limit: int, kinds: tuple[str, ...], **params: Any) -> None:
    """List events, oldest first."""
    from guestwright.base.record import asdict
    from guestwright.client.calls import events

    found: list[Json] = []
    with connect(params) as client:
        while len(found) < limit:
            batch = client.do(events.look(after, limit=min(1000, limit - len(found)), kinds=kinds))
            found += [asdict(one) for one in batch.items]
            if batch.missed and after:
                warn("guestwright: events before these are gone")
            if not batch.more or batch.token == after:
                break
            after = batch.token
    print_items(params, "events", found, _COLUMNS)
