"""`guestwright vm create`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options, wait_options
from guestwright.cli.engine.waiting import begun

_EPILOG: Final = f"""\b
Examples:
  guestwright vm create --template debian-12 --name web-1 --wait
  guestwright vm create --template debian-12 --payload web --count 20 --name 'web-{{n}}' --wait
  guestwright vm create --template debian-12 --name 'db-{{n:03}}' --count 5 --first 10 --full --seal

\b
With --wait the exit code is 1 when one of many could not be made; the others stay.

{EXITS}"""


@click.command("create", epilog=_EPILOG, short_help="Make machines from a template.")
@click.option("--template", required=True, metavar="T", help="Template, or the id of one of its versions.")
@click.option(
    "--name", required=True, metavar="NAME", help="With --count: {n} or {n:03} stands for the number."
)
@click.option("--count", type=click.IntRange(1, 1000), metavar="N", help="Make so many.")
@click.option("--first", type=click.IntRange(0), default=1, show_default=True, help="Number of the first.")
@click.option("--payload", metavar="P", help="Payload that they get, or none.  [default: the template's]")
@click.option("--run-once", is_flag=True, help="They get it at their first start only.")
@click.option("--host", metavar="HOST", help="Where to make them.  [default: the template's]")
@click.option("--storage", metavar="NAME", help="Storage domain there.  [default: the template's]")
@click.option("--full", is_flag=True, help="Whole copies of the disks, not layers on the template's.")
@click.option("--seal", is_flag=True, help="Seal the disks again, so that no two have anything in common.")
@wait_options
@engine_options
def create(**params: Any) -> int:
    """Make one machine, or many by a pattern of names, as a job."""
    from guestwright.client.calls import vms
    from guestwright.client.kinds import HOSTS, PAYLOADS

    with connect(params) as client:
        host = client.find(HOSTS, params["host"])["id"] if params["host"] else ""
        payload = params["payload"] or ""
        if payload not in ("", "none"):
            payload = client.find(PAYLOADS, payload)["id"]
        call = vms.create(
            params["template"],
            params["name"],
            count=params["count"],
            first=params["first"],
            host=host,
            domain=params["storage"] or "",
            thin=not params["full"],
            seal=params["seal"],
            payload=payload,
            run_once=params["run_once"],
        )
        return begun(params, client, client.do(call))
