"""`guestwright guest alarms`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.listing import list_options, print_list
from guestwright.cli.engine.options import EXITS, connect
from guestwright.cli.engine.shown import Json, of, text

_EPILOG: Final = f"""\b
Examples:
  guestwright guest alarms
  guestwright guest alarms web-1
  guestwright guest alarms --filter kind=machine-id --json | jq '.items[].machines[].name'

{EXITS}"""


def machines(item: Json, but: str = "") -> str:
    """Who claims what an alarm is about, by name if it has one.

    Args:
        item: the alarm.
        but: id of a machine that is left out.
    """
    listed = item.get("machines")
    known = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return text("machines", [str(one.get("name") or one.get("id")) for one in known if one.get("id") != but])


_COLUMNS: Final = (
    ("KIND", of("kind")),
    ("VALUE", of("value")),
    ("COUNT", of("claimants")),
    ("SINCE", of("created")),
    ("MACHINES", machines),
)


@click.command("alarms", epilog=_EPILOG, short_help="Identities that several machines claim.")
@click.argument("name", metavar="[VM]", default="", required=False)
@list_options
def alarms(name: str, **params: Any) -> None:
    """List machine ids, SSH host keys and MAC addresses that several machines claim; those of VM, if given.

    Such machines were cloned without being sealed: they get each other's addresses, or pose as each other.
    """
    from guestwright.client.kinds import ALARMS, VMS

    if name:
        with connect(params) as client:
            vm = client.find(VMS, name)["id"]
        params["filters"] = (*params["filters"], f"machines:has:{vm}")
    print_list(params, "alarms", ALARMS.all, _COLUMNS)
