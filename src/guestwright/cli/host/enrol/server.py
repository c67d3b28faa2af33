"""`guestwright host enrol server`: a certificate for the service."""

from __future__ import annotations

import time
from typing import Any

import click

from guestwright.cli.host.enrol.options import authority_of, enrol_options, print_grants, until

_EPILOG = """\b
Examples:
  guestwright host enrol server host7.lan
  guestwright host enrol server host7.lan 192.0.2.7 2001:db8::7

\b
The service takes it up when it starts, and within the hour when it runs; it renews
it for the same names by itself."""


@click.command(epilog=_EPILOG, short_help="A certificate for the service.")
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@enrol_options
def server(names: tuple[str, ...], **params: Any) -> None:
    """Issue a certificate to the service, for the DNS names and IP addresses that clients use."""
    grant = authority_of(params).server(names, time.time())
    print_grants((grant,), params, f"the service is {', '.join(grant.names)} until {until(grant)}")
