"""`guestwright host enrol revoke`: let certificates count no more."""

from __future__ import annotations

import time
from typing import Any

import click

from guestwright.cli.host.enrol.options import authority_of, enrol_options, print_grants

_EPILOG = """\b
Examples:
  guestwright host enrol revoke ann
  guestwright host enrol revoke 0f3c5e7a9b1d2f4a6c8e0b2d4f6a8c0e1f3a5b7c

\b
It counts with the next request, also on connections that are open; an event stream
ends within seconds."""


@click.command(epilog=_EPILOG, short_help="Let certificates count no more.")
@click.argument("name", metavar="NAME|NUMBER")
@enrol_options
def revoke(name: str, **params: Any) -> None:
    """Revoke all certificates of NAME, or the one of this NUMBER."""
    gone = authority_of(params).revoke(name, time.time())
    print_grants(gone, params, f"{len(gone)} certificate(s) of {gone[0].name} count no more")
