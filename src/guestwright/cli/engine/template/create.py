"""`guestwright template create`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.base.errors import UsageError
from guestwright.cli.engine.options import EXITS, connect, engine_options, wait_options
from guestwright.cli.engine.waiting import begun

_EPILOG: Final = f"""\b
Examples:
  guestwright template create --from web-1 --name debian-12 --wait
  guestwright template create --from web-1 --name debian-12 --no-seal
  guestwright template create --from web-1 --name debian-12 --payload first-boot --run-once

{EXITS}"""


@click.command("create", epilog=_EPILOG, short_help="Make a template from a machine.")
@click.option("--from", "vm", required=True, metavar="VM", help="The machine.")
@click.option("--name", required=True, help="Of the template; one of that name gets a further version.")
@click.option(
    "--seal/--no-seal", default=True, show_default=True, help="Erase what makes the machine this one."
)
@click.option("--host", metavar="HOST", help="Where it goes.  [default: the machine's]")
@click.option("--storage", metavar="NAME", help="Storage domain there.  [default: the machine's]")
@click.option("--payload", metavar="P", help="What machines made from it get, unless they name their own.")
@click.option("--run-once", is_flag=True, help="The payload at their first start only.")
@wait_options
@engine_options
def create(**params: Any) -> int:
    """Make a template, or a further version of one, from a machine that is off; as a job."""
    from guestwright.client.calls import templates
    from guestwright.client.kinds import HOSTS, PAYLOADS, VMS

    if params["run_once"] and not params["payload"]:
        raise UsageError(problem="--run-once goes with --payload")

    with connect(params) as client:
        vm = client.find(VMS, params["vm"])["id"]
        host = client.find(HOSTS, params["host"])["id"] if params["host"] else ""
        payload = client.find(PAYLOADS, params["payload"])["id"] if params["payload"] else ""
        call = templates.create(
            vm,
            params["name"],
            seal=params["seal"],
            host=host,
            domain=params["storage"] or "",
            payload=payload,
            run_once=params["run_once"],
        )
        return begun(params, client, client.do(call))
