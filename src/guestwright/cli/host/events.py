"""`guestwright host events`: what happens, as it happens."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from guestwright.base.printable import printable
from guestwright.cli.host.options import EXITS, address_of, service_options
from guestwright.cli.host.shown import clock

_EPILOG = f"""\b
Examples:
  guestwright host events --follow
  guestwright host events --follow --kind facts-changed --kind agent-changed --json
  guestwright host events --after 5f0c2a9d1b3e4f60.1024 --json

\b
Without --follow it prints what is kept and ends. With it, it goes on until Ctrl-C,
also over restarts of the service; "missed" says how many events are gone, and whose.
--json prints one object a line; its "token" is what --after takes.

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="What happens, as it happens.")
@click.option("-f", "--follow", is_flag=True, help="Wait for more.")
@click.option("--after", metavar="TOKEN", default="", help="Begin after this event.")
@click.option(
    "--kind", "kinds", metavar="KIND", multiple=True, help="Only events of this kind; may be repeated."
)
@click.option("--subject", metavar="ID", default="", help="Only of this domain (uuid) or job.")
@service_options
def events(*, follow: bool, after: str, kinds: tuple[str, ...], subject: str, **params: Any) -> int:
    """Print the events of a host."""
    from guestwright.host.client.events import Events

    start = after or ("" if follow else "0")
    stream = Events(address_of(params), after=start, kinds=kinds, subject=subject, follow=follow)
    try:
        for event in stream:
            values = {name: getattr(event, name) for name in ("token", "kind", "subject", "time", "data")}
            if params["as_json"]:
                line = json.dumps(values, separators=(",", ":"))
            else:
                data = printable(json.dumps(event.data, ensure_ascii=False))
                line = f"{clock(event.time):19}  {event.kind:18}  {event.subject or '-'}  {data}"
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    return 0
