"""`guestwright event follow`."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import click

from guestwright.base.printable import printable
from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.host.shown import clock

_EPILOG: Final = f"""\b
Examples:
  guestwright event follow
  guestwright event follow --kind vm-changed --json
  guestwright event follow --after 5f0c2a9d1b3e4f60.1024

\b
It goes on until Ctrl-C, also over restarts of the engine; "missed" says that events
are gone. --json prints one object a line; its "token" is what --after takes.

{EXITS}"""
_INTERRUPTED: Final = 130


@click.command("follow", epilog=_EPILOG, short_help="Events as they happen.")
@click.option("--after", metavar="TOKEN", help="Begin after this one.  [default: now]")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only of this kind; repeat.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many.")
@engine_options
def follow(*, after: str | None, kinds: tuple[str, ...], count: int | None, **params: Any) -> int:
    """Print events as they happen."""
    shown = 0
    try:
        with connect(params) as client:
            for event in client.events(after, kinds=kinds):
                values: dict[str, Any] = {"token": event.token, "kind": event.kind, "subject": event.subject}
                values |= {"at": event.at, "body": event.body}
                if params["as_json"]:
                    line = json.dumps(values, separators=(",", ":"))
                else:
                    data = json.dumps(event.body, ensure_ascii=False)
                    subject = event.subject or "-"
                    line = printable(f"{clock(event.at):19}  {event.kind:18}  {subject}  {data}")
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
                shown += 1
                if shown == count:
                    break
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0
