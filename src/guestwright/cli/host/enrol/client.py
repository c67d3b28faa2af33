"""`guestwright host enrol client`: a certificate for a caller."""

from __future__ import annotations

import time
from typing import Any

import click

from guestwright.cli.host.enrol.options import authority_of, enrol_options, hand_out, print_grants, until

_EPILOG = """\b
Examples:
  guestwright host enrol client ann --role operator --out ann-identity
  guestwright host enrol client monitoring --role viewer --days 90 --out /root/monitoring

\b
Give the directory to its owner by a safe way; there it goes to
~/.config/guestwright/identity or behind --identity."""


@click.command(epilog=_EPILOG, short_help="A certificate for a caller.")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["viewer", "operator", "admin"]),
    default="viewer",
    show_default=True,
    help="What it may do.",
)
@click.option("--days", type=int, default=30, show_default=True, help="Lifetime; at most 397.")
@click.option("--out", metavar="DIR", required=True, help="Where to write authority.pem and client.pem.")
@enrol_options
def client(name: str, *, role: str, days: int, out: str, **params: Any) -> None:
    """Issue a certificate and its key to NAME."""
    from guestwright.host.enrol.roles import Role

    bundle = authority_of(params).client(name, Role(role), time.time(), days)
    hand_out(bundle, out)
    print_grants((bundle.grant,), params, f"{name} is {role} until {until(bundle.grant)}: {out}")
