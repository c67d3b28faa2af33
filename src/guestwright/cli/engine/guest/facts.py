"""`guestwright guest facts`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.guest.alarms import machines
from guestwright.cli.engine.guest.said import said
from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import rows_of, text
from guestwright.cli.host.shown import age
from guestwright.cli.host.table import pairs
from guestwright.cli.output import print_json, say

_EPILOG: Final = f"""\b
Examples:
  guestwright guest facts web-1
  guestwright guest facts web-1 --json | jq .guest.facts.host.value

{EXITS}"""


@click.command("facts", epilog=_EPILOG, short_help="What a guest says of itself.")
@click.argument("name", metavar="VM")
@engine_options
def facts(name: str, **params: Any) -> None:
    """Show what the guest in the machine VM has said, and when it was last heard. No guest is asked."""
    from guestwright.client.calls import guests
    from guestwright.client.kinds import VMS

    with connect(params) as client:
        vm = client.find(VMS, name)["id"]
        found = client.do(guests.show(vm))
    if params["as_json"]:
        print_json({"kind": "guestwright.guest", "schema": 1, "guest": found})
        return
    rows = rows_of(found.get("guest") or {})
    for fact, told in sorted((found.get("facts") or {}).items()):
        heard = told.get("age")
        when = f"  ({age(heard)} ago)" if isinstance(heard, (int, float)) else ""
        first, *more = said(fact, told.get("value"))
        rows.append((fact, first + when))
        rows += [("", line) for line in more]
    for one in found.get("alarms") or ():
        what = f"{text('kind', one.get('kind'))} {text('value', one.get('value'))}"
        rows.append(("shared identity", f"{what} with {machines(one, but=vm)}"))
    for line in pairs(rows):
        say(line)
