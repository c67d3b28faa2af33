"""`guestwright host enrol init`: make the authority of this host."""

from __future__ import annotations

import time
from typing import Any

import click

from guestwright.cli.host.enrol.options import authority_of, enrol_options, print_grants

_EPILOG = """\b
Examples:
  guestwright host enrol init
  guestwright host enrol init --directory /srv/guestwright/enrol

\b
To be run once, as the user that runs the service. The key never leaves the directory."""


@click.command(epilog=_EPILOG, short_help="Make the authority of this host.")
@enrol_options
def init(**params: Any) -> None:
    """Make the certificate authority."""
    import socket

    authority = authority_of(params)
    authority.create(socket.gethostname(), time.time())
    print_grants(
        (), params, f"the authority is in {authority.directory}; next: guestwright host enrol server NAME…"
    )
