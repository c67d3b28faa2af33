"""`guestwright host enrol renew`: another certificate for a caller."""

from __future__ import annotations

import time
from typing import Any

import click

from guestwright.cli.host.enrol.options import authority_of, enrol_options, hand_out, print_grants, until

_EPILOG = """\b
Examples:
  guestwright host enrol renew ann --out ann-identity
  guestwright host enrol renew monitoring --days 90 --out /root/monitoring

\b
The certificate before stays good until it ends; `revoke` with its number ends it now."""


@click.command(epilog=_EPILOG, short_help="Another certificate for a caller.")
@click.argument("name")
@click.option("--days", type=int, default=30, show_default=True, help="Lifetime; at most 397.")
@click.option("--out", metavar="DIR", required=True, help="Where to write authority.pem and client.pem.")
@enrol_options
def renew(name: str, *, days: int, out: str, **params: Any) -> None:
    """Issue another certificate, with a new key and the same role, to NAME, who has a good one."""
    bundle = authority_of(params).renew(name, time.time(), days)
    hand_out(bundle, out)
    print_grants((bundle.grant,), params, f"{name} is {bundle.grant.role} until {until(bundle.grant)}: {out}")
