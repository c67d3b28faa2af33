"""`guestwright template set-payload`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.base.errors import UsageError
from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright template set-payload debian-12 web
  guestwright template set-payload debian-12 first-boot --run-once --version 3
  guestwright template set-payload debian-12 none

{EXITS}"""
NONE: Final = "none"


@click.command("set-payload", epilog=_EPILOG, short_help="What machines of a template get.")
@click.argument("name", metavar="T")
@click.argument("payload", metavar="P")
@click.option("--version", "number", type=click.IntRange(1), metavar="N", help="Of T.  [default: the newest]")
@click.option("--run-once", is_flag=True, help="At their first start only.")
@engine_options
def set_payload(name: str, payload: str, *, number: int | None, run_once: bool, **params: Any) -> None:
    """Have machines that are made from the template T get the payload P, unless they name their own.

    P is a name or id, or `none`. Machines that are there stay as they are.
    """
    from guestwright.client.calls import templates
    from guestwright.client.kinds import PAYLOADS, TEMPLATES

    with connect(params) as client:
        template = client.find(TEMPLATES, name)["id"]
        wanted = None if payload == NONE else client.find(PAYLOADS, payload)["id"]
        known = {int(one["number"]): one for one in client.all(templates.versions(template))}
        if not known:
            raise UsageError(problem=f"template {name} has no version")
        chosen = number or max(known)
        etag = str(known[chosen]["version"]) if chosen in known else ""
        changed = client.do(
            templates.change_version(template, chosen, payload=wanted, run_once=run_once, etag=etag)
        )
    print_done(params, "version", changed, f"version {chosen} of {name}: payload {payload}")
