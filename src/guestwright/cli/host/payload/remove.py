"""`guestwright host payload remove`: take a payload away."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.host.payload.parts import persistence, run_once_option
from guestwright.cli.output import print_json, say

_EPILOG: Final = f"""\b
Examples:
  guestwright host payload remove web1
  guestwright host payload remove web1 --run-once --force --json

{EXITS}"""


@click.command("remove", epilog=_EPILOG, short_help="Take a payload away, and destroy it.")
@click.argument("name")
@run_once_option
@click.option("--force", is_flag=True, help="Even though the guest keeps the drive locked.")
@service_options
def remove(name: str, *, run_once: bool, force: bool, **params: Any) -> None:
    """Take the payload of the domain NAME out of its drive, and destroy it."""
    with connect(params) as client:
        uuid = client.find(name)["domain"]["uuid"]
        path = f"/v1/domains/{uuid}/payloads/{persistence(run_once)}"
        left = client.ask("DELETE", f"{path}?force=true" if force else path)["payloads"]
    if params["as_json"]:
        print_json({"kind": "guestwright.host.payloads", "schema": 1, "payloads": left})
        return
    say(f"{name} has that payload no more")
